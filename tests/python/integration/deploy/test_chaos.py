"""A run that is cut off anywhere, or that AWS refuses now and then, is finished by the next one:
the same stack as without trouble, nothing twice, nothing left over, nothing to repair by hand."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mad.deploy import operations
from mad.deploy.cloud import registry, wait
from mad.deploy.cloud.lock import LockHeldError, LockLostError
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.operations import Result, Target
from mad.deploy.plan.specs import InstanceSpec, Spec
from mad.deploy.stack.load import parse
from mad.deploy.stack.settings import Stack

if TYPE_CHECKING:
    from aws_local import Server

EVERY = "MAD_TEST_EVERYTHING" in os.environ
REGION = "eu-west-2"

SMALL = """
name = "chaos"
region = "eu-west-2"
[api]
count = 1
[client]
count = 1
[web]
count = 1
"""
OWN = SMALL.replace("[api]", '[network]\nvpc = "own"\n[api]').replace("[web]", '[web]\nlb = "alb"')
STACKS = {"default": SMALL, "own network and alb": OWN}


class KilledError(AwsError):
    """The process is gone: nothing it does reaches AWS any more."""

    def __init__(self) -> None:
        super().__init__("test", "kill", "Killed", "killed")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(wait, "FIRST_S", 0.002)
    monkeypatch.setattr(wait, "LONGEST_S", 0.01)


@cache
def _loader() -> Any:
    """What botocore knows of the services; reading it takes longer than a whole run."""
    from botocore.loaders import Loader

    return Loader()


def client() -> Aws:
    aws = Aws(REGION, pause=lambda _s: None)
    aws.session.register_component("data_loader", _loader())
    return aws


def target(text: str) -> Target:
    """A process of its own, as far as AWS can see."""
    return Target(parse(text, Path("mad.toml")), client())


def dies_at(given: Target, n: int) -> None:
    """From its n-th call on nothing is sent."""
    count = 0
    guard = threading.Lock()

    def before(**_event: Any) -> None:
        nonlocal count
        with guard:
            count += 1
            dead = count >= n
        if dead:
            raise KilledError

    given.aws.session.register("before-call", before)


def run(verb: Callable[..., Result], given: Target) -> Result:
    return verb(given, lambda _event: None, lambda _looked: True)


def cut(verb: Callable[..., Result], given: Target) -> None:
    """A run that may end in any way but a wrong one."""
    with contextlib.suppress(AwsError, LockHeldError, LockLostError):
        run(verb, given)


def finish(verb: Callable[..., Result], text: str) -> Result:
    """The next run, on another day: the lock of the dead one has expired."""
    given = target(text)
    operations.unlock(given)
    result = run(verb, given)
    assert result.ok, result.outcome
    return result


def specs(text: str) -> list[Spec]:
    """All that carries the stack's tags, sorted; what is there twice is in it twice."""
    given = target(text)
    found = registry.observe(given.aws, given.stack).found
    return sorted((one.spec for one in found), key=lambda one: str(one.address))


def without_zones(all_of_them: list[Spec]) -> list[Spec]:
    """Where a new slot goes depends on what was there when it was made."""
    return [replace(one, zone="") if isinstance(one, InstanceSpec) else one for one in all_of_them]


def raw(stack: Stack) -> dict[str, int]:
    """How many there are of what costs money or is in the way, whatever its tags say."""
    aws = client()
    live = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopped"]}]
    reservations = aws.pages("ec2", "describe_instances", "Reservations", Filters=live)
    groups = aws.pages("ec2", "describe_security_groups", "SecurityGroups")
    path = f"/mad/{stack.name}"
    return {
        "instances": sum(len(one["Instances"]) for one in reservations),
        "addresses": len(aws.call("ec2", "describe_addresses")["Addresses"]),
        "keys": len(aws.call("ec2", "describe_key_pairs")["KeyPairs"]),
        "groups": sum(one["GroupName"] != "default" for one in groups),
        "vpcs": len(aws.pages("ec2", "describe_vpcs", "Vpcs")),
        "gateways": len(aws.pages("ec2", "describe_internet_gateways", "InternetGateways")),
        "classic": len(aws.pages("elb", "describe_load_balancers", "LoadBalancerDescriptions")),
        "balancers": len(aws.pages("elbv2", "describe_load_balancers", "LoadBalancers")),
        "targets": len(aws.pages("elbv2", "describe_target_groups", "TargetGroups")),
        "caches": len(aws.pages("elasticache", "describe_replication_groups", "ReplicationGroups")),
        "secrets": len(
            aws.pages("ssm", "get_parameters_by_path", "Parameters", Path=path, Recursive=True)
        ),
    }


def calls_of(verb: Callable[..., Result], text: str) -> int:
    given = target(text)
    assert run(verb, given).ok
    return len(given.aws.calls)


