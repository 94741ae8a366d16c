"""Takes what exists into a stack, by tagging it. Nothing else of it is changed: the next `up` does
that, and what could not be changed in place is refused here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from mad.deploy.cloud import adopt_named, load_balancer, redis, tags
from mad.deploy.cloud.adopt_ec2 import LOOKS
from mad.deploy.cloud.crossing import Names
from mad.deploy.cloud.elastic_ip import slots_by_id
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.security_group import SecurityGroups
from mad.deploy.cloud.session import AwsError
from mad.deploy.plan.desired import desired
from mad.deploy.plan.difference import Difference, difference
from mad.deploy.plan.model import Change, Found
from mad.deploy.plan.specs import (
    Address,
    InstanceSpec,
    Kind,
    Spec,
)
from mad.deploy.stack.keys import read_public_key


class AdoptError(Exception):
    """It cannot be taken: why, and what to do."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.remedy = remedy


def adopt(context: Context, address: Address, id: str) -> tuple[Change, ...]:
    """Puts the stack's tags on `id`, which then is `address`. Gives what the next `up` will change
    in place. Raises AdoptError, AwsError."""
    there = context.observed.at(address)
    if any(one.id == id for one in there):
        return ()
    if there:
        raise AdoptError(
            f"{address} is there already: {there[0].id}",
            "adopt into a free slot (a higher `count` makes one), or remove that one first",
        )
    wanted = _wanted(context, address)
    if address.kind in (Kind.REDIS, Kind.LOAD_BALANCER):
        return _adopt_named(context, wanted, id)
    if address.kind not in LOOKS:
        raise AdoptError(f"{address} cannot be adopted", _INSTEAD[address.kind])
    try:
        candidate = LOOKS[address.kind](context, wanted, id)
    except AwsError as error:
        if "NotFound" in error.code or "Malformed" in error.code:
            candidate = None
        else:
            raise
    if candidate is None:
        raise _not_there(context, address, id)
    _check_owner(context, candidate.given, id, address)
    if isinstance(wanted, InstanceSpec) and isinstance(candidate.spec, InstanceSpec):
        # A slot's zone is chosen once: here it is the machine's own.
        wanted = replace(wanted, zone=candidate.spec.zone)
    diff = difference(candidate.spec, wanted)
    if diff.replaces or candidate.why_not:
        raise _refusal(id, wanted, diff, candidate.why_not)
    context.aws.call(
        "ec2",
        "create_tags",
        Resources=[candidate.id, *candidate.also],
        # The hash of what it is: a difference is then a change of ours and not drift.
        Tags=tags.pairs(context.tags_of(candidate.spec, candidate.extra)),
    )
    if address.kind == Kind.SECURITY_GROUP:
        # Its rules are read where they are known by now.
        seen = [one for one in SecurityGroups().observe(context.aws, context.stack) if one.id == id]
        return difference(seen[0].spec, wanted).changes if seen else ()
    return diff.changes


def _wanted(context: Context, address: Address) -> Spec:
    wanted = desired(context.stack, context.observed, read_public_key(context.stack))
    for spec in wanted:
        if spec.address == address:
            return spec
    known = ", ".join(str(one.address) for one in wanted if one.kind == address.kind)
    raise AdoptError(
        f"the stack has no {address}",
        f"it has {known}" if known else f"it has no {address.kind} at all: see the stack file",
    )


def _adopt_named(context: Context, wanted: Spec, id: str) -> tuple[Change, ...]:
    """Its parts are only read once it carries the tags; they are taken off again if it does not
    fit."""
    name = adopt_named.name_of(context, wanted)
    if name not in (id, id.rpartition("loadbalancer/app/")[2].partition("/")[0]):
        raise AdoptError(
            f"{id} cannot become {wanted.address}: it would have to be called {name}, and AWS "
            "cannot rename it",
            _INSTEAD[wanted.kind],
        )
    named = adopt_named.look(context, wanted)
    if named is None:
        raise _not_there(context, wanted.address, id)
    _check_owner(context, named.tags, id, wanted.address)
    given = context.tags_of(wanted)
    # Not of the wish: a difference is then a change of ours and not drift.
    given[tags.SPEC] = "adopted"
    named.put(given)
    for found in named.resource.observe(context.aws, context.stack):
        seen = _by_our_names(context, found)
        diff = difference(seen, wanted)
        if not diff.replaces:
            return diff.changes
        named.remove(sorted(given))
        raise _refusal(id, wanted, diff, ())
    return ()


def _by_our_names(context: Context, found: Found) -> Spec:
    """With our names of groups and machines in place of ids."""
    names = Names(
        groups={one.id: one.spec.name for one in context.observed.of(Kind.SECURITY_GROUP)},
        slots=slots_by_id(context.observed.of(Kind.INSTANCE)),
    )
    (one,) = load_balancer.with_names(redis.with_names((found,), names), names)
    return one.spec


def _not_there(context: Context, address: Address, id: str) -> AdoptError:
    return AdoptError(
        f"there is no {address.kind} {id} in {context.aws.region}",
        "check the id, and `region` in the stack file",
    )


def _refusal(id: str, wanted: Spec, diff: Difference, why_not: tuple[str, ...]) -> AdoptError:
    fixed = {one.name for one in fields(wanted) if one.metadata.get("frozen")}
    said = [
        f"its {one.field} is {one.before}, not {one.after}"
        for one in diff.changes
        # Engines and versions of Redis are fixed in one direction.
        if one.field in fixed or (diff.replaces and one.field in ("engine", "version"))
    ]
    return AdoptError(
        f"{id} cannot become {wanted.address}: {'; '.join([*why_not, *said])}",
        "these cannot be changed in place: change the stack file to what it has, or let `up` "
        "make a new one",
    )


def _check_owner(context: Context, given: Mapping[str, str], id: str, address: Address) -> None:
    owner = given.get(tags.STACK)
    if owner == context.stack.name and given.get(tags.SLOT):
        raise AdoptError(
            f"{id} is {address.kind}.{given[tags.SLOT]} of this stack already",
            "adopt another one",
        )
    if owner and owner != context.stack.name:
        raise AdoptError(
            f"{id} belongs to the stack {owner} (tag {tags.STACK})",
            "remove it from there first, or take the tag off by hand",
        )


_OURS_ALONE = "it is part of a network of our own: name a VPC that exists as `vpc` under [network]"
_INSTEAD: Mapping[Kind, str] = {
    Kind.VPC: 'set `vpc = "vpc-…"` under [network] to use one that exists',
    Kind.GATEWAY: _OURS_ALONE,
    Kind.ROUTES: _OURS_ALONE,
    Kind.SUBNET: _OURS_ALONE,
    Kind.SECRET: "write its value as the parameter /mad/<stack>/<name> before the first `up`",
    Kind.CACHE_SUBNETS: "`up` makes one beside any other; it costs nothing",
    Kind.REDIS: "set `url` under [redis] to use one that exists",
    Kind.LOAD_BALANCER: "let `up` make one and move the name under `domain` to it",
}
