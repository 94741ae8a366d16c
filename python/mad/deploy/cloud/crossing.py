"""From ids to our names and back: AWS tells which group, subnet or machine by its id, specs by its
name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import AwsError
from mad.deploy.plan.specs import Address, Kind


@dataclass(frozen=True, slots=True)
class Names:
    """Our names by id. What is not ours keeps its id, and so is seen to be a stranger."""

    groups: Mapping[str, str] = field(default_factory=dict)
    subnets: Mapping[str, str] = field(default_factory=dict)
    slots: Mapping[str, str] = field(default_factory=dict)


def named(ids: Iterable[str], names: Mapping[str, str]) -> frozenset[str]:
    return frozenset(names.get(one, one) for one in ids)


def groups_of(context: Context, names: Iterable[str]) -> list[str]:
    """Ids of our groups."""
    return [_id(context, Kind.SECURITY_GROUP, name) for name in sorted(names)]


def slots_of(context: Context, names: Iterable[str]) -> list[str]:
    """Ids of our machines."""
    return [_id(context, Kind.INSTANCE, name) for name in sorted(names)]


def subnets_of(context: Context, letters: Iterable[str]) -> list[str]:
    """Ids of the subnets of zones: our own, or those that are there."""
    around = {zone.name[-1]: zone.subnet for zone in context.observed.surroundings.zones}
    return [
        context.ids.get(Address(Kind.SUBNET, one))
        or around.get(one)
        or _id(context, Kind.SUBNET, one)
        for one in sorted(letters)
    ]


def vpc_of(context: Context) -> str:
    return (
        context.ids.get(Address(Kind.VPC, "main"))
        or context.observed.surroundings.vpc
        or _id(context, Kind.VPC, "main")
    )


def _id(context: Context, kind: Kind, name: str) -> str:
    found = context.ids.get(Address(kind, name))
    if found is None:
        raise AwsError("mad", "apply", "NotFound", f"{kind}.{name} is not there")
    return found
