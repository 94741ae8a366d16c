"""Keys, groups and networks against the local AWS: made, cut off, made again, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from mad.deploy.cloud import routes, surroundings, tags
from mad.deploy.cloud.errors import explain
from mad.deploy.cloud.names import group_name
from mad.deploy.cloud.registry import RESOURCES
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.security_group import SecurityGroups, close_leases, open_lease
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import Found, Observed, Surroundings
from mad.deploy.plan.spec_hash import spec_hash
from mad.deploy.plan.specs import (
    Address,
    GatewaySpec,
    KeyPairSpec,
    Kind,
    RoutesSpec,
    Rule,
    SecurityGroupSpec,
    Spec,
    SubnetSpec,
    VpcSpec,
)
from mad.deploy.stack.settings import Machines, Network, Stack, Web

if TYPE_CHECKING:
    from aws_local import Server

STACK = Stack("x", "eu-west-2", Machines(1), Machines(1), Machines(1), Web(Machines(1)))
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIYjcBRCtlE7GRxhmHYYdUZzLNHnoZ7L4PvEtLYOQcRe"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJXOCmAjD1Ue8UWEjYxJdlwgRbbjYUnDR7sGyQcqRdMS"
WORLD = "0.0.0.0/0"

LB = SecurityGroupSpec("api_lb", "lb of x", frozenset({Rule(80, 80, WORLD), Rule(22, 22, WORLD)}))
API = SecurityGroupSpec("api", "api of x", frozenset({Rule(3000, 3000, "api_lb")}))

OWN: tuple[Spec, ...] = (
    VpcSpec("main"),
    GatewaySpec("main"),
    SubnetSpec("a", "eu-west-2a", "10.73.0.0/24"),
    SubnetSpec("b", "eu-west-2b", "10.73.1.0/24"),
    RoutesSpec("main", frozenset({"a", "b"})),
)
"""A network of our own, in an order in which it can be made."""


class Cut(BaseException):
    """The process ended."""


class Clock:
    """Time that passes only while somebody waits."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


