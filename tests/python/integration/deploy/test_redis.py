"""Redis against the local AWS: what a lost answer or a failure leaves behind."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from mad.deploy.cloud import surroundings
from mad.deploy.cloud.registry import RESOURCES
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import EndpointFacts, Found, Observed
from mad.deploy.plan.specs import (
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
