"""Actions that no call of ours is named after, and that AWS asks for all the same. Reviewed: a row
is here because AWS says so, or because a call is known to fail without it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Implied:
    """One action, the call that implies it, and how."""

    action: str
    call: str
    """As it is recorded: `ec2:RunInstances`."""
    why: str


IMPLIED = (
    Implied(
        "ec2:CreateTags",
        "ec2:RunInstances",
        "TagSpecifications tag what is made in the same call; so for every create of EC2",
    ),
    Implied(
        "elasticache:AddTagsToResource",
        "elasticache:CreateReplicationGroup",
        "tags in the same call; so for CreateCacheSubnetGroup",
    ),
    Implied(
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateLoadBalancer",
        "tags in the same call; so for CreateTargetGroup and CreateListener",
    ),
    Implied("ssm:AddTagsToResource", "ssm:PutParameter", "tags in the same call"),
    Implied(
        "kms:Encrypt",
        "ssm:PutParameter",
        "a SecureString is encrypted with the account's key aws/ssm, in the caller's name",
    ),
    Implied(
        "kms:Decrypt",
        "ssm:GetParameter",
        "a SecureString is decrypted in the caller's name; so for GetParametersByPath",
    ),
    Implied(
        "iam:CreateServiceLinkedRole",
        "elasticache:CreateReplicationGroup",
        "the first cache and the first load balancer of an account make the service's own role",
    ),
    Implied(
        "ec2:DescribeInternetGateways",
        "elasticloadbalancing:CreateLoadBalancer",
        "whether the subnets have a way out is looked up in the caller's name, with the first load "
        "balancer of an account",
    ),
    Implied(
        "s3:ListBucket",
        "s3:GetObject",
        "without it a lock that is not there reads as forbidden, not as missing",
    ),
)

FREE = ("sts:GetCallerIdentity",)
"""Calls that AWS allows everybody, so that no policy names them."""
