"""Decides: a stack and what was observed give the actions between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mad.deploy.plan.cost import cost
from mad.deploy.plan.desired import desired
from mad.deploy.plan.difference import Difference, difference
from mad.deploy.plan.model import (
    Action,
    Change,
    EndpointFacts,
    Found,
    InstanceFacts,
    Observed,
    Plan,
    Verb,
)
from mad.deploy.plan.spec_hash import spec_hash
from mad.deploy.plan.specs import (
    Address,
    ElasticIpSpec,
    InstanceSpec,
    Kind,
    LoadBalancerSpec,
    RedisSpec,
    Spec,
)
from mad.deploy.plan.warnings import news, warnings
from mad.deploy.stack.settings import Stack

DELETED_FIRST = frozenset(
    {Kind.KEY_PAIR, Kind.REDIS, Kind.CACHE_SUBNETS, Kind.LOAD_BALANCER, Kind.SECURITY_GROUP}
    | {Kind.VPC, Kind.SUBNET, Kind.GATEWAY, Kind.ROUTES, Kind.ELASTIC_IP, Kind.SECRET}
)
"""Kinds of which one name or one place is there once: the old one goes before the new one comes."""


def plan(
    stack: Stack,
    observed: Observed,
    public_key: str,
    *,
    refresh_images: bool = False,
) -> Plan:
    """What makes the observed world that of the stack. Pure. Actions that lose data are in it,
    marked: `refused` tells which must be allowed."""
    wanted = desired(stack, observed, public_key)
    steps: list[_Step] = []
    by_address: dict[Address, list[Found]] = defaultdict(list)
    for found in observed.found:
        by_address[found.address].append(found)
    for spec in wanted:
        steps += _steps(spec, by_address.pop(spec.address, []), observed, refresh_images)
    steps += _moves(steps, wanted, observed)
    for address, rest in by_address.items():
        reason = _reason_to_go(address, wanted)
        steps += [_Step(_delete(one, reason)) for one in rest]
    actions = _ordered(steps)
    before = cost([one.spec for one in observed.found], observed.surroundings.region)
    after = cost(wanted, observed.surroundings.region)
    return Plan(
        actions=actions,
        warnings=warnings(stack, wanted, after),
        news=news(observed, wanted),
        before=before,
        after=after,
    )


def destroy_plan(observed: Observed) -> Plan:
    """Removes everything that carries the stack's tags."""
    steps = [_Step(_delete(one, "destroy")) for one in observed.found]
    region = observed.surroundings.region
    return Plan(
        actions=_ordered(steps),
        before=cost([one.spec for one in observed.found], region),
        after=cost([], region),
    )


def refused(given: Plan) -> tuple[Action, ...]:
    """Actions that lose data: only for who allows that (`--allow-data-loss`)."""
    return tuple(one for one in given.actions if one.loses_data)


@dataclass(frozen=True, slots=True)
class _Step:
    """An action, and whether it is one half of a replacement."""

    action: Action
    replaces: bool = False


