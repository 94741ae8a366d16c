"""Tags are what the tool knows its own by; there is no other state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mad._version import __version__
from mad.deploy.plan.spec_hash import spec_hash
from mad.deploy.plan.specs import InstanceSpec, Spec

STACK = "mad:stack"
ROLE = "mad:role"
SLOT = "mad:slot"
"""The resource's name within its kind: `api-0` of an instance, `api` of a group."""
SPEC = "mad:spec"
IMAGE = "mad:image"
"""The system a machine was asked for (`ubuntu-24.04`)."""
PUBLIC = "mad:public"
"""`yes` or `no`: whether a machine was launched with a public address. A stopped one has none."""
KEY = "mad:key"
"""`main` on an adopted machine whose key pair has another name and is the same key."""
AMI = "mad:ami"
HOSTKEY = "mad:hostkey"
HOSTKEY_NEXT = "mad:hostkey-next"
"""The one that was made on the machine and may serve already. Empty: none."""
HOSTKEY_MADE = "mad:hostkey-made"
"""`there` once the key that counts is not that of the user data any more."""
VERSION = "mad:version"
MANAGED_BY = "mad:managed-by"
LEASE = "mad:lease"


def of(stack: str, spec: Spec, extra: Mapping[str, str]) -> dict[str, str]:
    """All tags of a resource. `mad:role` is the role of what serves one (`api` for `api-0` and the
    group `api`, `redis`, `web` for its load balancer), `stack` for what serves all."""
    return {
        STACK: stack,
        ROLE: role_of(spec),
        SLOT: spec.name,
        SPEC: spec_hash(spec),
        MANAGED_BY: f"mad.deploy/{__version__}",
        "Name": f"{stack}-{spec.name}",
        **extra,
    }


def role_of(spec: Spec) -> str:
    if isinstance(spec, InstanceSpec):
        return spec.role.value
    for role in ("api_lb", "api", "client", "web", "redis"):
        if (
            spec.kind == "redis"
            or spec.name == role
            or spec.name.startswith((f"{role}-", f"{role}_"))
        ):
            return "redis" if spec.kind == "redis" else role
    return "redis" if spec.kind == "cache_subnets" or spec.name == "redis-auth" else "stack"


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """As AWS takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def read(given: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """As AWS gives them."""
    return {tag["Key"]: tag["Value"] for tag in given or ()}
