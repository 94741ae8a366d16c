"""A stack as HCL: what is written parses, is formatted, and says nothing the provider does not
know. Whether it applies only AWS can tell."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import hcl2
import pytest

from mad.deploy.export.hcl import Block, Code, write
from mad.deploy.export.terraform import render, terraform
from mad.deploy.plan.desired import desired
from mad.deploy.plan.model import (
    EndpointFacts,
    Found,
    GroupFacts,
    InstanceFacts,
    Observed,
    Surroundings,
    Zone,
)
from mad.deploy.plan.specs import (
    Address,
    CacheSubnetsSpec,
    ElasticIpSpec,
    GatewaySpec,
    InstanceSpec,
    KeyPairSpec,
    Kind,
    Listener,
    LoadBalancerSpec,
    RedisSpec,
    RoutesSpec,
    Rule,
    SecretSpec,
    SecurityGroupSpec,
    Spec,
    SubnetSpec,
    VpcSpec,
)
from mad.deploy.stack.load import load
from mad.deploy.stack.settings import Network, Role, Stack

PROVIDER = tomllib.loads(Path(__file__).with_name("aws_provider.toml").read_text(encoding="utf-8"))
EVERYWHERE = {"lifecycle", "lifecycle.ignore_changes"}
STACK = Stack("mad-x7k2", "eu-west-2")
OWN = replace(STACK, network=Network(vpc="own"))
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA"


def machine(role: Role, slot: int, zone: str, **more: Any) -> InstanceSpec:
    fields: dict[str, Any] = {
        "role": role,
        "type": "t3.micro",
        "image": "ubuntu-24.04",
        "zone": f"eu-west-2{zone}",
        "groups": frozenset({role.value}),
    }
    return InstanceSpec(f"{role}-{slot}", **{**fields, **more})


GROUPS = (
    SecurityGroupSpec(
        "api", "mad api", frozenset({Rule(22, 22, "192.0.2.0/24"), Rule(3000, 3000, "api_lb")})
    ),
    SecurityGroupSpec(
        "api_lb",
        "mad api_lb",
        frozenset({Rule(80, 80, "0.0.0.0/0"), Rule(80, 80, "::/0"), Rule(1, 2, "api", "udp")}),
    ),
    SecurityGroupSpec("redis", "mad redis", frozenset({Rule(6379, 6379, "api")}), frozenset()),
    SecurityGroupSpec("web", "mad web", frozenset({Rule(80, 80, "web_lb")})),
    SecurityGroupSpec("web_lb", "", frozenset({Rule(80, 80, "0.0.0.0/0")})),
)
BALANCER = LoadBalancerSpec(
    "web",
    listeners=frozenset({Listener(80, "HTTP", 80), Listener(443, "TCP", 443)}),
    zones=frozenset("ab"),
    instances=frozenset({"web-0"}),
)
PLAIN: tuple[Spec, ...] = (
    BALANCER,
    ElasticIpSpec("api_lb-0", instance="api_lb-0"),
    machine(Role.API, 0, "a"),
    machine(Role.API, 1, "b", image="ami-0123456789abcdef0", type="m7i-flex.large"),
    machine(Role.API_LB, 0, "a", type="t4g.nano", image="al2023"),
    machine(Role.CLIENT, 0, "a", image="debian-13", groups=frozenset()),
    machine(Role.WEB, 0, "b", imds_tokens=False, public_address=False),
    RedisSpec("main", version="8.0", type="cache.t4g.micro"),
    CacheSubnetsSpec("main", frozenset("ab")),
    *GROUPS,
    SecretSpec("redis-auth"),
    SecretSpec("token-admin"),
    KeyPairSpec("main", KEY),
)
OWN_VPC: tuple[Spec, ...] = (
    VpcSpec("main"),
    GatewaySpec("main"),
    RoutesSpec("main", frozenset("ab")),
    SubnetSpec("a", zone="eu-west-2a", cidr="10.73.0.0/24"),
    SubnetSpec("b", zone="eu-west-2b", cidr="10.73.1.0/24", public_addresses=False),
)
ALB = replace(
    BALANCER,
    health="/",
    type="alb",
    listeners=frozenset({Listener(80, "HTTP", 80)}),
    idle_timeout_s=300,
)
OTHER: tuple[Spec, ...] = (
    *OWN_VPC,
    *(spec for spec in PLAIN if spec.kind not in (Kind.LOAD_BALANCER, Kind.REDIS)),
    RedisSpec("main", engine="redis", version="7.1", nodes=2, tls=False, auth=False),
    ALB,
)


def live(specs: tuple[Spec, ...], **around: Any) -> Observed:
    """All of them, with made-up ids."""

    def found(number: int, spec: Spec) -> Found:
        facts: InstanceFacts | EndpointFacts | GroupFacts | None = None
        if isinstance(spec, InstanceSpec):
            facts = InstanceFacts("running", ami="ami-0aaaaaaaaaaaaaaaa", arch="amd64")
        if isinstance(spec, SecurityGroupSpec) and spec.name != "web":
            facts = GroupFacts(
                {rule: f"sgr-{number}{at}" for at, rule in enumerate(sorted(spec.ingress))},
                {rule: f"sgr-{number}e{at}" for at, rule in enumerate(sorted(spec.egress))},
            )
        return Found(spec, f"{spec.kind}-{number}", facts)

    return Observed(
        tuple(found(number, spec) for number, spec in enumerate(specs)),
        Surroundings("123456789012", "eu-west-2", **around),
    )


ZONES = (Zone("eu-west-2a", "subnet-1"), Zone("eu-west-2b", "subnet-2"))
ROWS: Mapping[str, tuple[Stack, tuple[Spec, ...], Observed | None]] = {
    "nothing": (STACK, (), None),
    "in the default VPC": (STACK, PLAIN, None),
    "in a VPC of others": (replace(STACK, network=Network(vpc="vpc-12345678")), PLAIN, None),
    "in its own VPC": (OWN, OTHER, None),
    "live in the default VPC": (STACK, PLAIN, live(PLAIN, zones=ZONES)),
    "live in its own VPC": (OWN, OTHER, live(OTHER)),
    "planned, with its surroundings": (
        STACK,
        PLAIN,
        Observed((), Surroundings("1", "eu-west-2", architectures={"t3.micro": "arm64"})),
    ),
}
AROUND = Surroundings(
    "123456789012",
    "eu-west-2",
    vpc="vpc-1",
    zones=tuple(Zone(f"eu-west-2{letter}", f"subnet-{letter}") for letter in "abc"),
)
SAMPLES = sorted((Path(__file__).resolve().parents[4] / "infra/stacks").glob("*.toml"))


def sampled(path: Path) -> Iterator[tuple[str, str]]:
    """The stack of a sample as a plan would have it: before it is made, and when it lives."""
    stack = load(path)
    specs = desired(stack, Observed((), AROUND), KEY)
    yield f"{path.stem} planned", terraform(stack, specs, Observed((), AROUND))
    yield f"{path.stem} live", terraform(stack, specs, live(specs))


REFERENCE = re.compile(r"(?<![\w.])((?:data\.)?aws_\w+)\.(\w+)\.(\w+)")
TEXTS = {name: terraform(*row) for name, row in ROWS.items()}
for sample in SAMPLES:
    TEXTS |= dict(sampled(sample))
each = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


def unquoted(word: str) -> str:
    return word.strip('"')


def blocks(text: str, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Type, name and body of each resource or data source."""
    for one in hcl2.loads(text).get(kind, ()):
        for type, named in one.items():
            for name, body in named.items():
                yield unquoted(type), unquoted(name), body


