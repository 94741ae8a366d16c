"""Secrets against the local AWS: made once, kept, and told to nobody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from mad.deploy.cloud.registry import RESOURCES
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.secret import read_secret
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import Found, Observed, Surroundings
from mad.deploy.plan.specs import Kind, SecretSpec
from mad.deploy.stack.settings import Machines, Stack, Web

if TYPE_CHECKING:
    from aws_local import Server

STACK = Stack("x", "eu-west-2", Machines(1), Machines(1), Machines(1), Web(Machines(1)))
AUTH = SecretSpec("redis-auth")


@pytest.fixture
def context(strict_aws: Server) -> Context:
    aws = Aws("eu-west-2", endpoint_url=strict_aws.url, pause=lambda _seconds: None)
    return Context(aws, STACK, "lease", Observed((), Surroundings("1", "eu-west-2")))


def observe(context: Context) -> tuple[Found, ...]:
    return RESOURCES[Kind.SECRET].observe(context.aws, STACK)


def test_it_is_made_encrypted_of_what_elasticache_permits(context: Context) -> None:
    assert RESOURCES[Kind.SECRET].create(context, AUTH) == "/mad/x/redis-auth"
    value = read_secret(context.aws, "x", "redis-auth")
    assert value is not None
    # 32 random bytes; ElastiCache takes letters, digits and few signs.
    assert re.fullmatch(r"[0-9a-f]{64}", value)
    given = context.aws.call("ssm", "get_parameter", Name="/mad/x/redis-auth")
    assert given["Parameter"]["Type"] == "SecureString"


def test_one_that_is_there_is_kept(context: Context) -> None:
    RESOURCES[Kind.SECRET].create(context, AUTH)
    before = read_secret(context.aws, "x", "redis-auth")
    assert RESOURCES[Kind.SECRET].create(context, AUTH) == "/mad/x/redis-auth"
    assert read_secret(context.aws, "x", "redis-auth") == before


def test_all_of_the_stack_are_seen_and_none_of_another(context: Context) -> None:
    names = ["redis-auth", *(f"token-{role}" for role in ("admin", "agent", "viewer"))]
    for name in names:
        RESOURCES[Kind.SECRET].create(context, SecretSpec(name))
    context.aws.call(
        "ssm", "put_parameter", Name="/mad/xy/redis-auth", Value="other", Type="SecureString"
    )
    found = observe(context)
    assert sorted(one.spec.name for one in found) == names
    assert {one.id for one in found} == {f"/mad/x/{name}" for name in names}


def test_no_value_is_in_what_is_seen_or_in_a_refusal(context: Context, strict_aws: Server) -> None:
    RESOURCES[Kind.SECRET].create(context, AUTH)
    value = read_secret(context.aws, "x", "redis-auth")
    assert value
    assert value not in repr((observe(context), context))
    strict_aws.fail("ssm:PutParameter", "AccessDeniedException")
    with pytest.raises(AwsError) as caught:
        RESOURCES[Kind.SECRET].create(context, SecretSpec("token-admin"))
    assert not re.search(r"[0-9a-f]{64}", f"{caught.value} {caught.value!r}")


def test_one_that_is_gone_is_gone_again(context: Context) -> None:
    RESOURCES[Kind.SECRET].create(context, AUTH)
    (found,) = observe(context)
    for _ in range(2):
        RESOURCES[Kind.SECRET].delete(context, found)
        assert (observe(context), read_secret(context.aws, "x", "redis-auth")) == ((), None)
