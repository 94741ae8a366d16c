"""What AWS calls our resources: the names by which those are found that tags cannot find."""

from __future__ import annotations

import hashlib

BALANCER_LIMIT = 32
"""Characters of a load balancer's or a target group's name."""


def stack_name(stack: str) -> str:
    """Key pair, replication group and subnet group."""
    return f"mad-{stack}"


def group_name(stack: str, name: str) -> str:
    """A security group: `mad-x-api`."""
    return f"mad-{stack}-{name}"


def load_balancer_name(stack: str, name: str) -> str:
    """`mad-x-web`; past 32 characters shortened, with a hash of the whole."""
    whole = f"mad-{stack}-{name}"
    if len(whole) <= BALANCER_LIMIT:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:6]
    kept = BALANCER_LIMIT - len(digest) - len(name) - 2
    return f"{whole[:kept].rstrip('-')}-{digest}-{name}"


def secret_path(stack: str) -> str:
    """The folder of the stack's parameters, without the last slash."""
    return f"/mad/{stack}"


def secret_name(stack: str, name: str) -> str:
    return f"{secret_path(stack)}/{name}"
