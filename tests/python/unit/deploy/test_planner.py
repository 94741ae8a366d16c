"""Plans, done in a world that is only values: what comes out is what the stack says, from any
beginning and after any interruption."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from mad.deploy.plan.desired import desired
from mad.deploy.plan.model import (
    Action,
    Found,
    InstanceFacts,
    Observed,
    Plan,
    Surroundings,
    Verb,
    Zone,
)
from mad.deploy.plan.planner import DELETED_FIRST, destroy_plan, plan, refused
from mad.deploy.plan.spec_hash import spec_hash
from mad.deploy.plan.specs import Address, InstanceSpec, Kind, RedisSpec, Spec
from mad.deploy.stack.settings import (
    Access,
    Machines,
    Network,
    Redis,
    Role,
    Stack,
    Web,
)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHAzrXj5"
ZONES = tuple(Zone(f"eu-west-2{one}", f"subnet-{one}") for one in "abc")
AROUND = Surroundings("123456789012", "eu-west-2", "vpc-1", ZONES)
EMPTY = Observed((), AROUND)


def stack(
    api: int = 2, client: int = 2, web: int = 2, api_type: str = "t3.micro", **more: object
) -> Stack:
    base = Stack(
        "x",
        "eu-west-2",
        api=Machines(api, api_type),
        api_lb=Machines(1),
        client=Machines(client),
        web=Web(Machines(web)),
    )
    return replace(base, **more)  # type: ignore[arg-type]


class World:
    """What AWS would be after the actions."""

    def __init__(self, observed: Observed = EMPTY) -> None:
        self.observed = observed
        self._made = 0

    def do(self, action: Action) -> None:
        there = list(self.observed.found)
        if action.verb is Verb.CREATE:
            self._made += 1
            facts = None
            if isinstance(action.spec, InstanceSpec):
                facts = InstanceFacts("running", launched=f"2026-01-01T00:00:{self._made:06}")
            there.append(Found(action.spec, f"id-{self._made}", facts, spec_hash(action.spec)))
        else:
            assert action.found is not None
            at = next(i for i, one in enumerate(there) if one.id == action.found.id)
            if action.verb is Verb.DELETE:
                del there[at]
            else:
                facts = there[at].facts  # type: ignore[assignment]
                if isinstance(facts, InstanceFacts):
                    facts = replace(facts, state="running")
                # Frozen fields cannot change: the planner must not have asked for it.
                there[at] = Found(action.spec, there[at].id, facts, spec_hash(action.spec))
        self.observed = replace(self.observed, found=tuple(there))

    def plan(self, wanted: Stack) -> Plan:
        return plan(wanted, self.observed, KEY)

    def converge(self, wanted: Stack) -> Plan:
        made = self.plan(wanted)
        for action in made.actions:
            self.do(action)
        return made

    def specs(self) -> set[Spec]:
        return {one.spec for one in self.observed.found}


def some_stack(chance: random.Random) -> Stack:
    return stack(
        api=chance.randint(1, 4),
        client=chance.randint(0, 3),
        web=chance.randint(0, 3),
        api_type=chance.choice(["t3.micro", "t3.small"]),
        network=Network(
            vpc=chance.choice(["default", "own"]),
            profile=chance.choice(["tight", "open"]),
            private=chance.random() < 0.3,
            ssh_from=chance.choice([(), ("198.51.100.7/32",)]),
        ),
        redis=Redis(
            engine=chance.choice(["valkey", "redis"]),
            nodes=chance.randint(1, 2),
            tls=chance.random() < 0.8,
            url=chance.choice([None, None, None, "rediss://cache.example"]),
        ),
        access=Access(anonymous=chance.random() < 0.3),
    )


def in_order(made: Plan) -> None:
    """What an action needs was there or is made before it, and `after` agrees with the order."""
    seen: set[str] = set()
    for action in made.actions:
        assert action.after <= seen, action.key
        seen.add(action.key)
    makes = {one.address: one.key for one in made.actions if one.verb is not Verb.DELETE}
    for action in made.actions:
        if action.verb is Verb.DELETE:
            continue
        for need in action.spec.needs():
            assert need not in makes or makes[need] in action.after, (action.key, str(need))


def keys(actions: Sequence[Action]) -> list[str]:
    return [f"{one.verb} {one.address}" for one in actions]


def test_a_new_stack_is_made_whole_and_then_nothing_is_to_be_done() -> None:
    world = World()
    made = world.converge(stack())
    in_order(made)
    assert world.specs() == set(desired(stack(), EMPTY, KEY))
    assert world.plan(stack()).empty
    kinds = [one.address.kind for one in made.actions]
    assert kinds.count(Kind.INSTANCE) == 7
    assert kinds.index(Kind.REDIS) < len(kinds)
    assert made.before is not None
    assert made.before.monthly_usd == 0


@pytest.mark.parametrize("seed", range(60))
def test_from_any_stack_to_any_other_and_after_any_interruption(seed: int) -> None:
    chance = random.Random(seed)
    first, second = some_stack(chance), some_stack(chance)
    if first.network.vpc != second.network.vpc:
        second = replace(second, network=replace(second.network, vpc=first.network.vpc))
    world = World()
    in_order(world.converge(first))
    assert world.plan(first).empty
    there = world.observed
    whole = plan(second, there, KEY)
    in_order(whole)
    for done in range(len(whole.actions) + 1):
        again = World(there)
        again._made = 1000
        for action in whole.actions[:done]:
            again.do(action)
        rest = again.plan(second)
        in_order(rest)
        for action in rest.actions:
            again.do(action)
        assert again.plan(second).empty
        assert again.specs() == set(desired(second, again.observed, KEY))
    world.converge(second)
    gone = destroy_plan(world.observed)
    in_order(gone)
    for action in gone.actions:
        world.do(action)
    assert world.observed.found == ()


def test_a_slot_is_replaced_before_its_old_machine_goes() -> None:
    world = World()
    world.converge(stack())
    made = world.plan(stack(api_type="t3.small"))
    told = keys(made.actions)
    assert told.count("create instance.api-0") == 1
    assert told.index("create instance.api-0") < told.index("delete instance.api-0")
    create = next(one for one in made.actions if one.address.name == "api-0")
    assert [(one.field, one.before, one.after) for one in create.changes] == [
        ("type", "t3.micro", "t3.small")
    ]


def test_what_exists_once_goes_before_the_new_one_comes() -> None:
    world = World()
    world.converge(stack(redis=Redis(tls=True)))
    made = world.plan(stack(redis=Redis(tls=False)))
    told = keys(made.actions)
    assert told.index("delete redis.main") < told.index("create redis.main")
    assert [str(one.address) for one in refused(made)] == ["redis.main"]
    assert Kind.REDIS in DELETED_FIRST


@pytest.mark.parametrize(
    ("before", "after", "verbs", "loses"),
    [
        (Redis(engine="redis"), Redis(engine="valkey"), [Verb.UPDATE], False),
        (Redis(engine="valkey"), Redis(engine="redis"), [Verb.DELETE, Verb.CREATE], True),
        (Redis(version="8.0"), Redis(version="8.1"), [Verb.UPDATE], False),
        (Redis(version="8.1"), Redis(version="8.0"), [Verb.DELETE, Verb.CREATE], True),
        (Redis(version="8.0.3"), Redis(version="8.0"), [], False),
        (Redis(nodes=1), Redis(nodes=3), [Verb.UPDATE], False),
        (Redis(type="cache.t4g.micro"), Redis(type="cache.t4g.small"), [Verb.UPDATE], False),
    ],
)
def test_a_redis_changes_in_place_only_forwards(
    before: Redis, after: Redis, verbs: list[Verb], loses: bool
) -> None:
    world = World()
    world.converge(stack(redis=before))
    made = world.plan(stack(redis=after))
    mine = [one for one in made.actions if isinstance(one.spec, RedisSpec)]
    assert [one.verb for one in mine] == verbs
    assert any(one.loses_data for one in mine) is loses


def test_what_somebody_else_changed_is_drift_and_is_put_back() -> None:
    world = World()
    world.converge(stack())
    at, group = next(
        (i, one)
        for i, one in enumerate(world.observed.found)
        if one.address == Address(Kind.SECURITY_GROUP, "redis")
    )
    closed = replace(group.spec, ingress=frozenset())  # type: ignore[call-arg]
    changed = replace(group, spec=closed)
    found = list(world.observed.found)
    found[at] = changed
    world.observed = replace(world.observed, found=tuple(found))
    (action,) = world.plan(stack()).actions
    assert action.drift
    assert action.reasons == ("changed outside mad since the last run",)
    assert action.changes[0].after == "tcp 6379 from api"


def test_a_machine_that_was_stopped_is_started() -> None:
    world = World()
    world.converge(stack())
    found = [
        replace(one, facts=replace(one.facts, state="stopped"))
        if isinstance(one.facts, InstanceFacts) and one.spec.name == "web-1"
        else one
        for one in world.observed.found
    ]
    world.observed = replace(world.observed, found=tuple(found))
    (action,) = world.plan(stack()).actions
    assert (action.verb, str(action.address)) == (Verb.UPDATE, "instance.web-1")
    assert action.reasons == ("stopped outside mad",)


def test_scaling_in_ends_the_highest_slots_after_the_balancer_let_them_go() -> None:
    world = World()
    world.converge(stack(web=4))
    made = world.plan(stack(web=2))
    told = keys(made.actions)
    assert told.index("update load_balancer.web") < told.index("delete instance.web-2")
    assert {one for one in told if "instance" in one} == {
        "delete instance.web-2",
        "delete instance.web-3",
    }
    assert "the stack has 2 of web" in next(
        one.reasons for one in made.actions if one.address.name == "web-3"
    )


def test_slots_are_spread_and_keep_their_zones() -> None:
    world = World()
    world.converge(stack(api=4))
    zones = {
        one.spec.name: one.spec.zone
        for one in world.observed.found
        if isinstance(one.spec, InstanceSpec) and one.spec.role is Role.API
    }
    assert sorted(zones.values()) == ["eu-west-2a", "eu-west-2a", "eu-west-2b", "eu-west-2c"]
    fewer = replace(AROUND, offered={"t3.micro": frozenset({"eu-west-2c"})})
    world.observed = replace(world.observed, surroundings=fewer)
    assert world.plan(stack(api=5)).actions[0].spec == InstanceSpec(
        "api-4",
        role=Role.API,
        type="t3.micro",
        image="ubuntu-24.04",
        zone="eu-west-2c",
        groups=frozenset({"api"}),
    )


def test_two_machines_of_a_slot_become_one() -> None:
    world = World()
    world.converge(stack())
    twin = next(one for one in world.observed.found if one.spec.name == "api-1")
    facts = InstanceFacts("running", launched="2027-01-01T00:00:00")
    world.observed = replace(
        world.observed, found=(*world.observed.found, replace(twin, id="id-new", facts=facts))
    )
    (action,) = world.plan(stack()).actions
    assert action.verb is Verb.DELETE
    assert action.found is not None
    assert action.found.id == twin.id
