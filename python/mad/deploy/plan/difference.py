"""Compares a resource as it is with how it should be, field by field."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mad.deploy.plan.model import Change
from mad.deploy.plan.specs import Listener, RedisSpec, Rule, Spec


@dataclass(frozen=True, slots=True)
class Difference:
    changes: tuple[Change, ...]
    replaces: bool
    """One of them cannot be made in place."""

    def __bool__(self) -> bool:
        return bool(self.changes)


def difference(seen: Spec, wanted: Spec) -> Difference:
    """What must change for `seen` to be as `wanted`. Both are of one kind."""
    changes = []
    replaces = False
    for field in fields(wanted):
        before, after = getattr(seen, field.name), getattr(wanted, field.name)
        if field.name == "name" or field.metadata.get("silent"):
            continue
        if isinstance(wanted, RedisSpec) and field.name == "version":
            before = _as_precise(before, after)
        if before == after:
            continue
        changes.append(_change(field.name, before, after))
        replaces = replaces or bool(field.metadata.get("frozen"))
    replaces = replaces or _goes_back(seen, wanted)
    return Difference(tuple(changes), replaces)


def _as_precise(seen: str, wanted: str) -> str:
    """8.0.1 is 8.0 where that is wished."""
    return ".".join(seen.split(".")[: len(wanted.split("."))])


def _goes_back(seen: Spec, wanted: Spec) -> bool:
    """No engine and no version goes back in place."""
    if not isinstance(seen, RedisSpec) or not isinstance(wanted, RedisSpec):
        return False
    if seen.engine != wanted.engine:
        return seen.engine == "valkey"
    return _numbers(_as_precise(seen.version, wanted.version)) > _numbers(wanted.version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _change(name: str, before: object, after: object) -> Change:
    if isinstance(before, frozenset) and isinstance(after, frozenset):
        gone = ", ".join(sorted(map(text, before - after)))
        come = ", ".join(sorted(map(text, after - before)))
        return Change(name, gone, come)
    return Change(name, text(before), text(after))


def text(value: object) -> str:
    """A field's value for people."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Rule):
        if value.protocol == "-1":
            return f"all from {value.source}"
        last = f"-{value.last_port}" if value.last_port != value.first_port else ""
        return f"{value.protocol} {value.first_port}{last} from {value.source}"
    if isinstance(value, Listener):
        return f"{value.protocol} {value.port} to {value.target_port}"
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(text, value))) or "none"
    if isinstance(value, str) and value.startswith("ssh-"):
        kind, _, body = value.partition(" ")
        return f"{kind} …{body[-12:]}"
    return str(value)