def _steps(
    spec: Spec, found: Sequence[Found], observed: Observed, refresh_images: bool
) -> list[_Step]:
    """For one address: nothing, a create, an update, a replacement; what is too much goes."""
    if not found:
        gone = spec.address in observed.last
        come = (
            "removed outside mad since the last run" if gone else _reason_to_come(spec, observed),
        )
        return [_Step(Action(Verb.CREATE, spec.address, spec, reasons=come, drift=gone))]
    ranked = sorted(found, key=lambda one: _rank(one, spec), reverse=True)
    keep, extra = ranked[0], ranked[1:]
    left = [_Step(_delete(one, "replaced, or left by an interrupted run")) for one in extra]
    diff = difference(keep.spec, spec)
    image = _newer_image(keep, spec, observed) if refresh_images else None
    drift = bool(diff) and keep.spec_hash == spec_hash(spec)
    reasons = ("changed outside mad since the last run",) if drift else ()
    if diff.replaces or image:
        changes = diff.changes + ((image,) if image else ())
        why = reasons or tuple(f"{one.field} cannot be changed in place" for one in changes)
        if image and not diff.replaces:
            why = ("a newer image is wished for",)
        loses = isinstance(spec, RedisSpec)
        create = Action(Verb.CREATE, spec.address, spec, changes=changes, reasons=why, drift=drift)
        delete = replace(_delete(keep, "replaced"), changes=changes, drift=drift, loses_data=loses)
        return [*left, _Step(create, replaces=True), _Step(delete, replaces=True)]
    stopped = isinstance(keep.facts, InstanceFacts) and keep.facts.state in ("stopped", "stopping")
    if stopped:
        diff = Difference((*diff.changes, Change("state", "stopped", "running")), False)
        reasons = ("stopped outside mad",)
        drift = True
    unready = _unready(keep)
    if unready is not None:
        diff = Difference((*diff.changes, unready), False)
        reasons = reasons or ("left half made by an interrupted run",)
    if not diff:
        return left
    action = Action(
        Verb.UPDATE, spec.address, spec, keep, changes=diff.changes, reasons=reasons, drift=drift
    )
    return [*left, _Step(action)]


def _moves(steps: Sequence[_Step], wanted: Iterable[Spec], observed: Observed) -> list[_Step]:
    """What carries a machine by its slot goes over to the new one of a slot that is replaced: its
    spec says the same before and after."""
    replaced = {
        one.action.address
        for one in steps
        if one.replaces and one.action.address.kind is Kind.INSTANCE
    }
    acted = {one.action.address for one in steps if one.action.verb is not Verb.DELETE}
    moves = []
    for spec in wanted:
        slots = [one for one in spec.needs() if one in replaced]
        there = observed.at(spec.address)
        if not slots or not there or spec.address in acted:
            continue
        keep = max(there, key=lambda one: _rank(one, spec))
        changes = tuple(Change("instance", one.name, f"{one.name} (the new one)") for one in slots)
        why = ("what it serves is replaced",)
        moves.append(
            _Step(Action(Verb.UPDATE, spec.address, spec, keep, changes=changes, reasons=why))
        )
    return moves


def _unready(found: Found) -> Change | None:
    """What is there, but serves nobody yet: to be waited for."""
    facts = found.facts
    if isinstance(facts, EndpointFacts) and facts.state not in ("available", "deleting"):
        return Change("state", facts.state, "available")
    if isinstance(facts, InstanceFacts) and facts.state == "pending":
        return Change("state", facts.state, "running")
    return None


def _rank(found: Found, spec: Spec) -> tuple[bool, int, str, str]:
    """The best last: what can stay, with least to change, the newest."""
    diff = difference(found.spec, spec)
    facts = found.facts
    launched = (facts.launched or "") if isinstance(facts, InstanceFacts) else ""
    return not diff.replaces, -len(diff.changes), launched, found.id


def _newer_image(found: Found, spec: Spec, observed: Observed) -> Change | None:
    if not isinstance(spec, InstanceSpec) or not isinstance(found.facts, InstanceFacts):
        return None
    arch = observed.surroundings.architectures.get(spec.type)
    newest = observed.surroundings.newest_images.get(f"{spec.image}/{arch}")
    if newest is None or found.facts.ami in (None, newest):
        return None
    return Change("ami", str(found.facts.ami), newest)


def _delete(found: Found, reason: str) -> Action:
    return Action(
        Verb.DELETE,
        found.address,
        found.spec,
        found,
        reasons=(reason,),
        loses_data=isinstance(found.spec, RedisSpec) and reason != "destroy",
    )


def _reason_to_come(spec: Spec, observed: Observed) -> str:
    if isinstance(spec, InstanceSpec):
        there = sum(
            isinstance(one.spec, InstanceSpec) and one.spec.role is spec.role
            for one in observed.found
        )
        if there:
            return f"the stack has more of {spec.role} than the {there} there are"
    return "not there yet"


