"""What whoever agrees to a plan should know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mad.deploy.plan.model import Cost, InstanceFacts, Observed, Plan, Verb
from mad.deploy.plan.specs import InstanceSpec, Kind, RedisSpec, SecurityGroupSpec, Spec
from mad.deploy.stack.settings import Stack


def warnings(stack: Stack, wanted: Sequence[Spec], after: Cost) -> tuple[str, ...]:
    """One line each, in the order of the resources."""
    return (*_ports(wanted), *_access(stack), *_redis(wanted), *_money(stack, after))


def over_budget(stack: Stack, after: Cost) -> str | None:
    """Why the plan is refused, if `[limits] monthly_usd` says so."""
    limit = stack.monthly_usd
    if limit is None or after.monthly_usd <= limit:
        return None
    return (
        f"the stack would cost ${after.monthly_usd:,.2f} a month; "
        f"[limits] monthly_usd allows ${limit:,.2f}"
    )


def other_network(plan: Plan, observed: Observed) -> str | None:
    """Why a plan that changes the VPC under a stack is refused: its groups cannot move."""
    gone = {one.found.id for one in plan.actions if one.found and one.verb is Verb.DELETE}
    stay = [one for one in observed.of(Kind.SECURITY_GROUP) if one.id not in gone]
    for one in plan.actions:
        if one.address.kind is Kind.VPC and one.verb is not Verb.UPDATE and stay:
            which = "a network of its own" if one.verb is Verb.CREATE else "another network"
            return f"the stack cannot move to {which} while it is there"
    return None


def _ports(wanted: Sequence[Spec]) -> Iterator[str]:
    for spec in wanted:
        if not isinstance(spec, SecurityGroupSpec):
            continue
        for rule in sorted(spec.ingress):
            if rule.world:
                yield f"port {rule.first_port} of {spec.name} is open to the world"


def _access(stack: Stack) -> Iterator[str]:
    if stack.access.anonymous:
        yield "[access] anonymous: whoever reaches the proxy sees the fleet and can send samples"
    elif stack.tls is None:
        yield "tokens travel without TLS: give [tls] cert and key"


def _redis(wanted: Sequence[Spec]) -> Iterator[str]:
    for spec in wanted:
        if not isinstance(spec, RedisSpec):
            continue
        if not spec.tls:
            yield "[redis] tls = false: Redis has no password, and what it says can be read"
        if spec.nodes == 1:
            yield "Redis has one node: while it is replaced nodes do not see each other's hosts"


def _money(stack: Stack, after: Cost) -> Iterator[str]:
    over = over_budget(stack, after)
    if over is not None:
        yield over
    for name in after.unknown:
        yield f"{name} has no price in the list of {after.as_of}: the estimate lacks it"


def news(observed: Observed, wanted: Sequence[Spec]) -> tuple[str, ...]:
    """Newer images, one line for each system; `up --refresh-images` takes them."""
    around = observed.surroundings
    specs = {one.address: one for one in wanted}
    told = {}
    for found in observed.found:
        spec = specs.get(found.address)
        if not isinstance(spec, InstanceSpec) or not isinstance(found.facts, InstanceFacts):
            continue
        arch = found.facts.arch or around.architectures.get(spec.type)
        newest = around.newest_images.get(f"{spec.image}/{arch}")
        if newest and found.facts.ami and found.facts.ami != newest:
            told[spec.image] = f"a newer image of {spec.image} is there: {newest}"
    return tuple(told[name] for name in sorted(told))
