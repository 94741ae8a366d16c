"""The least that a person or a robot must be allowed at AWS for a stack. That the actions are those
which are called, and those that such calls imply, is held by a test over all options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from mad.deploy.cloud import names
from mad.deploy.cloud import policy_actions as actions
from mad.deploy.stack.settings import Stack

MANAGED_LIMIT = 6144
"""Characters of a managed policy at AWS, white space not counted."""

OLD_POLICIES = {
    "AmazonEC2FullAccess": ("ec2:*", "elasticloadbalancing:*", "iam:CreateServiceLinkedRole"),
    "AmazonElastiCacheFullAccess": ("elasticache:*", "iam:CreateServiceLinkedRole"),
}
"""What the user of the way before had, as far as a stack is concerned."""

ADOPTED = (
    *("instance", "volume", "network-interface"),
    *("security-group", "key-pair", "elastic-ip"),
)
"""What `adopt` tags: a machine with its disk and interface, a group, a key, an address."""

Condition = Mapping[str, Mapping[str, str | tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy; `Effect` is always `Allow`."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What of a stack decides which calls are made."""

    redis: bool = True
    classic: bool = True
    alb: bool = False
    own_vpc: bool = False
    default_vpc: bool = False
    """Whether `--create-default-vpc` may be used."""
    bucket: str | None = None
    adopt: bool = False
    releases: str | None = None
    """Bucket, and what keys begin with, of `[release] url` when that is at S3."""

    @staticmethod
    def of(stack: Stack) -> Options:
        """Of the stack as its file has it."""
        return Options(
            redis=stack.redis.url is None,
            classic=stack.web.lb == "classic" and stack.web.machines.count > 0,
            alb=stack.web.lb == "alb" and stack.web.machines.count > 0,
            own_vpc=stack.network.vpc == "own",
            bucket=stack.lock_bucket,
            releases=_place(stack.release_url),
        )


def policy(stack: Stack, *, account: str = "*", everything: bool = False) -> tuple[Statement, ...]:
    """What the stack's own options need; `everything`: of every option, and `adopt`. `account` is
    put into ARNs; `*` fits any. Empty for a stack of given hosts: nothing is called then."""
    if stack.hosts is not None and not everything:
        return ()
    options = Options.of(stack)
    if everything:
        options = Options(True, True, True, True, True, stack.lock_bucket or "*", True, "*")
    return statements(stack.name, stack.region, account, options)


def addition(stack: Stack, *, account: str = "*") -> tuple[Statement, ...]:
    """What is missing from `OLD_POLICIES` for the stack."""
    there = {pattern for patterns in OLD_POLICIES.values() for pattern in patterns}
    found = []
    for statement in policy(stack, account=account):
        missing = tuple(
            action
            for action in statement.actions
            if not any(fnmatchcase(action, pattern) for pattern in there)
        )
        if missing:
            found.append(replace(statement, actions=missing))
    return tuple(found)


def document(given: tuple[Statement, ...]) -> str:
    """The policy as AWS takes it: indented JSON."""
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [_plain(one) for one in given]}, indent=2
    )


def length(given: tuple[Statement, ...]) -> int:
    """As AWS counts it for `MANAGED_LIMIT`."""
    return len("".join(document(given).split()))


def parts(given: tuple[Statement, ...]) -> tuple[tuple[Statement, ...], ...]:
    """In as few policies as AWS takes them: usually one, with everything two. All are attached to
    the same user or role."""
    found: list[tuple[Statement, ...]] = []
    for statement in given:
        if found and length((*found[-1], statement)) <= MANAGED_LIMIT:
            found[-1] = (*found[-1], statement)
        else:
            found.append((statement,))
    return tuple(found)


def _short(values: str | tuple[str, ...]) -> str | list[str]:
    if isinstance(values, str):
        return values
    return values[0] if len(values) == 1 else list(values)


def _plain(statement: Statement) -> dict[str, object]:
    plain: dict[str, object] = {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": _short(statement.actions),
        "Resource": _short(statement.resources),
    }
    if statement.condition:
        plain["Condition"] = {
            operator: {key: _short(value) for key, value in keys.items()}
            for operator, keys in statement.condition.items()
        }
    return plain


