"""The policy of a stack is no wider than its options, and its page says what it is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mad.deploy.cloud.policy import (
    MANAGED_LIMIT,
    Statement,
    addition,
    document,
    length,
    parts,
    policy,
)
from mad.deploy.cloud.policy_implied import FREE, IMPLIED
from mad.deploy.stack.settings import Machines, Network, Redis, Stack, Web

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs/deploy-iam.md").read_text(encoding="utf-8")
TWO = Machines(2)
STACK = Stack("shop-x7k2", "eu-west-2", TWO, Machines(1), TWO, Web(TWO))
ACCOUNT = "123456789012"


def actions(statements: tuple[Statement, ...]) -> set[str]:
    return {action for statement in statements for action in statement.actions}


OWN_VPC = {"ec2:CreateVpc", "ec2:CreateSubnet", "ec2:DeleteInternetGateway", "ec2:CreateRoute"}
CACHE = {"elasticache:CreateReplicationGroup", "elasticache:DescribeCacheSubnetGroups"}
LOCK = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"}
CLASSIC = {"elasticloadbalancing:RegisterInstancesWithLoadBalancer"}
ALB = {"elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DescribeTargetHealth"}
BALANCED = {"elasticloadbalancing:CreateLoadBalancer", "ec2:DescribeInternetGateways"}


@pytest.mark.parametrize(
    ("changed", "there", "not_there"),
    [
        ({}, CACHE | CLASSIC | BALANCED, OWN_VPC | LOCK | ALB | {"ec2:CreateDefaultVpc"}),
        ({"network": Network(vpc="own")}, OWN_VPC, LOCK),
        ({"web": Web(TWO, lb="alb")}, ALB | BALANCED, CLASSIC),
        ({"web": Web(Machines(0))}, CACHE, CLASSIC | ALB | BALANCED),
        ({"redis": Redis(url="rediss://cache.example:6379")}, BALANCED, CACHE),
        ({"lock_bucket": "locks"}, LOCK, OWN_VPC),
    ],
)
def test_only_what_the_options_need_is_allowed(
    changed: dict[str, Any], there: set[str], not_there: set[str]
) -> None:
    allowed = actions(policy(replace(STACK, **changed)))
    assert there <= allowed
    assert not not_there & allowed


def test_everything_is_more_than_any_stack() -> None:
    everything = actions(policy(STACK, everything=True))
    assert everything >= OWN_VPC | CACHE | LOCK | CLASSIC | ALB | {"ec2:CreateDefaultVpc"}
    assert {one.sid for one in policy(STACK, everything=True)} >= {"Adopt"}
    assert "Adopt" not in {one.sid for one in policy(STACK)}


def test_a_stack_of_given_hosts_needs_nothing() -> None:
    assert policy(replace(STACK, hosts={})) == ()


def test_only_reads_and_what_knows_no_resource_are_allowed_on_everything() -> None:
    unlimited = {
        action
        for statement in policy(STACK, everything=True)
        if "*" in statement.resources
        for action in statement.actions
    }
    assert {one for one in unlimited if ":Describe" not in one} == {
        "ec2:CreateDefaultVpc",
        "sts:DecodeAuthorizationMessage",
    }


def test_no_action_is_a_pattern_and_none_is_free_anyway() -> None:
    allowed = actions(policy(STACK, everything=True))
    assert not {action for action in allowed if "*" in action}
    assert not allowed & set(FREE)


def test_what_changes_ec2_is_held_to_the_tag_or_to_what_is_asked_for_with_it() -> None:
    for statement in policy(STACK, everything=True):
        writes = [a for a in statement.actions if a.startswith("ec2:") and ":Describe" not in a]
        if not writes or statement.sid in ("MakeFrom", "MakeDefaultVpc"):
            continue
        said = json.dumps(statement.condition)
        assert "mad:stack" in said, statement.sid
        assert STACK.name in said, statement.sid


def test_each_action_is_an_operation_of_its_service() -> None:
    loaders = pytest.importorskip("botocore.loaders")
    loader = loaders.Loader()
    models = {
        "elasticloadbalancing": ("elb", "elbv2"),
        "servicequotas": ("service-quotas",),
    }
    implied = {row.action for row in IMPLIED}
    for action in sorted(actions(policy(STACK, everything=True)) - implied):
        service, name = action.split(":")
        known = {
            operation
            for model in models.get(service, (service,))
            for operation in loader.load_service_model(model, "service-2")["operations"]
        }
        assert name in known, action


@pytest.mark.parametrize("region", ["eu-west-2", "cn-north-1", "us-gov-west-1"])
def test_names_of_resources_are_those_of_the_region(region: str) -> None:
    text = document(policy(replace(STACK, region=region), account=ACCOUNT))
    partitions = {
        "eu-west-2": "aws",
        "cn-north-1": "aws-cn",
        "us-gov-west-1": "aws-us-gov",
    }
    assert set(re.findall(r'"arn:([^:]+):', text)) == {partitions[region]}
    assert set(re.findall(r'"arn:[^:]+:ec2:([^:]*):', text)) == {region}


def test_an_ordinary_stack_fits_one_policy_and_everything_two() -> None:
    longest = replace(STACK, name="a" * 24, region="ap-southeast-2")
    assert length(policy(longest, account=ACCOUNT)) <= MANAGED_LIMIT
    split = parts(policy(longest, account=ACCOUNT, everything=True))
    assert len(split) == 2
    assert all(length(part) <= MANAGED_LIMIT for part in split)
    joined = tuple(statement for part in split for statement in part)
    assert joined == policy(longest, account=ACCOUNT, everything=True)


def test_the_document_is_what_iam_reads() -> None:
    read = json.loads(document(policy(STACK, account=ACCOUNT, everything=True)))
    assert read["Version"] == "2012-10-17"
    sids = [statement["Sid"] for statement in read["Statement"]]
    assert len(sids) == len(set(sids))
    for statement in read["Statement"]:
        assert re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"])
        assert statement["Effect"] == "Allow"
        assert statement["Action"]
        assert statement["Resource"]


def test_what_the_old_policies_lack_is_no_more_than_the_new_one() -> None:
    more = actions(addition(STACK))
    assert {"ssm:PutParameter", "ssm:GetParameters", "kms:Decrypt"} <= more
    assert more <= actions(policy(STACK))
    assert not {one for one in more if one.startswith(("ec2:", "elastic"))}


def test_the_page_explains_each_statement_and_each_implied_action() -> None:
    for statement in policy(STACK, everything=True):
        assert f"`{statement.sid}`" in PAGE, statement.sid
    rows = re.findall(r"^\| `(\w+:\w+)` \| `(\w+:\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(row.action, row.call, row.why) for row in IMPLIED]


def test_the_page_shows_the_addition_as_it_is() -> None:
    (shown,) = re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)
    assert shown == document(addition(STACK, account=ACCOUNT))
