"""Redis against the local AWS: each change in place, and what a lost answer, an interruption or a
failure leaves behind."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from mad.deploy.cloud import surroundings
from mad.deploy.cloud.redis import Redises
from mad.deploy.cloud.registry import RESOURCES
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.secret import read_secret
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import EndpointFacts, Found, Observed
from mad.deploy.plan.spec_hash import spec_hash
from mad.deploy.plan.specs import (
    Address,
    CacheSubnetsSpec,
    Kind,
    RedisSpec,
    SecretSpec,
    SecurityGroupSpec,
    Spec,
)
from mad.deploy.stack.settings import Machines, Stack, Web

if TYPE_CHECKING:
    from aws_local import Server

STACK = Stack("x", "eu-west-2", Machines(1), Machines(1), Machines(1), Web(Machines(1)))
REDIS = RedisSpec("main", version="8.0", type="cache.t4g.micro")
BEFORE: tuple[Spec, ...] = (
    SecretSpec("redis-auth"),
    SecurityGroupSpec("redis", "redis of x"),
    CacheSubnetsSpec("main", frozenset("ab")),
)


class Interrupt(Event):
    """Does not wait, or the tests would."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(min(timeout or 0.0, 0.001))


@pytest.fixture
def context(strict_aws: Server) -> Context:
    """All that Redis needs is there."""
    aws = Aws("eu-west-2", endpoint_url=strict_aws.url, pause=lambda _seconds: None)
    around = surroundings.look(aws, STACK)
    context = Context(aws, STACK, "lease", Observed((), around), cancelled=Interrupt())
    for spec in BEFORE:
        context.ids[spec.address] = RESOURCES[spec.kind].create(context, spec)
    return context


def observe(context: Context) -> Found:
    (found,) = RESOURCES[Kind.REDIS].observe(context.aws, STACK)
    return found


def state(found: Found) -> str:
    assert isinstance(found.facts, EndpointFacts)
    return found.facts.state


def test_it_is_made_with_its_password_and_seen_when_it_serves(context: Context) -> None:
    assert RESOURCES[Kind.REDIS].create(context, REDIS) == "mad-x"
    found = observe(context)
    assert isinstance(found.spec, RedisSpec)
    assert (found.spec.auth, found.spec.tls, state(found)) == (True, True, "available")


def test_a_create_whose_answer_was_lost_meets_what_it_made(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = context.aws.call

    def twice(service: str, operation: str, **given: Any) -> dict[str, Any]:
        if operation == "create_replication_group":
            plain(service, operation, **given)
        return plain(service, operation, **given)

    monkeypatch.setattr(context.aws, "call", twice)
    assert RESOURCES[Kind.REDIS].create(context, REDIS) == "mad-x"
    assert state(observe(context)) == "available"


def test_one_of_our_name_that_is_not_ours_is_refused(context: Context) -> None:
    context.aws.call(
        "elasticache",
        "create_replication_group",
        ReplicationGroupId="mad-x",
        ReplicationGroupDescription="theirs",
        CacheSubnetGroupName="mad-x",
    )
    with pytest.raises(AwsError) as caught:
        RESOURCES[Kind.REDIS].create(context, REDIS)
    assert caught.value.code == "ReplicationGroupAlreadyExists"


def test_one_that_could_not_be_made_is_made_anew(context: Context) -> None:
    from aws_local.world import world

    RESOURCES[Kind.REDIS].create(context, REDIS)
    (cache,) = world.caches.values()
    cache.update(state="create-failed", looks=1000)
    found = observe(context)
    assert state(found) == "create-failed"
    RESOURCES[Kind.REDIS].update(context, found, REDIS)
    assert state(observe(context)) == "available"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"nodes": 2, "failover": True}),
        ({"nodes": 3, "failover": True}, {"nodes": 2, "failover": True}),
        ({"nodes": 2, "failover": True}, {}),
        ({}, {"type": "cache.t4g.small"}),
        ({"version": "7.2"}, {}),
        ({"engine": "redis", "version": "7.1"}, {}),
        ({"groups": frozenset({"redis", "api"})}, {}),
        ({"auth": False}, {}),
        (
            {"nodes": 3, "failover": True, "engine": "redis", "version": "7.1"},
            {"type": "cache.t4g.small"},
        ),
    ],
)
def test_it_changes_in_place(
    context: Context, before: dict[str, Any], after: dict[str, Any]
) -> None:
    group = SecurityGroupSpec("api", "api of x")
    context.ids[group.address] = RESOURCES[group.kind].create(context, group)
    RESOURCES[Kind.REDIS].create(context, replace(REDIS, **before))
    wanted = replace(REDIS, **after)
    RESOURCES[Kind.REDIS].update(context, observe(context), wanted)
    found = observe(context)
    ids = frozenset(context.ids[Address(Kind.SECURITY_GROUP, one)] for one in wanted.groups)
    assert found.spec == replace(wanted, groups=ids, version=f"{wanted.version}.1")
    assert (found.spec_hash, state(found)) == (spec_hash(wanted), "available")