class Interrupt(Event):
    """Does not wait, or the tests would."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(min(timeout or 0.0, 0.001))


_clients: dict[str, tuple[Any, Any]] = {}


def connected(url: str) -> Aws:
    """Nothing is remembered of calls before, as in a fresh process; clients are kept, because
    making them would take most of the time."""
    clock = Clock()
    aws = Aws("eu-west-2", endpoint_url=url, clock=clock, pause=clock.pause)
    if url not in _clients:
        _clients[url] = (aws.session, aws._clients)
    aws._session, aws._clients = _clients[url]
    return aws


@pytest.fixture
def context(strict_aws: Server, monkeypatch: pytest.MonkeyPatch) -> Context:
    for module in ("own_network", "security_group"):
        monkeypatch.setattr(f"mad.deploy.cloud.{module}.PATIENCE_S", 10.0)
    aws = connected(strict_aws.url)
    around = surroundings.look(aws, STACK)
    return Context(aws, STACK, "lease", Observed((), around), cancelled=Interrupt())


def again(context: Context) -> Context:
    """As another run would have it."""
    aws = connected(str(context.aws.endpoint_url))
    return replace(context, aws=aws, lease="another", ids={})


def observe(context: Context, kind: Kind) -> tuple[Found, ...]:
    seen = RESOURCES[kind].observe(context.aws, context.stack)
    if kind is Kind.ROUTES:
        return routes.with_names(seen, RESOURCES[Kind.SUBNET].observe(context.aws, context.stack))
    return seen


def settle(context: Context, wanted: tuple[Spec, ...]) -> None:
    """What a run does, in little: makes what is missing, changes what differs."""
    for spec in wanted:
        kind = RESOURCES[spec.kind]
        found = [one for one in observe(context, spec.kind) if one.spec.name == spec.name]
        if not found:
            context.ids[spec.address] = kind.create(context, spec)
            continue
        context.ids[spec.address] = found[0].id
        if found[0].spec != spec:
            kind.update(context, found[0], spec)


def remove(context: Context, wanted: tuple[Spec, ...]) -> None:
    for spec in reversed(wanted):
        for found in observe(context, spec.kind):
            RESOURCES[spec.kind].delete(context, found)


def seen(context: Context, wanted: tuple[Spec, ...]) -> dict[Address, Spec]:
    """All that is there of these kinds; twice the same is an error."""
    all_of = [one for kind in {spec.kind for spec in wanted} for one in observe(context, kind)]
    assert len({one.address for one in all_of}) == len(all_of)
    return {one.address: one.spec for one in all_of}


def wish(wanted: tuple[Spec, ...]) -> dict[Address, Spec]:
    return {spec.address: spec for spec in wanted}


ALL: dict[str, tuple[Spec, ...]] = {
    "key pair": (KeyPairSpec("main", KEY),),
    "groups": (LB, API),
    "network of our own": OWN,
}


@pytest.fixture(params=list(ALL))
def wanted(request: pytest.FixtureRequest) -> tuple[Spec, ...]:
    return ALL[request.param]


def test_what_is_made_is_seen_as_it_was_wished_with_the_hash_of_the_wish(
    context: Context, wanted: tuple[Spec, ...]
) -> None:
    settle(context, wanted)
    assert seen(context, wanted) == wish(wanted)
    for spec in wanted:
        found = {one.spec.name: one for one in observe(context, spec.kind)}
        assert found[spec.name].spec_hash == spec_hash(spec)
        assert found[spec.name].id == context.ids[spec.address]


def test_what_is_there_is_neither_made_nor_changed_again(
    context: Context, strict_aws: Server, wanted: tuple[Spec, ...]
) -> None:
    settle(context, wanted)
    before = len(strict_aws.calls)
    settle(again(context), wanted)
    asked = [call.name for call in strict_aws.calls[before:]]
    assert asked
    assert all(name.startswith("ec2:Describe") for name in asked)


def test_making_what_is_there_gives_the_one_that_is_there(
    context: Context, wanted: tuple[Spec, ...]
) -> None:
    settle(context, wanted)
    later = replace(again(context), ids=dict(context.ids))
    for spec in wanted:
        assert RESOURCES[spec.kind].create(later, spec) == context.ids[spec.address]
    assert seen(later, wanted) == wish(wanted)


def test_what_is_removed_is_gone_and_may_be_removed_again(
    context: Context, wanted: tuple[Spec, ...]
) -> None:
    settle(context, wanted)
    there = {spec.kind: observe(context, spec.kind) for spec in wanted}
    remove(context, wanted)
    assert seen(context, wanted) == {}
    for spec in reversed(wanted):
        for found in there[spec.kind]:
            RESOURCES[spec.kind].delete(again(context), found)


def cut_after(context: Context, n: int) -> None:
    """Ends the run after the n-th answer."""
    left = iter(range(n))
    plain: Callable[..., Any] = context.aws._patiently

    def cut(*args: Any, **named: Any) -> Any:
        if next(left, None) is None:
            raise Cut
        return plain(*args, **named)

    context.aws._patiently = cut  # type: ignore[method-assign]


def runs(context: Context, do: Callable[[Context], None]) -> Iterator[Context]:
    """Runs that are cut off ever later, until one comes to its end."""
    for n in range(200):
        run = again(context)
        cut_after(run, n)
        try:
            do(run)
        except Cut:
            yield again(context)
        else:
            return
    raise AssertionError("it never ends")


def test_a_run_that_is_cut_off_anywhere_is_finished_by_the_next(
    context: Context, wanted: tuple[Spec, ...]
) -> None:
    cuts = 0
    for later in runs(context, lambda run: settle(run, wanted)):
        settle(later, wanted)
        assert seen(later, wanted) == wish(wanted)
        remove(again(context), wanted)
        assert seen(later, wanted) == {}
        cuts += 1
    assert cuts >= 2 * len(wanted)


def test_a_removal_that_is_cut_off_anywhere_is_finished_by_the_next(
    context: Context, wanted: tuple[Spec, ...]
) -> None:
    settle(again(context), wanted)
    cuts = 0
    for later in runs(context, lambda run: remove(run, wanted)):
        remove(later, wanted)
        assert seen(later, wanted) == {}
        settle(again(context), wanted)
        cuts += 1
    assert cuts >= 2


def test_a_key_pair_of_our_name_that_is_not_ours_is_refused(context: Context) -> None:
    context.aws.call("ec2", "import_key_pair", KeyName="mad-x", PublicKeyMaterial=OTHER.encode())
    with pytest.raises(AwsError) as caught:
        RESOURCES[Kind.KEY_PAIR].create(context, KeyPairSpec("main", KEY))
    assert "another key" in explain(caught.value).sentence
    assert observe(context, Kind.KEY_PAIR) == ()


def test_the_comment_of_a_key_is_no_difference(context: Context) -> None:
    settle(context, (KeyPairSpec("main", f"{KEY} me@home"),))
    assert seen(context, ALL["key pair"]) == wish(ALL["key pair"])


def test_the_lock_is_no_key_pair_of_the_stack(context: Context) -> None:
    context.aws.call(
        "ec2",
        "import_key_pair",
        KeyName="mad-x-lock",
        PublicKeyMaterial=OTHER.encode(),
        TagSpecifications=[
            {"ResourceType": "key-pair", "Tags": tags.pairs({tags.STACK: "x", tags.ROLE: "lock"})}
        ],
    )
    assert observe(context, Kind.KEY_PAIR) == ()


DIFFERENT = [
    pytest.param(replace(API, ingress=frozenset()), id="no rule"),
    pytest.param(
        replace(API, ingress=API.ingress | {Rule(22, 22, "::/0")}), id="one more, of IPv6"
    ),
    pytest.param(replace(API, ingress=frozenset({Rule(3001, 3002, "api")})), id="from itself"),
    pytest.param(replace(API, egress=frozenset({Rule(443, 443, WORLD)})), id="another way out"),
]


@pytest.mark.parametrize("other", DIFFERENT)
def test_rules_become_those_that_are_wished_and_back(
    context: Context, other: SecurityGroupSpec
) -> None:
    settle(context, (LB, API))
    settle(context, (LB, other))
    assert seen(context, (LB, API)) == wish((LB, other))
    settle(context, (LB, API))
    assert seen(context, (LB, API)) == wish((LB, API))


def test_a_rule_that_somebody_else_made_or_took_meanwhile_is_no_error(
    context: Context, strict_aws: Server
) -> None:
    strict_aws.fail("ec2:AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate")
    strict_aws.fail("ec2:RevokeSecurityGroupEgress", "InvalidPermission.NotFound")
    settle(context, (LB, replace(API, egress=frozenset())))
    assert len(observe(context, Kind.SECURITY_GROUP)) == 2


def test_a_group_of_our_name_that_is_not_ours_is_refused(context: Context) -> None:
    context.aws.call(
        "ec2",
        "create_security_group",
        GroupName=group_name("x", "api"),
        Description="theirs",
        VpcId=context.observed.surroundings.vpc,
    )
    with pytest.raises(AwsError) as caught:
        SecurityGroups().create(context, API)
    assert "not this stack's" in explain(caught.value).sentence


def test_the_callers_own_rule_is_not_of_the_group_and_ends_with_its_run(context: Context) -> None:
    settle(context, (LB, API))
    group = context.ids[API.address]
    open_lease(context, group, "192.0.2.7/32")
    open_lease(context, group, "192.0.2.7/32")
    assert seen(context, (LB, API)) == wish((LB, API))
    settle(context, (LB, replace(API, ingress=frozenset())))
    assert close_leases(context.aws, [group], "another") == 0
    assert close_leases(context.aws, [group], None) == 0
    assert close_leases(context.aws, [group], context.lease) == 1
    assert close_leases(context.aws, [group], context.lease) == 0


def test_a_rule_whose_time_is_over_is_taken_away(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(context, (LB, API))
    monkeypatch.setattr("mad.deploy.cloud.security_group.LEASE_S", -10.0)
    open_lease(context, context.ids[API.address], "192.0.2.7/32")
    assert close_leases(context.aws, [context.ids[API.address]], None) == 1


def test_groups_that_let_each_other_in_are_removed(context: Context) -> None:
    settle(context, (LB, API))
    mutual = replace(LB, ingress=LB.ingress | {Rule(9, 9, "api")})
    settle(context, (mutual, API))
    remove(context, (LB, API))
    assert observe(context, Kind.SECURITY_GROUP) == ()


def test_a_group_that_stays_in_use_is_told_with_its_holder(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(context, (LB, API))
    theirs = context.aws.call(
        "ec2",
        "create_security_group",
        GroupName="theirs",
        Description="theirs",
        VpcId=context.observed.surroundings.vpc,
    )["GroupId"]
    context.aws.made(theirs)
    context.aws.call(
        "ec2",
        "authorize_security_group_ingress",
        GroupId=theirs,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 1,
                "ToPort": 1,
                "UserIdGroupPairs": [{"GroupId": context.ids[API.address]}],
            }
        ],
    )
    monkeypatch.setattr("mad.deploy.cloud.security_group.PATIENCE_S", 0.1)
    (found,) = [one for one in observe(context, Kind.SECURITY_GROUP) if one.spec.name == "api"]
    with pytest.raises(AwsError) as caught:
        SecurityGroups().delete(context, found)
    assert f"a rule of {theirs}" in explain(caught.value).sentence
    answer = context.aws.call("ec2", "describe_security_groups", GroupIds=[theirs])
    assert answer["SecurityGroups"][0]["IpPermissions"]


def test_an_interruption_ends_the_waiting_for_a_group(context: Context, strict_aws: Server) -> None:
    settle(context, (LB, API))
    strict_aws.fail("ec2:DeleteSecurityGroup", "DependencyViolation", times=None)
    context.cancelled.set()
    with pytest.raises(AwsError) as caught:
        SecurityGroups().delete(context, observe(context, Kind.SECURITY_GROUP)[0])
    assert caught.value.code == "Cancelled"


def test_the_default_vpc_is_looked_up_with_a_subnet_of_each_zone(context: Context) -> None:
    around = context.observed.surroundings
    assert around.vpc is not None
    assert [zone.name for zone in around.zones] == ["eu-west-2a", "eu-west-2b", "eu-west-2c"]
    assert all(zone.subnet for zone in around.zones)
    assert (around.offered, around.newest_images) == ({}, {})


def test_zones_architectures_and_images_are_looked_up_when_asked_for(context: Context) -> None:
    around = surroundings.look(
        context.aws,
        STACK,
        for_types={"t3.micro", "t4g.micro"},
        for_images={"ubuntu-24.04", "ubuntu-22.04", "debian-12", "debian-13", "al2023", "ami-1"},
    )
    assert around.architectures == {"t3.micro": "amd64", "t4g.micro": "arm64"}
    assert around.offered["t3.micro"] >= {"eu-west-2a"}
    assert len(around.newest_images) == 10
    for image in around.newest_images.values():
        (seen,) = context.aws.call("ec2", "describe_images", ImageIds=[image])["Images"]
        assert seen["RootDeviceName"]


def test_without_a_default_vpc_there_are_three_ways_and_none_is_taken_silently(
    strict_aws: Server,
) -> None:
    aws = connected(strict_aws.url)
    without_default(aws)
    with pytest.raises(AwsError) as caught:
        surroundings.look(aws, STACK)
    for way in ("--create-default-vpc", '"own"', '"vpc-…"'):
        assert way in explain(caught.value).remedy
    assert not aws.pages("ec2", "describe_vpcs", "Vpcs")
    made = surroundings.create_default_vpc(aws)
    assert surroundings.look(aws, STACK).vpc == made


def without_default(aws: Aws) -> None:
    for subnet in aws.pages("ec2", "describe_subnets", "Subnets"):
        aws.call("ec2", "delete_subnet", SubnetId=subnet["SubnetId"])
    for vpc in aws.pages("ec2", "describe_vpcs", "Vpcs"):
        aws.call("ec2", "delete_vpc", VpcId=vpc["VpcId"])


def in_vpc(id: str) -> Stack:
    return replace(STACK, network=Network(vpc=id))


def test_of_a_given_vpc_the_public_subnet_of_each_zone_is_taken(context: Context) -> None:
    settle(context, OWN[:3])
    vpc = context.ids[OWN[0].address]
    private = context.aws.call(
        "ec2",
        "create_subnet",
        VpcId=vpc,
        CidrBlock="10.73.9.0/24",
        AvailabilityZone="eu-west-2a",
    )["Subnet"]["SubnetId"]
    around = surroundings.look(context.aws, in_vpc(vpc))
    assert around.vpc == vpc
    assert [(zone.name, zone.subnet) for zone in around.zones] == [
        ("eu-west-2a", context.ids[OWN[2].address])
    ]
    assert private != around.zones[0].subnet


def test_a_given_vpc_that_is_not_there_or_has_no_subnet_is_told(context: Context) -> None:
    with pytest.raises(AwsError) as caught:
        surroundings.look(context.aws, in_vpc("vpc-0123456789abcdef0"))
    assert "does not exist" in explain(caught.value).sentence
    settle(context, OWN[:1])
    with pytest.raises(AwsError) as caught:
        surroundings.look(context.aws, in_vpc(context.ids[OWN[0].address]))
    assert "no subnet" in explain(caught.value).sentence


def test_for_a_network_of_our_own_only_zones_are_looked_up(context: Context) -> None:
    around = surroundings.look(context.aws, in_vpc("own"))
    assert around.vpc is None
    assert around.zones
    assert all(zone.subnet is None for zone in around.zones)


@pytest.mark.parametrize(("known", "zones"), [("bc", "bc"), ("c", "cab"), ("", "abc")])
def test_zones_that_our_network_has_come_first_and_others_only_while_it_has_too_few(
    context: Context, known: str, zones: str
) -> None:
    own = [f"eu-west-2{letter}" for letter in known]
    around = surroundings.look(context.aws, in_vpc("own"), own_zones=own)
    assert "".join(zone.name[-1] for zone in around.zones) == zones


def test_surroundings_belong_to_the_account_and_the_region(context: Context) -> None:
    around: Surroundings = context.observed.surroundings
    assert (around.account, around.region) == (context.aws.identity().account, "eu-west-2")
