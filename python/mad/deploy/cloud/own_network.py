"""What the four kinds of our own network share: finding by tag, tagging, letting go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.cloud.wait import retry
from mad.deploy.plan.model import Found
from mad.deploy.plan.specs import Address, Kind, Spec

PATIENCE_S = 600.0
"""How long addresses of a load balancer may linger in a subnet."""


def mine(stack: str, **more: str) -> list[dict[str, Any]]:
    """Filters for what carries the stack's tag and, given them, other tags: `slot="a"`."""
    filters = [{"Name": f"tag:{tags.STACK}", "Values": [stack]}]
    filters += [{"Name": f"tag:mad:{key}", "Values": [value]} for key, value in more.items()]
    return filters


def tagging(context: Context, kind: str, spec: Spec) -> list[dict[str, Any]]:
    """`TagSpecifications` of a create."""
    return [{"ResourceType": kind, "Tags": tags.pairs(context.tags_of(spec))}]


def retag(context: Context, found: Found, spec: Spec) -> None:
    context.aws.call(
        "ec2", "create_tags", Resources=[found.id], Tags=tags.pairs(context.tags_of(spec))
    )


def left(aws: Aws, stack: str, spec: Spec, operation: str, key: str) -> Mapping[str, Any] | None:
    """What an interrupted run made of a spec."""
    found = aws.pages("ec2", operation, key, Filters=mine(stack, slot=spec.name))
    return found[0] if found else None


def id_of(context: Context, kind: Kind, name: str = "main") -> str:
    """Of something this needs and the engine made before. Raises AwsError when it is not there."""
    found = context.ids.get(Address(kind, name))
    if found is None:
        raise AwsError("mad", "apply", "NotFound", f"{kind}.{name} is not there")
    return found


def let_go(context: Context, what: str, do: Callable[[], Any]) -> None:
    """Deletes, again and again while something is still in it. Gone already is done."""
    try:
        retry(do, ("DependencyViolation",), context=context, what=what, deadline_s=PATIENCE_S)
    except AwsError as error:
        if not error.code.endswith(("NotFound", "NotAttached")):
            raise