def words(body: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Arguments and blocks, dotted."""
    for name, value in body.items():
        if name == "__is_block__" or name == "__comments__":
            continue
        yield before + name
        for item in value if isinstance(value, list) else ():
            if isinstance(item, Mapping):
                yield from words(item, f"{before}{name}.")


@each
def test_the_provider_knows_every_argument_and_misses_none(text: str) -> None:
    for kind in ("resource", "data"):
        for type, name, body in blocks(text, kind):
            known = PROVIDER[kind][type].split()
            given = set(words(body))
            assert given <= {word.rstrip("!") for word in known} | EVERYWHERE, (type, name)
            for word in known:
                block = word.rpartition(".")[0]
                if word.endswith("!") and (not block or block in given):
                    assert word[:-1] in given, (type, name)


@each
def test_each_reference_leads_to_something_in_the_file(text: str) -> None:
    resources = [f"{type}.{name}" for type, name, _ in blocks(text, "resource")]
    data = [f"data.{type}.{name}" for type, name, _ in blocks(text, "data")]
    assert len(set(resources)) == len(resources)
    assert len(set(data)) == len(data)
    for line in text.splitlines():
        if not line.lstrip().startswith(("#", "to ")):
            plain = re.sub(r'"[^"]*"', "", line)
            for type, name, attribute in REFERENCE.findall(plain):
                assert f"{type}.{name}" in resources + data
                assert attribute in PROVIDER["attributes"][type].split()


@each
def test_what_is_taken_over_is_in_the_file(text: str) -> None:
    resources = {f"{type}.{name}" for type, name, _ in blocks(text, "resource")}
    targets = [one["to"].strip("${}") for one in hcl2.loads(text).get("import", ())]
    assert set(targets) <= resources
    assert len(set(targets)) == len(targets)


def formatters() -> list[str]:
    return [name for name in ("tofu", "terraform") if shutil.which(name)]


@pytest.mark.parametrize("command", formatters() or [None])
@each
def test_the_tool_itself_finds_it_formatted(tmp_path: Path, text: str, command: str | None) -> None:
    if command is None:
        pytest.skip("neither tofu nor terraform is installed")
    path = tmp_path / "main.tf"
    path.write_text(text, encoding="utf-8")
    said = subprocess.run(
        [command, "fmt", "-check", "-diff", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        executable=shutil.which(command),
        check=False,
    )
    assert (said.returncode, said.stdout) == (0, "")


TAKEN_OVER = [
    ("aws_key_pair.main", '"mad-mad-x7k2"'),
    ("aws_security_group.redis", '"security_group-'),
    ("aws_vpc_security_group_ingress_rule.api_3000_api_lb", '"sgr-'),
    ("aws_vpc_security_group_ingress_rule.api_lb_80_world_ipv6", '"sgr-'),
    ("aws_vpc_security_group_ingress_rule.api_lb_1_2_udp_api", '"sgr-'),
    ("aws_vpc_security_group_egress_rule.api_all_world", '"sgr-'),
    ("aws_elasticache_subnet_group.main", '"mad-mad-x7k2"'),
    ("aws_elasticache_replication_group.main", '"mad-mad-x7k2"'),
    ("aws_instance.api_1", '"instance-3"'),
    ("aws_eip.api_lb_0", '"elastic_ip-1"'),
    ("aws_eip_association.api_lb_0", "${data.aws_eip.api_lb_0.association_id}"),
    ("aws_elb.web", '"mad-mad-x7k2-web"'),
]
TAKEN_OVER_OWN = [
    ("aws_vpc.main", '"vpc-0"'),
    ("aws_internet_gateway.main", '"gateway-1"'),
    ("aws_route_table.main", '"routes-2"'),
    ("aws_route_table_association.a", '"subnet-3/routes-2"'),
    ("aws_subnet.b", '"subnet-4"'),
    ("aws_lb.web", "${data.aws_lb.web.arn}"),
    ("aws_lb_target_group.web_80", "${data.aws_lb_target_group.web_80.arn}"),
    ("aws_lb_listener.web_80", "${data.aws_lb_listener.web_80.arn}"),
]


@pytest.mark.parametrize(
    ("row", "to", "id"),
    [("live in the default VPC", *one) for one in TAKEN_OVER]
    + [("live in its own VPC", *one) for one in TAKEN_OVER_OWN],
)
def test_a_live_resource_is_taken_over_by_its_id(row: str, to: str, id: str) -> None:
    found = {one["to"]: one["id"] for one in hcl2.loads(TEXTS[row])["import"]}
    assert found["${" + to + "}"].startswith(id)


def test_all_that_lives_is_taken_over_but_what_has_no_import() -> None:
    for row in ("live in the default VPC", "live in its own VPC"):
        text = TEXTS[row]
        resources = {f"{type}.{name}" for type, name, _ in blocks(text, "resource")}
        taken = {one["to"].strip("${}") for one in hcl2.loads(text)["import"]}
        rest = {
            one
            for one in resources - taken
            if not one.startswith("aws_lb_target_group_attachment.")
        }
        # The rules of `web` were seen without their ids, and the text says so.
        assert rest == {
            "aws_vpc_security_group_ingress_rule.web_80_web_lb",
            "aws_vpc_security_group_egress_rule.web_all_world",
        }
        assert text.count("# Its id was not seen: import it by hand (sgr-…).\n") == 2


@pytest.mark.parametrize("row", ["nothing", "in the default VPC", "in its own VPC"])
def test_what_does_not_live_is_not_taken_over(row: str) -> None:
    assert "import {" not in TEXTS[row]
    assert "It takes over" not in TEXTS[row]


def of(row: str, type: str, name: str) -> dict[str, Any]:
    return next(
        body
        for kind in ("resource", "data")
        for a_type, a_name, body in blocks(TEXTS[row], kind)
        if (a_type, a_name) == (type, name)
    )


def test_a_live_machine_keeps_its_image_and_a_new_one_gets_the_newest() -> None:
    live_one = of("live in the default VPC", "aws_instance", "api_0")
    assert live_one["ami"] == '"ami-0aaaaaaaaaaaaaaaa"'
    assert live_one["subnet_id"] == '"subnet-1"'
    new = of("in the default VPC", "aws_instance", "api_0")
    assert new["ami"] == "${data.aws_ssm_parameter.ubuntu_24_04_amd64.insecure_value}"
    assert new["subnet_id"] == "${data.aws_subnet.a.id}"
    for one in (live_one, new):
        assert "ami" in one["lifecycle"][0]["ignore_changes"]
    named = of("in the default VPC", "aws_instance", "api_1")
    assert named["ami"] == '"ami-0123456789abcdef0"'


@pytest.mark.parametrize(
    ("row", "name", "path"),
    [
        (
            "in the default VPC",
            "ubuntu_24_04_amd64",
            "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
        ),
        (
            "in the default VPC",
            "al2023_arm64",
            "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        ),
        (
            "in the default VPC",
            "debian_13_amd64",
            "/aws/service/debian/release/13/latest/amd64",
        ),
        (
            "planned, with its surroundings",
            "ubuntu_24_04_arm64",
            "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
        ),
    ],
)
def test_the_newest_image_is_where_aws_keeps_it(row: str, name: str, path: str) -> None:
    assert unquoted(of(row, "aws_ssm_parameter", name)["name"]) == path


def test_the_key_of_the_pair_that_is_there_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = "ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
    (tmp_path / "id.pub").write_text(mine)
    monkeypatch.setenv("SSH_PUBLIC_KEY_FILE", str(tmp_path / "id.pub"))
    assert KEY in render(STACK, live((KeyPairSpec("main", KEY),), zones=ZONES))
    assert mine in render(STACK, Observed((), AROUND))


def test_secrets_are_named_and_never_shown() -> None:
    for name, decrypted in (("redis_auth", "true"), ("token_admin", "false")):
        body = of("live in the default VPC", "aws_ssm_parameter", name)
        assert str(body["with_decryption"]).lower() == decrypted
    group = of("in the default VPC", "aws_elasticache_replication_group", "main")
    assert group["auth_token"] == "${data.aws_ssm_parameter.redis_auth.value}"
    assert "auth_token" not in of("in its own VPC", "aws_elasticache_replication_group", "main")


def test_the_tags_of_the_stack_are_left_alone() -> None:
    (provider,) = hcl2.loads(TEXTS["live in the default VPC"])["provider"]
    assert provider['"aws"']["ignore_tags"][0]["key_prefixes"] == ['"mad:"']
    assert '"mad:' not in TEXTS["live in the default VPC"].replace('["mad:"]', "")


def test_of_a_slot_that_is_being_replaced_the_newer_machine_is_taken_over() -> None:
    spec = machine(Role.API, 0, "a")
    around = Surroundings("1", "eu-west-2")
    old = InstanceFacts("running", launched="2026-01-01T00:00:00Z")
    new = InstanceFacts("running", launched="2026-02-01T00:00:00Z")
    observed = Observed((Found(spec, "i-new", new), Found(spec, "i-old", old)), around)
    assert observed.at(Address(Kind.INSTANCE, "api-0"))
    text = terraform(STACK, [spec], observed)
    assert '"i-new"' in text
    assert '"i-old"' not in text


def test_a_machine_whose_zone_is_not_known_is_put_anywhere() -> None:
    text = terraform(STACK, [replace(machine(Role.API, 0, "a"), zone="")])
    assert "subnet_id" not in text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('a "b" \\', r'"a \"b\" \\"'),
        ("${var.x} %{if}", '"$${var.x} %%{if}"'),
        ("a\nb", r'"a\nb"'),
        ("ü", '"ü"'),
        (True, "true"),
        (7, "7"),
        (Code("a.b"), "a.b"),
        ([1, "a", Code("b")], '[1, "a", b]'),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_values_are_written_as_hcl_reads_them(value: Any, written: str) -> None:
    assert write([Block("x", (), {"v": value})]) == f"x {{\n  v = {written}\n}}\n"


def test_long_arguments_and_blocks_stand_apart() -> None:
    block = Block(
        "x",
        ("a", "b"),
        {"long": {"k:1": "v", "key": 2}, "short": 1, "longest": 2},
        (Block("y"), Block("z", (), {"v": 1}, comment="why\n\nthen")),
    )
    assert write([block]) == (
        'x "a" "b" {\n  short   = 1\n  longest = 2\n\n  long = {\n    "k:1" = "v"\n'
        "    key   = 2\n  }\n\n  y {}\n\n  # why\n  #\n  # then\n  z {\n    v = 1\n  }\n}\n"
    )