def cuts(calls: int) -> range:
    """Every call in `script/test all`, some of them otherwise."""
    return range(1, calls + 1, 1 if EVERY else max(1, calls // 3))


@pytest.mark.parametrize("text", STACKS.values(), ids=STACKS.keys())
def test_up_that_is_cut_off_at_any_call_is_finished_by_the_next(
    strict_aws: Server, text: str
) -> None:
    calls = calls_of(operations.up, text)
    wanted, there = specs(text), raw(target(text).stack)
    assert there["instances"] == 4
    for n in cuts(calls):
        strict_aws.reset()
        given = target(text)
        dies_at(given, n)
        cut(operations.up, given)
        finish(operations.up, text)
        assert specs(text) == wanted, f"cut off at call {n}"
        assert raw(given.stack) == there, f"cut off at call {n}"
        assert operations.plan_of(target(text)).plan.empty


@pytest.mark.parametrize("text", STACKS.values(), ids=STACKS.keys())
def test_destroy_that_is_cut_off_at_any_call_is_finished_by_the_next(
    strict_aws: Server, text: str
) -> None:
    before = raw(target(text).stack)
    calls_of(operations.up, text)
    calls = calls_of(operations.destroy, text)
    assert raw(target(text).stack) == before
    for n in cuts(calls):
        strict_aws.reset()
        calls_of(operations.up, text)
        given = target(text)
        dies_at(given, n)
        cut(operations.destroy, given)
        result = finish(operations.destroy, text)
        assert result.left == ()
        assert raw(given.stack) == before, f"cut off at call {n}"


@pytest.mark.parametrize(
    ("call", "code", "how"),
    [
        ("*", "Throttling", {"times": None, "every": 9}),
        ("ec2:RunInstances", "InsufficientInstanceCapacity", {"times": 1}),
        ("ec2:DescribeInstances", "InvalidInstanceID.NotFound", {"times": 2, "after": 1}),
        ("ec2:CreateTags", "InternalError", {"times": 2}),
        ("elasticache:CreateReplicationGroup", "InvalidReplicationGroupState", {"times": 1}),
        ("ec2:AllocateAddress", "AddressLimitExceeded", {"times": 1}),
        ("ec2:AuthorizeSecurityGroupIngress", "UnauthorizedOperation", {"times": 1}),
        ("elasticloadbalancing:*", "ServiceUnavailable", {"times": 4}),
    ],
)
def test_what_aws_refuses_now_and_then_is_done_in_the_end(
    strict_aws: Server, call: str, code: str, how: dict[str, Any]
) -> None:
    calls_of(operations.up, SMALL)
    there = raw(target(SMALL).stack)
    strict_aws.reset()
    strict_aws.fail(call, code, **how)
    cut(operations.up, target(SMALL))
    finish(operations.up, SMALL)
    assert raw(target(SMALL).stack) == there
    assert operations.plan_of(target(SMALL)).plan.empty
    finish(operations.destroy, SMALL)


def test_a_zone_without_machines_left_is_left_out(strict_aws: Server) -> None:
    """The other zones are tried; the slot stays where it was made."""
    strict_aws.fail("ec2:RunInstances", "InsufficientInstanceCapacity", times=2)
    finish(operations.up, SMALL)
    assert operations.plan_of(target(SMALL)).plan.empty


def test_an_interruption_starts_nothing_new_and_the_next_run_goes_on(strict_aws: Server) -> None:
    given = target(SMALL)
    seen: list[object] = []

    def listener(event: object) -> None:
        seen.append(event)
        if len(seen) == 8:
            given.cancelled.set()

    result = operations.up(given, listener, lambda _looked: True)
    assert result.outcome is not None
    assert result.outcome.interrupted
    assert result.outcome.skipped
    # The lock is free again: nobody has to break it.
    again = run(operations.up, target(SMALL))
    assert again.ok
    assert operations.plan_of(target(SMALL)).plan.empty
    assert strict_aws.calls


def test_a_stack_that_changes_under_way_ends_as_its_file_says(strict_aws: Server) -> None:
    calls_of(operations.up, SMALL)
    bigger = SMALL.replace("[api]\ncount = 1", '[api]\ncount = 3\ntype = "t3.small"')
    calls = calls_of(operations.up, bigger)
    wanted = specs(bigger)
    for n in cuts(calls):
        strict_aws.reset()
        calls_of(operations.up, SMALL)
        given = target(bigger)
        dies_at(given, n)
        cut(operations.up, given)
        finish(operations.up, bigger)
        assert without_zones(specs(bigger)) == without_zones(wanted), f"cut off at call {n}"
        assert operations.plan_of(target(bigger)).plan.empty
