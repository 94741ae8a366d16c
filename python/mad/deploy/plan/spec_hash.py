"""A short name for a wish, kept in the tag `mad:spec`."""

from __future__ import annotations

import hashlib
from dataclasses import fields

from mad.deploy.plan.specs import Spec


def _plain(value: object) -> str:
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted(_plain(one) for one in value)) + "}"
    return repr(value)


def spec_hash(spec: Spec) -> str:
    """Twelve hex digits of all fields that are compared."""
    parts = (
        f"{field.name}={_plain(getattr(spec, field.name))}"
        for field in fields(spec)
        if not field.metadata.get("silent")
    )
    return hashlib.sha256("|".join((spec.kind, *parts)).encode()).hexdigest()[:12]
