"""Each precondition that does not hold is a line of its own, with what to do about it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from mad.deploy.cloud import doctor
from mad.deploy.cloud.checks import Check, Level
from mad.deploy.cloud.session import Aws
from mad.deploy.stack.load import load
from mad.deploy.stack.settings import Stack

REGION = "eu-west-2"
FILE = """name = "shop-x7k2"
region = "eu-west-2"
[api]
image = "al2023"
[api_lb]
image = "al2023"
[client]
image = "al2023"
[web]
image = "al2023"
"""


class Local(Protocol):
    url: str


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SSH_PUBLIC_KEY_FILE", raising=False)
    path = tmp_path / "mad.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def aws(aws_local: Local) -> Aws:
    return Aws(REGION, endpoint_url=aws_local.url)


def answer(aws: Aws, call: str, parsed: dict[str, Any], status: int = 200) -> None:
    """Answers a call (`ec2.RunInstances`) in place of AWS."""
    from botocore.awsrequest import AWSResponse

    def answered(**_rest: Any) -> tuple[AWSResponse, dict[str, Any]]:
        metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}}
        return AWSResponse("", status, {}, None), {"ResponseMetadata": metadata, **parsed}

    aws.session.register(f"before-call.{call}", answered)


def refuse(aws: Aws, call: str, code: str, message: str = "no") -> None:
    answer(aws, call, {"Error": {"Code": code, "Message": message}}, 400)


def look(file: Path, aws: Aws) -> list[Check]:
    return list(doctor.checks(file, lambda _stack: aws))


def failing(found: list[Check]) -> list[Check]:
    return [check for check in found if check.level == Level.FAIL]


def only(found: list[Check]) -> Check:
    (check,) = failing(found)
    return check


def test_a_fresh_account_has_nothing_in_the_way_and_nothing_is_written(
    file: Path, aws: Aws
) -> None:
    found = look(file, aws)
    assert not failing(found)
    names = [check.name for check in found]
    for name in ("credentials", "clock", "region", "network", "elastic IPs", "vCPUs", "names"):
        assert names.count(name) == 1
    assert "instance type t3.micro" in names
    assert "image al2023" in names
    made = aws.call("ec2", "describe_instances")["Reservations"]
    assert not made
    assert not aws.call("ec2", "describe_key_pairs")["KeyPairs"]
    assert not aws.call("ec2", "describe_addresses")["Addresses"]
    assert not list(file.parent.glob("config/**/*"))


def test_every_check_that_is_not_ok_says_what_to_do(file: Path, aws: Aws) -> None:
    for call in ("ec2.RunInstances", "ssm.GetParametersByPath", "elasticache.*", "elb.*"):
        refuse(aws, call, "UnauthorizedOperation")
    found = look(file, aws)
    assert len(failing(found)) >= 4
    for check in found:
        assert (check.remedy == "") == (check.level == Level.OK), check


def test_a_stack_file_with_mistakes_is_told_line_by_line(file: Path, aws: Aws) -> None:
    file.write_text('name = "shop"\nregion = "eu-west-2"\n[api]\ncuont = 2\ntype = 3\n')
    found = failing(look(file, aws))
    assert [check.name for check in found] == ["stack file", "stack file"]
    assert f"{file}:4" in found[0].sentence
    assert f"{file}:5" in found[1].sentence
    assert aws.calls == []


def test_no_stack_file_is_a_check_like_others(file: Path, aws: Aws) -> None:
    file.unlink()
    check = only(look(file, aws))
    assert check.name == "stack file"
    assert "init" in check.remedy


def test_given_hosts_ask_aws_nothing(file: Path, aws: Aws) -> None:
    file.write_text(
        'name = "rack"\n[hosts]\napi = ["10.0.0.1"]\napi_lb = ["10.0.0.2"]\n'
        '[redis]\nurl = "redis://10.0.0.3"\n'
    )
    assert not failing(look(file, aws))
    assert aws.calls == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InvalidClientTokenId", "access key"),
        ("ExpiredToken", "expired"),
        ("SignatureDoesNotMatch", "signature"),
    ],
)
def test_credentials_that_do_not_work_are_the_only_line_about_aws(
    code: str, words: str, file: Path, aws: Aws
) -> None:
    refuse(aws, "sts.GetCallerIdentity", code)
    found = look(file, aws)
    check = only(found)
    assert check.name == "credentials"
    assert words in check.sentence
    assert not {"network", "names"} & {one.name for one in found}


def test_an_endpoint_that_nobody_listens_at_is_told_as_that(file: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "a")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        check = only(look(file, Aws(REGION, endpoint_url="http://127.0.0.1:9")))
    assert check.name == "credentials"
    assert "reached" in check.sentence


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, Level.OK), (90, Level.WARN), (-90, Level.WARN), (600, Level.FAIL)]
)
def test_a_clock_that_is_wrong_is_found(seconds: int, level: Level, aws: Aws) -> None:
    from datetime import UTC, datetime, timedelta

    from mad.deploy.cloud.doctor_account import clock

    check = clock(aws, datetime.now(UTC) + timedelta(seconds=seconds))
    assert check.level == level


def test_a_region_that_is_not_enabled_is_found(file: Path, aws: Aws) -> None:
    region = {"RegionName": REGION, "OptInStatus": "not-opted-in"}
    answer(aws, "ec2.DescribeRegions", {"Regions": [region]})
    check = only(look(file, aws))
    assert check.name == "region"
    assert "enable" in check.remedy


def test_an_account_without_a_default_vpc_is_given_the_three_ways_out(file: Path, aws: Aws) -> None:
    answer(aws, "ec2.DescribeSubnets", {"Subnets": []})
    answer(aws, "ec2.DescribeVpcs", {"Vpcs": []})
    check = next(one for one in failing(look(file, aws)) if one.name == "network")
    for way in ("--create-default-vpc", 'vpc = "own"', "vpc-"):
        assert way in check.remedy


def test_a_vpc_that_is_not_there_is_found(file: Path, aws: Aws) -> None:
    file.write_text(FILE + '[network]\nvpc = "vpc-0123456789abcdef0"\n')
    check = next(one for one in failing(look(file, aws)) if one.name == "network")
    assert "vpc-0123456789abcdef0" in check.sentence


@pytest.mark.parametrize(
    ("call", "action"),
    [
        ("ec2.RunInstances", "ec2:RunInstances"),
        ("ec2.CreateSecurityGroup", "ec2:CreateSecurityGroup"),
        ("ec2.ImportKeyPair", "ec2:ImportKeyPair"),
        ("ec2.AllocateAddress", "ec2:AllocateAddress"),
        ("ssm.GetParametersByPath", "ssm:GetParametersByPath"),
    ],
)
def test_a_missing_permission_is_named(call: str, action: str, file: Path, aws: Aws) -> None:
    refuse(aws, call, "UnauthorizedOperation")
    check = only(look(file, aws))
    assert check.name == f"permission {action}"
    assert action in check.sentence
    assert "iam-policy" in check.remedy


def test_the_old_policies_are_told_what_they_lack(file: Path, aws: Aws) -> None:
    refuse(aws, "ssm.GetParametersByPath", "AccessDeniedException")
    check = only(look(file, aws))
    assert "AmazonEC2FullAccess" in check.remedy
    assert '"ssm:PutParameter"' in check.remedy
    assert '"ec2:' not in check.remedy


def test_a_type_that_no_zone_has_is_found(file: Path, aws: Aws) -> None:
    answer(aws, "ec2.DescribeInstanceTypeOfferings", {"InstanceTypeOfferings": []})
    check = only(look(file, aws))
    assert check.name == "instance type t3.micro"
    assert f"{REGION}a" in check.sentence


def test_a_type_that_does_not_exist_is_found_and_the_rest_looked_at(file: Path, aws: Aws) -> None:
    refuse(aws, "ec2.DescribeInstanceTypes", "InvalidInstanceType", "t9.micro does not exist")
    found = look(file, aws)
    assert {check.name for check in failing(found)} >= {"instance types"}
    assert {"network", "names", "elastic IPs"} <= {check.name for check in found}


def test_an_image_that_the_region_does_not_have_is_found(file: Path, aws: Aws) -> None:
    answer(aws, "ssm.GetParameters", {"Parameters": []})
    check = only(look(file, aws))
    assert check.name == "image al2023"


def test_an_image_of_the_wrong_architecture_is_found(file: Path, aws: Aws) -> None:
    file.write_text(FILE.replace("al2023", "ami-0123456789abcdef0"))
    image = {"ImageId": "ami-0123456789abcdef0", "Architecture": "arm64", "Name": "mine"}
    answer(aws, "ec2.DescribeImages", {"Images": [image]})
    check = next(one for one in failing(look(file, aws)) if one.name.startswith("image"))
    assert "arm64" in check.sentence


def test_too_few_elastic_ips_are_found(file: Path, aws: Aws) -> None:
    for _ in range(5):
        aws.call("ec2", "allocate_address", Domain="vpc")
    check = only(look(file, aws))
    assert check.name == "elastic IPs"
    assert "5 of 5" in check.sentence


def test_an_elastic_ip_of_the_stack_is_not_asked_for_again(file: Path, aws: Aws) -> None:
    tags = [{"Key": "mad:stack", "Value": "shop-x7k2"}]
    ours = [{"ResourceType": "elastic-ip", "Tags": tags}]
    aws.call("ec2", "allocate_address", Domain="vpc", TagSpecifications=ours)
    for _ in range(4):
        aws.call("ec2", "allocate_address", Domain="vpc")
    assert not failing(look(file, aws))


def test_too_few_vcpus_are_found(file: Path, aws: Aws) -> None:
    answer(aws, "service-quotas.GetServiceQuota", {"Quota": {"Value": 8.0}})
    check = only(look(file, aws))
    assert check.name == "vCPUs"
    assert "14 more needed" in check.sentence


def test_a_stack_that_costs_more_than_it_may_is_found(file: Path, aws: Aws) -> None:
    file.write_text(FILE + "[limits]\nmonthly_usd = 5\n")
    check = only(look(file, aws))
    assert check.name == "budget"
    assert "$5.00" in check.sentence


def _key_pair(aws: Aws) -> None:
    aws.call("ec2", "create_key_pair", KeyName="mad-shop-x7k2")


def _group(aws: Aws) -> None:
    aws.call("ec2", "create_security_group", GroupName="mad-shop-x7k2-api", Description="x")


def _subnets(aws: Aws) -> list[str]:
    found = aws.call("ec2", "describe_subnets")["Subnets"]
    return [one["SubnetId"] for one in found]


def _balancer(aws: Aws) -> None:
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    aws.call(
        "elb",
        "create_load_balancer",
        LoadBalancerName="mad-shop-x7k2-web",
        Listeners=[listener],
        Subnets=_subnets(aws),
    )


def _subnet_group(aws: Aws) -> None:
    aws.call(
        "elasticache",
        "create_cache_subnet_group",
        CacheSubnetGroupName="mad-shop-x7k2",
        CacheSubnetGroupDescription="x",
        SubnetIds=_subnets(aws),
    )


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (_key_pair, "key pair"),
        (_group, "security group"),
        (_balancer, "load balancer"),
        (_subnet_group, "cache subnet group"),
    ],
)
def test_a_name_that_somebody_else_has_is_found(
    make: Callable[[Aws], None], what: str, file: Path, aws: Aws
) -> None:
    make(aws)
    check = only(look(file, aws))
    assert check.name == "names"
    assert what in check.sentence
    assert "mad-shop-x7k2" in check.sentence


def test_a_bucket_that_is_not_there_is_found(file: Path, aws: Aws) -> None:
    file.write_text(FILE + '[lock]\nbucket = "nobody-has-this-one"\n')
    check = only(look(file, aws))
    assert "nobody-has-this-one" in check.sentence


def test_ssh_that_is_not_installed_is_found(
    file: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert [check.name for check in failing(look(file, aws))] == ["ssh", "ssh-keygen"]


def test_a_key_that_others_may_read_is_found(file: Path, aws: Aws) -> None:
    key = file.parent / "id_ed25519"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=30
    )
    file.write_text(FILE + f'[ssh]\npublic_key = "{key}.pub"\n')
    assert not failing(look(file, aws))
    key.chmod(0o644)
    check = only(look(file, aws))
    assert check.name == "private key"
    assert check.remedy == f"chmod 600 {key}"


def test_a_public_key_that_is_none_is_found(file: Path, aws: Aws) -> None:
    (file.parent / "key.pub").write_text("hello\n")
    file.write_text(FILE + '[ssh]\npublic_key = "key.pub"\n')
    assert only(look(file, aws)).name == "public key"


def test_obstacles_are_the_checks_that_fail_and_no_others(file: Path, aws: Aws) -> None:
    stack: Stack = load(file)
    assert doctor.obstacles(aws, stack) == ()
    _key_pair(aws)
    (check,) = doctor.obstacles(aws, stack)
    assert check.name == "names"