def test_what_an_interrupted_growth_left_undone_is_seen_and_done(context: Context) -> None:
    RESOURCES[Kind.REDIS].create(context, REDIS)
    context.aws.call(
        "elasticache",
        "increase_replica_count",
        ReplicationGroupId="mad-x",
        NewReplicaCount=1,
        ApplyImmediately=True,
    )
    wanted = replace(REDIS, nodes=2, failover=True)
    found = observe(context)
    assert isinstance(found.spec, RedisSpec)
    assert (found.spec.nodes, found.spec.failover) == (2, False)
    RESOURCES[Kind.REDIS].update(context, found, wanted)
    found = observe(context)
    assert isinstance(found.spec, RedisSpec)
    assert found.spec.failover


def test_a_new_secret_becomes_the_password_first_beside_the_old_one(context: Context) -> None:
    from aws_local.world import world

    RESOURCES[Kind.REDIS].create(context, REDIS)
    secret = Found(SecretSpec("redis-auth"), "/mad/x/redis-auth")
    RESOURCES[Kind.SECRET].delete(context, secret)
    RESOURCES[Kind.SECRET].create(context, SecretSpec("redis-auth"))
    found = observe(context)
    assert isinstance(found.spec, RedisSpec)
    assert not found.spec.auth
    sent = len(context.aws.calls)
    RESOURCES[Kind.REDIS].update(context, found, REDIS)
    names = [name for _service, name in context.aws.calls[sent:]]
    assert names.count("ModifyReplicationGroup") == 2
    (cache,) = world.caches.values()
    assert cache["token"] == read_secret(context.aws, "x", "redis-auth")
    again = observe(context)
    assert isinstance(again.spec, RedisSpec)
    assert again.spec.auth


def test_neither_what_is_seen_nor_its_tags_tell_the_password(context: Context) -> None:
    from aws_local.world import world

    RESOURCES[Kind.REDIS].create(context, REDIS)
    value = read_secret(context.aws, "x", "redis-auth")
    assert value
    assert value not in repr(observe(context))
    assert value not in repr(dict(world.cache_tags))


def test_one_that_is_being_made_is_waited_for_and_not_made_twice(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_given: Any) -> None:
        raise AwsError("test", "cut", "Killed", "cut off")

    with monkeypatch.context() as patch:
        patch.setattr(Redises, "_wait_available", cut_off)
        with pytest.raises(AwsError, match="cut off"):
            RESOURCES[Kind.REDIS].create(context, REDIS)
    assert state(observe(context)) == "creating"
    sent = len(context.aws.calls)
    assert RESOURCES[Kind.REDIS].create(context, REDIS) == "mad-x"
    assert ("elasticache", "CreateReplicationGroup") not in context.aws.calls[sent:]
    assert state(observe(context)) == "available"


def test_it_is_gone_without_a_snapshot_and_gone_again_is_done(context: Context) -> None:
    RESOURCES[Kind.REDIS].create(context, REDIS)
    found = observe(context)
    for _ in range(2):
        RESOURCES[Kind.REDIS].delete(context, found)
        assert RESOURCES[Kind.REDIS].observe(context.aws, STACK) == ()
    subnets = Found(BEFORE[2], "mad-x")
    for _ in range(2):
        RESOURCES[Kind.CACHE_SUBNETS].delete(context, subnets)
        assert RESOURCES[Kind.CACHE_SUBNETS].observe(context.aws, STACK) == ()


def test_its_version_is_not_raised_behind_the_stack_files_back(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, sent = context.aws.call, []

    def note(service: str, operation: str, **given: Any) -> dict[str, Any]:
        if operation == "create_replication_group":
            sent.append(given["AutoMinorVersionUpgrade"])
        return plain(service, operation, **given)

    monkeypatch.setattr(context.aws, "call", note)
    RESOURCES[Kind.REDIS].create(context, REDIS)
    assert sent == [False]