def _reason_to_go(address: Address, wanted: Iterable[Spec]) -> str:
    if address.kind is Kind.INSTANCE:
        role = address.name.rpartition("-")[0]
        count = sum(isinstance(one, InstanceSpec) and one.role == role for one in wanted)
        return f"the stack has {count} of {role}"
    return "not in the stack any more"


# The order.


def _ordered(steps: Sequence[_Step]) -> tuple[Action, ...]:
    """The actions with what each comes after, in an order in which one could do them."""
    edges = _edges(steps)
    waiting = {one.action.key: one.action for one in steps}
    ordered: list[Action] = []
    done: set[str] = set()
    while waiting:
        ready = [one for key, one in waiting.items() if edges[key] <= done]
        if not ready:
            raise ValueError(f"the actions wait for each other: {', '.join(sorted(waiting))}")
        for one in sorted(ready, key=_reading_order):
            ordered.append(replace(one, after=frozenset(edges[one.key])))
            del waiting[one.key]
        done.update(one.key for one in ready)
    return tuple(ordered)


def _reading_order(action: Action) -> tuple[int, int, str]:
    kinds = list(Kind)
    at = kinds.index(action.address.kind)
    deletes = action.verb is Verb.DELETE
    return deletes, -at if deletes else at, action.key


def _edges(steps: Sequence[_Step]) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = {one.action.key: set() for one in steps}
    makes: dict[Address, str] = {}
    changes: dict[Address, str] = {}
    deletes: dict[Address, list[Action]] = defaultdict(list)
    for one in steps:
        action = one.action
        if action.verb is Verb.DELETE:
            deletes[action.address].append(action)
        elif action.verb is Verb.CREATE:
            makes[action.address] = action.key
        else:
            changes[action.address] = action.key
    acts = makes | changes

    for one in steps:
        action = one.action
        if action.verb is Verb.DELETE:
            # What uses it goes first, or lets it go.
            for other in steps:
                if other is one:
                    continue
                if _lets_go_of(other.action, action, one.replaces):
                    edges[action.key].add(other.action.key)
            continue
        for need in action.spec.needs():
            if need in acts:
                edges[action.key].add(acts[need])
        if one.replaces and action.address.kind in DELETED_FIRST:
            edges[action.key].update(old.key for old in deletes[action.address])
    for one in steps:
        if one.replaces and one.action.verb is Verb.DELETE:
            new = makes.get(one.action.address)
            if new is None:
                continue
            if one.action.address.kind in DELETED_FIRST:
                edges[one.action.key] -= {new} | _after(edges, new)
            else:
                edges[one.action.key].add(new)
    return edges


def _after(edges: Mapping[str, set[str]], key: str) -> set[str]:
    """All that comes after an action, near or far."""
    found: set[str] = set()
    todo = [key]
    while todo:
        at = todo.pop()
        new = {one for one, before in edges.items() if at in before} - found
        found |= new
        todo += new
    return found


def _lets_go_of(other: Action, going: Action, replaced: bool) -> bool:
    """Whether `other` must be done before `going` is deleted: it deletes what needs it, or changes
    what needed it."""
    address = going.address
    if other.verb is Verb.DELETE:
        return address in _needed(other) and other.address != address
    if other.verb is Verb.UPDATE and other.found is not None:
        needed = address in other.found.spec.needs()
        return needed and (replaced or address not in other.spec.needs())
    if other.verb is Verb.CREATE and replaced and address.kind not in DELETED_FIRST:
        return address in other.spec.needs()
    return False


def _needed(action: Action) -> Sequence[Address]:
    """What a resource that is deleted holds on to."""
    spec = action.spec
    needs = list(spec.needs())
    # Machines, balancers and caches have addresses in subnets, and those hold the gateway.
    if isinstance(spec, InstanceSpec | LoadBalancerSpec | ElasticIpSpec):
        needs += [Address(Kind.GATEWAY, "main"), Address(Kind.VPC, "main")]
    if spec.kind is Kind.SECURITY_GROUP:
        needs.append(Address(Kind.VPC, "main"))
    return needs