def statements(name: str, region: str, account: str, options: Options) -> tuple[Statement, ...]:
    """In the order of `docs/deploy-iam.md`. Those without an action are left out."""
    partition = _partition(region)
    at = f"arn:{partition}:{{}}:{region}:{account}:"
    ec2, ssm = at.format("ec2"), at.format("ssm")
    ours = {"aws:RequestTag/mad:stack": name}
    here = {"StringEquals": {"aws:RequestedRegion": region}}
    found = [
        Statement("Look", actions.look(options), ("*",), here),
        Statement(
            "MakeMachines",
            ("ec2:RunInstances",),
            tuple(f"{ec2}{kind}/*" for kind in ("instance", "volume", "network-interface")),
            {"StringEquals": ours},
        ),
        Statement(
            "MakeTagged",
            actions.MAKE,
            (
                f"{ec2}security-group/*",
                f"{ec2}elastic-ip/*",
                f"{ec2}key-pair/mad-{name}",
                f"{ec2}key-pair/mad-{name}-lock",
            ),
            {"StringEquals": ours},
        ),
        # A tag that is asked for counts for all that a call touches: what is made in another
        # resource is therefore named without that one, which needs our tag (ChangeOwn).
        Statement(
            "MakeRules",
            actions.MAKE_RULES,
            (f"{ec2}security-group-rule/*",),
            {"StringEquals": ours},
        ),
        Statement(
            "MakeNetwork",
            actions.MAKE_NETWORK if options.own_vpc else (),
            tuple(f"{ec2}{kind}/*" for kind in ("subnet", "internet-gateway", "route-table")),
            {"StringEquals": ours},
        ),
        Statement(
            "MakeVpc",
            actions.MAKE_VPC if options.own_vpc else (),
            (f"{ec2}vpc/*",),
            {"StringEquals": ours},
        ),
        Statement(
            "MakeFrom",
            actions.MAKE_FROM,
            (
                f"arn:{partition}:ec2:{region}::image/*",
                f"{ec2}subnet/*",
                f"{ec2}vpc/*",
                f"{ec2}key-pair/mad-{name}",
            ),
        ),
        Statement(
            "ChangeOwn",
            actions.change(options),
            (f"{ec2}*/*",),
            {"StringEquals": {"aws:ResourceTag/mad:stack": name}},
        ),
        Statement(
            "TagWhileMaking",
            ("ec2:CreateTags",),
            (f"{ec2}*/*",),
            {"StringEquals": {**ours, "ec2:CreateAction": actions.makers(options)}},
        ),
        Statement(
            "Adopt",
            ("ec2:CreateTags",) if options.adopt else (),
            tuple(f"{ec2}{kind}/*" for kind in ADOPTED),
            {"StringEquals": ours, "Null": {"aws:ResourceTag/mad:stack": "true"}},
        ),
        Statement("MakeDefaultVpc", actions.default_vpc(options), ("*",), here),
        Statement("Cache", actions.cache(options), _cache_arns(at.format("elasticache"), name)),
        Statement(
            "Balance",
            actions.balance(options),
            _balancer_arns(at.format("elasticloadbalancing"), name, options),
        ),
        Statement(
            "Secrets",
            actions.SECRETS,
            (f"{ssm}parameter/mad/{name}", f"{ssm}parameter/mad/{name}/*"),
        ),
        Statement(
            "SecretsKey",
            actions.SECRETS_KEY,
            (f"{at.format('kms')}key/*",),
            {
                "StringEquals": {"kms:ViaService": f"ssm.{region}.{_suffix(partition)}"},
                "StringLike": {
                    "kms:EncryptionContext:PARAMETER_ARN": f"{ssm}parameter/mad/{name}/*"
                },
            },
        ),
        Statement(
            "Images", actions.IMAGES, (f"arn:{partition}:ssm:{region}::parameter/aws/service/*",)
        ),
        Statement(
            "FirstInAccount",
            actions.first_use(options),
            (f"arn:{partition}:iam::{account}:role/aws-service-role/*",),
            {"StringEquals": {"iam:AWSServiceName": actions.services(options)}},
        ),
        Statement("Quota", actions.QUOTA, (f"{at.format('servicequotas')}ec2/L-1216C47A",)),
        Statement("Explain", actions.EXPLAIN, ("*",)),
        Statement(
            "LockObject",
            actions.LOCK_OBJECT if options.bucket else (),
            (f"arn:{partition}:s3:::{options.bucket}/mad/{name}/lock.json",),
        ),
        Statement(
            "LockBucket",
            actions.LOCK_BUCKET if options.bucket else (),
            (f"arn:{partition}:s3:::{options.bucket}",),
            {"StringEquals": {"s3:prefix": f"mad/{name}/lock.json"}},
        ),
        Statement(
            "Releases",
            actions.RELEASES if options.releases else (),
            (f"arn:{partition}:s3:::{options.releases}/mad-*.tar.zst",),
        ),
        Statement(
            # Without it one that is not there reads as forbidden.
            "ReleasesThere",
            actions.RELEASES_THERE if options.releases else (),
            (f"arn:{partition}:s3:::{(options.releases or '').partition('/')[0]}",),
        ),
    ]
    return tuple(statement for statement in found if statement.actions)


def _cache_arns(at: str, name: str) -> tuple[str, ...]:
    return (
        f"{at}replicationgroup:mad-{name}",
        f"{at}subnetgroup:mad-{name}",
        f"{at}cluster:mad-{name}-*",
        f"{at}parametergroup:default.*",
    )


def _balancer_arns(at: str, name: str, options: Options) -> tuple[str, ...]:
    balancer = names.load_balancer_name(name, "web")
    classic = (f"{at}loadbalancer/{balancer}",) if options.classic else ()
    if not options.alb:
        return classic
    return (
        *classic,
        f"{at}loadbalancer/app/{balancer}/*",
        f"{at}targetgroup/{balancer}/*",
        f"{at}listener/app/{balancer}/*",
    )


def _place(url: str | None) -> str | None:
    parts = urlsplit(url or "")
    if parts.scheme != "s3":
        return None
    return "/".join(part for part in (parts.netloc, parts.path.strip("/")) if part)


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _suffix(partition: str) -> str:
    return "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
