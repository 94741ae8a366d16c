"""The whole life of a stack by the real command line, at `./script/aws-local`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from life_kit import REGION, Life, aws_local

ROLES = ("api", "api_lb", "client", "web")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("moto")
    with aws_local() as found:
        yield found


@pytest.fixture
def life(tmp_path: Path, url: str) -> Life:
    return Life(tmp_path, url)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Life]:
    """One that stands, for all rows of this file: each of them leaves it as it was."""
    life = Life(tmp_path_factory.mktemp("drift"), url)
    before = life.everything()
    life("init", "--name", "drift", "--region", REGION)
    life("up", "--infra-only", "--yes")
    yield life
    life("destroy", "--yes")
    assert life.everything() == before


def empty_twice(life: Life) -> None:
    for _ in range(2):
        assert life.plan() == []
    life("plan", "--detailed-exitcode")
    life("drift")


@pytest.mark.parametrize(
    "settings",
    ["", '[network]\nvpc = "own"\n', "[lock]\nbucket = 'locks-of-life'\n"],
    ids=["default network", "own network", "lock in a bucket"],
)
def test_a_stack_from_init_to_destroy(life: Life, settings: str) -> None:
    before = life.everything()
    life("init", "--name", "life", "--region", REGION)
    file = life.folder / "mad.toml"
    head = "[network]\n" if settings.startswith("[network]") else "[lock]\n"
    file.write_text(file.read_text().replace(head, settings or head))
    if "bucket" in settings:
        life.client("s3").create_bucket(
            Bucket="locks-of-life", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
    life("doctor")

    # Nothing is made by those that only look.
    wanted = life.plan()
    assert {verb for verb, _address in wanted} == {"create"}
    assert life("cost")
    life("up", "--infra-only", "--dry-run")
    life("plan", "--detailed-exitcode", code=2)
    assert life.everything() == before

    # An address that others know already is kept.
    known = life.client("ec2").allocate_address(Domain="vpc")
    life("adopt", "elastic_ip.api_lb-0", known["AllocationId"], "--yes")

    told = life.read("up", "--infra-only", "--yes", "--json")
    assert told["event"]
    empty_twice(life)
    life("up", "--infra-only", "--yes")
    status = life.read("status", "--json")
    assert status["wanted"] == {"api": 2, "api_lb": 1, "client": 2, "web": 2}
    assert len(status["outputs"]["hosts"]) == 7
    assert status["held_by"] is None
    assert status["outputs"]["api_url"] == f"http://{known['PublicIp']}/"
    assert len(life.everything()["machines"]) == 7

    # What playbooks see.
    inventory = life.read("inventory", "--list")
    for role in ROLES:
        group = inventory[f"tag_Name_{role}"]["hosts"]
        assert len(group) == status["wanted"][role]
    for name, host in life.hosts().items():
        seen = life.read("inventory", "--host", name)
        assert seen["ansible_host"] == host["address"]

    # More and fewer, in the file as well; the others stay who they are.
    first = {name: host["id"] for name, host in life.hosts().items()}
    life("scale", "api=4", "web=3", "client=1", "--yes")
    more = {name: host["id"] for name, host in life.hosts().items()}
    assert set(more) == {*first, "api-2", "api-3", "web-2"} - {"client-1"}
    assert all(more[name] == id for name, id in first.items() if name in more)
    assert "count = 4\n" in file.read_text()
    assert "# The servers that agents and browsers talk to." in file.read_text()
    empty_twice(life)
    life("scale", "api=2", "web=2", "client=2", "--yes")
    again = {name: host["id"] for name, host in life.hosts().items()}
    assert set(again) == set(first)
    assert {name for name in first if again[name] != first[name]} == {"client-1"}
    empty_twice(life)

    # Nothing secret was printed, and nothing is left.
    kept = life.client("ssm").get_parameters_by_path(
        Path="/mad/life", Recursive=True, WithDecryption=True
    )["Parameters"]
    secrets = [one for one in kept if one["Type"] == "SecureString"]
    assert len(secrets) == 4
    for secret in secrets:
        assert secret["Value"] not in life.output
    life("destroy", "--yes")
    assert life.everything() == before
    life("destroy", "--yes")
    assert {verb for verb, _address in life.plan()} == {"create"}


# What somebody does to a stack behind its back: found (exit 2), named, and made good.


def instance(life: Life, name: str) -> str:
    return str(life.hosts()[name]["id"])


def group_of(life: Life, name: str) -> str:
    groups = life.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": [f"mad-drift-{name}"]}]
    )["SecurityGroups"]
    return str(groups[0]["GroupId"])


def terminated(life: Life) -> None:
    ids = [instance(life, "api-1"), instance(life, "web-0")]
    life.client("ec2").terminate_instances(InstanceIds=ids)


def stopped(life: Life) -> None:
    life.client("ec2").stop_instances(InstanceIds=[instance(life, "client-0")])


def opened(life: Life) -> None:
    world = [{"CidrIp": "0.0.0.0/0"}]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": world}
    life.client("ec2").authorize_security_group_ingress(
        GroupId=group_of(life, "api"), IpPermissions=[rule]
    )


def closed(life: Life) -> None:
    id = group_of(life, "redis")
    ec2 = life.client("ec2")
    mine = [{"Name": "group-id", "Values": [id]}]
    (group,) = ec2.describe_security_groups(Filters=mine)["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=id, IpPermissions=group["IpPermissions"])


def taken(life: Life) -> None:
    ec2 = life.client("ec2")
    (address,) = ec2.describe_addresses()["Addresses"]
    ec2.disassociate_address(AssociationId=address["AssociationId"])


def released(life: Life) -> None:
    taken(life)
    ec2 = life.client("ec2")
    (address,) = ec2.describe_addresses()["Addresses"]
    ec2.release_address(AllocationId=address["AllocationId"])


def unbalanced(life: Life) -> None:
    life.client("elb").deregister_instances_from_load_balancer(
        LoadBalancerName="mad-drift-web", Instances=[{"InstanceId": instance(life, "web-1")}]
    )


def no_balancer(life: Life) -> None:
    life.client("elb").delete_load_balancer(LoadBalancerName="mad-drift-web")


def no_key(life: Life) -> None:
    life.client("ec2").delete_key_pair(KeyName="mad-drift")


def metadata(life: Life) -> None:
    life.client("ec2").modify_instance_metadata_options(
        InstanceId=instance(life, "api-0"), HttpTokens="optional"
    )


def no_token(life: Life) -> None:
    life.client("ssm").delete_parameter(Name="/mad/drift/token-agent")


@pytest.mark.parametrize(
    ("done", "found"),
    [
        (terminated, {"instance.api-1", "instance.web-0"}),
        (stopped, {"instance.client-0"}),
        (opened, {"security_group.api"}),
        (closed, {"security_group.redis"}),
        (taken, {"elastic_ip.api_lb-0"}),
        (released, {"elastic_ip.api_lb-0"}),
        (unbalanced, {"load_balancer.web"}),
        (no_balancer, {"load_balancer.web"}),
        (no_key, {"key_pair.main"}),
        (metadata, {"instance.api-0"}),
        (no_token, {"secret.token-agent"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_others_change_is_found_and_healed(
    stack: Life, done: Callable[[Life], None], found: set[str]
) -> None:
    done(stack)
    seen = stack.read("drift", "--json", code=2)
    assert found <= {one["address"] for one in seen["actions"]}
    assert found <= {address for _verb, address in stack.plan()}
    stack("up", "--infra-only", "--yes")
    empty_twice(stack)


def test_what_the_stack_file_wants_anew_is_no_drift(stack: Life) -> None:
    file = stack.folder / "mad.toml"
    text = file.read_text()
    try:
        file.write_text(text.replace("count = 2", "count = 3", 1))
        stack("drift")
        assert ("create", "instance.api-2") in stack.plan()
        stack("plan", "--detailed-exitcode", code=2)
    finally:
        file.write_text(text)


def test_redis_that_is_gone_is_made_again_with_its_secret(stack: Life) -> None:
    def secret() -> Any:
        return stack.client("ssm").get_parameter(Name="/mad/drift/redis-auth", WithDecryption=True)[
            "Parameter"
        ]["Value"]

    before = secret()
    caches = stack.client("elasticache")
    caches.delete_replication_group(ReplicationGroupId="mad-drift")
    for _ in range(100):
        if not caches.describe_replication_groups()["ReplicationGroups"]:
            break
    stack("drift", code=2)
    stack("up", "--infra-only", "--yes")
    empty_twice(stack)
    assert secret() == before
