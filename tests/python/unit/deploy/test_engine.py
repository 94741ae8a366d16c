"""The engine: order, parallelism, failure, interruption at any point; against kinds that are made
of events, so nothing waits for a clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import plan_kit as plans
import pytest

from mad.deploy import engine
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.events import Event, Failed, Finished, Progress, Skipped, Started
from mad.deploy.plan.model import Action, Found, Plan
from mad.deploy.plan.specs import Kind, Spec
from mad.deploy.stack.settings import Stack

Body = Callable[[Context, str], None]
LIMIT_S = 10.0


def nothing(_context: Context, _key: str) -> None:
    pass


@dataclass
class World:
    """One fake kind for all addresses. `body` is what each verb does."""

    body: Body = nothing
    begun: list[str] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)
    running: int = 0
    most: int = 0

    def _do(self, context: Context, key: str) -> None:
        with self.guard:
            self.begun.append(key)
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            self.body(context, key)
        finally:
            with self.guard:
                self.running -= 1

    def observe(self, _aws: Aws, _stack: Stack) -> tuple[Found, ...]:
        return ()

    def create(self, context: Context, spec: Spec) -> str:
        self._do(context, f"create {spec.address}")
        return f"id-of-{spec.name}"

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        self._do(context, f"update {spec.address} {found.id}")

    def delete(self, context: Context, found: Found) -> None:
        self._do(context, f"delete {found.address} {found.id}")


def context_of(*found: Found) -> Context:
    return Context(cast(Aws, None), plans.stack(), "lease", plans.observed(*found))


def run(
    plan: Plan,
    world: World,
    *,
    context: Context | None = None,
    listener: Callable[[Event], None] | None = None,
    parallel: int = 16,
    holds: Callable[[], None] = lambda: None,
) -> tuple[engine.Outcome, list[Event]]:
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        if listener:
            listener(event)

    outcome = engine.apply(
        plan,
        context or context_of(),
        listen,
        parallel=parallel,
        resources=dict.fromkeys(Kind, world),
        holds=holds,
    )
    return outcome, events


def keys(given: tuple[Finished, ...] | tuple[Failed, ...] | tuple[Skipped, ...]) -> set[str]:
    return {one.action.key for one in given}


def test_each_action_starts_after_those_it_names_have_ended() -> None:
    plan = plans.first_up()
    outcome, events = run(plan, World())
    assert outcome.ok
    assert keys(outcome.done) == {action.key for action in plan.actions}
    ended: set[str] = set()
    for event in events:
        if isinstance(event, Started):
            assert event.action.after <= ended
        elif isinstance(event, Finished):
            ended.add(event.action.key)


def test_what_does_not_wait_for_another_runs_at_the_same_time() -> None:
    together = threading.Barrier(4)
    plan = Plan(tuple(plans.create(plans.machine(f"api-{n}")) for n in range(4)))
    outcome, _ = run(plan, World(lambda _context, _key: void(together.wait(LIMIT_S))))
    assert outcome.ok


def void(_value: object) -> None:
    pass


@pytest.mark.parametrize("parallel", [1, 2, 5])
def test_no_more_run_at_once_than_may(parallel: int) -> None:
    world = World()
    outcome, _ = run(plans.first_up(6), world, parallel=parallel)
    assert outcome.ok
    assert world.most <= parallel


def test_one_at_a_time_keeps_the_order_of_the_plan() -> None:
    world = World()
    plan = plans.first_up()
    run(plan, world, parallel=1)
    assert world.begun == [action.key for action in plan.actions]


def test_one_thread_at_a_time_calls_the_listener() -> None:
    inside = threading.Lock()

    def listener(_event: Event) -> None:
        assert inside.acquire(blocking=False)
        inside.release()

    def chatter(context: Context, _key: str) -> None:
        for number in range(20):
            context.progress(f"{number}")

    outcome, events = run(plans.first_up(8), World(chatter), listener=listener)
    assert outcome.ok
    assert sum(isinstance(event, Progress) for event in events) == 20 * len(outcome.done)


def test_progress_belongs_to_the_action_that_makes_it() -> None:
    def say(context: Context, key: str) -> None:
        context.progress(key)

    _, events = run(plans.first_up(), World(say))
    said = [event for event in events if isinstance(event, Progress)]
    assert said
    assert all(event.text == event.action.key for event in said)


def test_a_failure_stops_what_depends_on_it_and_nothing_else() -> None:
    def body(_context: Context, key: str) -> None:
        if key == "create instance.api_lb-0":
            raise AwsError("ec2", "RunInstances", "VcpuLimitExceeded", "you asked for 2 of 0")

    outcome, events = run(plans.first_up(), World(body))
    assert not outcome.ok
    assert not outcome.interrupted
    assert keys(outcome.failed) == {"create instance.api_lb-0"}
    assert keys(outcome.skipped) == {"create elastic_ip.api_lb-0"}
    assert outcome.skipped[0].why == "create instance.api_lb-0 failed"
    assert len(outcome.done) == len(plans.first_up().actions) - 2
    failed = next(event for event in events if isinstance(event, Failed))
    assert "vCPUs" in failed.message
    assert "L-1216C47A" in failed.remedy


def test_the_reason_goes_down_a_whole_chain() -> None:
    first = plans.create(plans.KEY)
    second = plans.create(plans.machine("api_lb-0"), first)
    third = plans.create(plans.ADDRESS, second)

    def body(_context: Context, _key: str) -> None:
        raise AwsError("ec2", "ImportKeyPair", "InvalidKey.Format", "no")

    outcome, _ = run(Plan((first, second, third)), World(body))
    assert {one.why for one in outcome.skipped} == {"create key_pair.main failed"}


def test_an_error_of_our_own_is_told_and_does_not_end_the_others() -> None:
    def body(_context: Context, key: str) -> None:
        if key == "create redis.main":
            raise RuntimeError("a bug")

    outcome, _ = run(plans.first_up(), World(body))
    assert [one.message for one in outcome.failed] == ["unexpected RuntimeError: a bug"]
    assert len(outcome.done) == len(plans.first_up().actions) - 1


def test_ids_are_those_of_what_exists_and_of_what_was_made() -> None:
    old = plans.found(plans.KEY, "key-1")
    context = context_of(old)
    slot = plans.create(plans.machine("api-0"))
    run(Plan((slot,)), World(), context=context)
    assert context.ids == {old.address: "key-1", slot.address: "id-of-api-0"}


def test_of_a_slot_that_is_replaced_the_id_is_the_new_one() -> None:
    spec = plans.machine("api-0")
    context = context_of(plans.found(spec, "i-old"))
    new = plans.create(spec)
    seen: list[str | None] = []

    def body(context: Context, key: str) -> None:
        if key.startswith("delete"):
            seen.append(context.ids.get(spec.address))

    run(Plan((new, plans.delete(spec, "i-old", new))), World(body), context=context)
    assert seen == ["id-of-api-0"]
    assert context.ids == {spec.address: "id-of-api-0"}


def test_of_two_in_one_slot_the_id_is_the_one_that_stays() -> None:
    spec = plans.machine("api-0")
    kept, extra = plans.found(spec, "i-kept"), plans.found(spec, "i-extra")
    for order in ((kept, extra), (extra, kept)):
        context = context_of(*order)
        run(Plan((plans.delete(spec, "i-extra"),)), World(), context=context)
        assert context.ids == {spec.address: "i-kept"}


def test_what_was_deleted_has_no_id_any_more() -> None:
    context = context_of(plans.found(plans.KEY, "key-1"))
    run(Plan((plans.delete(plans.KEY, "key-1"),)), World(), context=context)
    assert context.ids == {}


@pytest.mark.parametrize("moment", range(12))
@pytest.mark.parametrize("parallel", [1, 3, 16])
def test_an_interruption_lets_nothing_new_start_and_waits_for_what_runs(
    moment: int, parallel: int
) -> None:
    plan = plans.first_up()
    context = context_of()
    started = 0

    def listener(event: Event) -> None:
        nonlocal started
        if isinstance(event, Started):
            assert not context.cancelled.is_set()
            if started == moment:
                context.cancelled.set()
            started += 1

    world = World()
    outcome, events = run(plan, world, context=context, listener=listener, parallel=parallel)
    whole = len(plan.actions)
    assert len(outcome.done) + len(outcome.skipped) == whole
    assert keys(outcome.done) == set(world.begun)
    assert outcome.interrupted == bool(outcome.skipped)
    assert {one.why for one in outcome.skipped} <= {engine.INTERRUPTED}
    told = [event.action.key for event in events if isinstance(event, Finished | Skipped)]
    assert sorted(told) == sorted(action.key for action in plan.actions)
    if moment < whole - parallel:
        assert outcome.interrupted


def test_a_wait_that_ends_by_the_interruption_is_no_failure() -> None:
    context = context_of()

    def body(context: Context, _key: str) -> None:
        context.cancelled.set()
        raise AwsError("mad", "wait", engine.CANCELLED, "starting")

    outcome, _ = run(Plan((plans.create(plans.KEY),)), World(body), context=context)
    assert not outcome.failed
    assert outcome.interrupted


def test_nothing_starts_once_the_lock_is_lost() -> None:
    class LostError(Exception):
        pass

    def holds() -> None:
        raise LostError

    world = World()
    with pytest.raises(LostError):
        run(plans.first_up(), world, holds=holds)
    assert world.begun == []


def test_the_lock_is_asked_for_before_something_is_changed_and_not_for_each_action() -> None:
    asked: list[int] = []
    world = World()
    run(plans.first_up(8), world, holds=lambda: asked.append(len(world.begun)))
    assert asked == [0]


def test_a_plan_without_actions_asks_nobody() -> None:
    outcome, events = run(Plan(()), World(), holds=lambda: pytest.fail("asked"))
    assert outcome.ok
    assert events == []


def wrong_plans() -> dict[str, tuple[Action, ...]]:
    lonely = plans.create(plans.machine("api-0"), plans.create(plans.KEY))
    here = plans.create(plans.KEY)
    there = plans.create(plans.REDIS, here)
    circle = plans.create(plans.KEY, there)
    return {
        "waits for create key_pair.main, which is not in the plan": (lonely,),
        "these wait for each other: create key_pair.main, create redis.main": (circle, there),
        "two actions of the plan have one key": (here, here),
    }


@pytest.mark.parametrize("said", wrong_plans())
def test_a_plan_that_cannot_be_done_is_refused_before_anything_starts(said: str) -> None:
    world = World()
    with pytest.raises(ValueError, match=said):
        run(Plan(wrong_plans()[said]), world)
    assert world.begun == []
