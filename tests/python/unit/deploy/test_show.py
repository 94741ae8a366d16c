"""What people and programs read, on recorded events."""

from __future__ import annotations

import io
import json
from typing import Any

import plan_kit as plans
import pytest
from rich.console import Console

from mad.cli.deploy.show import plan_view, words
from mad.cli.deploy.show.json_lines import JsonLines
from mad.cli.deploy.show.plain import Plain
from mad.cli.deploy.show.progress import State, Steps
from mad.cli.deploy.show.tree import Tree, View, ended
from mad.deploy.engine import Outcome
from mad.deploy.events import Failed, Finished, Note, PlanMade, Progress, Skipped, Started
from mad.deploy.operations import Looked, Result
from mad.deploy.plan.model import Action, Change, Cost, Observed, Plan, Verb
from mad.deploy.plan.specs import InstanceSpec, LoadBalancerSpec
from mad.deploy.stack.settings import Role
from mad.deploy.status import of as status_of


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def console(width: int = 80, height: int = 24, *, terminal: bool = True) -> Console:
    return Console(
        width=width,
        height=height,
        force_terminal=terminal,
        color_system=None,
        file=io.StringIO(),
        record=True,
        highlight=False,
    )


def shown(plan: Plan, observed: Observed | None = None, width: int = 80) -> list[str]:
    out = console(width)
    out.print(plan_view.render(plan, observed, "shop", plans.REGION))
    return [line.rstrip() for line in out.export_text().splitlines()]


def tree_of(plan: Plan, clock: Clock, height: int) -> Tree:
    tree = Tree(console(height=height), "shop", plans.REGION, "up", steps=Steps(clock=clock))
    tree.steps.on(PlanMade(plan, plans.observed()))
    return tree


def drawn(tree: Tree) -> list[str]:
    tree.console.print(View(tree))
    return [line.rstrip() for line in tree.console.export_text().splitlines()]


def row(lines: list[str], name: str) -> str:
    return next(line for line in lines if name in line)


# The plan.


def test_a_plan_is_grouped_by_role_and_ends_with_counts_and_cost() -> None:
    lines = shown(plans.first_up(), plans.observed())
    assert lines[0] == "Stack shop in eu-west-2, account 123456789012"
    heads = [line for line in lines if line in words.GROUPS or line == "network and keys"]
    assert heads == ["network and keys", "redis", "api", "api_lb", "client", "web"]
    assert row(lines, "instance.api-1").split() == [
        *("+", "instance.api-1", "t3.micro,", "ubuntu-24.04,", "8", "GiB,", "eu-west-2b")
    ]
    assert "  ! port 80 of api_lb is open to the world" in lines
    assert "Plan: 11 to make" in lines
    assert lines[-1].startswith("Cost: $71.20 a month (+$71.20), prices of 2026-10-16")


def test_a_change_shows_before_and_after() -> None:
    change = Change("groups", "api, other", "api")
    lines = shown(Plan((plans.update(plans.machine("api-0"), "i-1", changes=(change,)),)))
    assert row(lines, "instance.api-0").strip() == ("~ instance.api-0 groups: api, other -> api")
    assert "Plan: 1 to change" in lines


def test_a_replacement_is_one_row() -> None:
    spec = plans.machine("api-0")
    change = Change("type", "t3.micro", "t3.small")
    new = Action(Verb.CREATE, spec.address, spec, changes=(change,))
    old = plans.delete(spec, "i-1", new)
    lines = shown(Plan((new, old)))
    assert row(lines, "instance.api-0").split()[0] == "±"
    assert sum("type: t3.micro -> t3.small" in line for line in lines) == 1
    assert "Plan: 1 to replace" in lines


def test_what_goes_is_shown_with_its_id() -> None:
    lines = shown(Plan((plans.delete(plans.machine("api-3"), "i-0abc"),)))
    assert row(lines, "instance.api-3").split() == ["-", "instance.api-3", "i-0abc"]
    assert not any(line.strip() == "destroy" for line in lines)
    assert "Plan: 1 to remove" in lines


def test_lost_data_and_drift_are_said() -> None:
    spec = plans.REDIS
    gone = Action(
        Verb.DELETE, spec.address, spec, plans.found(spec, "mad-shop"), drift=True, loses_data=True
    )
    text = "\n".join(shown(Plan((gone,))))
    assert "its data is lost" in text
    assert "changed outside mad" in text


def test_fifty_machines_are_a_few_rows() -> None:
    lines = shown(plans.first_up(50), plans.observed())
    assert len(lines) < 40
    assert "instance.api-0 … api-49" in row(lines, "instance.api-0")
    assert "50 machines" in "\n".join(lines)
    assert "eu-west-2a to c" in "\n".join(lines)
    assert "Plan: 155 to make" in lines


def test_machines_that_differ_stay_rows_of_their_own() -> None:
    machines = [plans.create(plans.machine(f"api-{n}")) for n in range(4)]
    odd = plans.create(InstanceSpec("api-4", Role.API, "t3.large", "ubuntu-24.04"))
    lines = shown(Plan((*machines, odd)))
    assert sum("instance.api-" in line for line in lines) == 5


def test_an_empty_plan_says_so() -> None:
    assert "Nothing to do: all is as the stack file says." in shown(Plan(()))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    plan = plans.first_up(50)
    assert max(map(len, shown(plan, plans.observed(), width))) <= width


# The tree.


def test_the_tree_says_what_runs_what_waits_and_for_what() -> None:
    clock = Clock()
    plan = plans.first_up()
    tree = tree_of(plan, clock, 50)
    key, secret, redis, *_ = plan.actions
    tree.steps.on(Started(key))
    tree.steps.on(Started(secret))
    tree.steps.on(Finished(secret, 0.4, "/mad/shop/redis-auth"))
    tree.steps.on(Started(redis))
    tree.steps.on(Progress(redis, "creating, 43 s"))
    clock.now += 43
    lines = drawn(tree)
    assert lines[0].split() == ["up", "shop", "in", "eu-west-2", "1", "of", "11", "43", "s"]
    assert "creating, 43 s" in row(lines, "redis.main")
    assert row(lines, "redis.main").endswith("43 s")
    assert "waits for key_pair.main" in row(lines, "instance.api-0")
    assert row(lines, "secret.redis-auth").split()[0] == "✓"


@pytest.mark.parametrize("machines", [2, 16, 50])
@pytest.mark.parametrize("height", [14, 24, 50])
@pytest.mark.parametrize("ended_ones", [0, 3, 20, 40])
def test_the_tree_is_never_higher_or_wider_than_the_terminal(
    machines: int, height: int, ended_ones: int
) -> None:
    clock = Clock()
    plan = plans.first_up(machines)
    tree = tree_of(plan, clock, height)
    for number, action in enumerate(plan.actions):
        if number < ended_ones + 16:
            tree.steps.on(Started(action))
            tree.steps.on(Progress(action, "starting, pending, 5 s, " + "x" * 100))
        if number < ended_ones:
            tree.steps.on(Finished(action, 2.0, f"i-{number}"))
    lines = drawn(tree)
    assert len(lines) <= height
    assert max(map(len, lines)) <= 80


def test_a_failure_stays_above_the_tree_with_its_remedy() -> None:
    plan = plans.first_up()
    out = console()
    tree = Tree(out, "shop", plans.REGION, "up")
    tree(PlanMade(plan, plans.observed()))
    action = plan.actions[0]
    tree(Started(action))
    tree(Failed(action, 1.0, "The account's limit is reached", "free some"))
    tree.close()
    text = out.export_text()
    assert "+ key_pair.main: The account's limit is reached" in text
    assert "-> free some" in text


def test_the_end_is_one_row_for_each_group() -> None:
    clock = Clock()
    plan = plans.first_up(50)
    steps = Steps(clock=clock)
    steps.on(PlanMade(plan))
    for action in plan.actions:
        steps.on(Started(action))
        steps.on(Finished(action, 61.0, "id"))
    out = console()
    out.print(ended(steps))
    lines = out.export_text().splitlines()
    assert len(lines) == 6
    assert row(lines, "client").split() == ["✓", "client", "50", "made", "1", "min", "1", "s"]


def test_the_end_counts_what_failed_and_what_was_not_tried() -> None:
    plan = plans.first_up()
    steps = Steps(clock=Clock())
    steps.on(PlanMade(plan))
    front, address = plan.actions[-2:]
    steps.on(Started(front))
    steps.on(Failed(front, 1.0, "no", ""))
    steps.on(Skipped(address, "create instance.api_lb-0 failed"))
    assert steps.counted(State.FAILED) == 1
    out = console()
    out.print(ended(steps))
    assert "1 failed, 1 not tried" in row(out.export_text().splitlines(), "api_lb")


# Plain lines.


def plain_lines(*events: Any, clock: Clock | None = None) -> list[str]:
    out = console(120, terminal=False)
    show = Plain(out, "shop", plans.REGION, steps=Steps(clock=clock or Clock()))
    for event in events:
        if callable(event):
            event()
        else:
            show(event)
    return out.export_text().splitlines()


def test_plain_lines_have_no_colours_and_no_spaces_at_their_ends() -> None:
    plan = plans.first_up()
    lines = plain_lines(PlanMade(plan, plans.observed()))
    assert lines
    assert all("\x1b" not in line and line == line.rstrip() for line in lines)


def test_plain_lines_tell_each_step_once() -> None:
    plan = plans.first_up()
    action = plan.actions[0]
    lines = plain_lines(
        Note("took over the lock", warning=True),
        Started(action),
        Finished(action, 65.0, "key-1"),
        Failed(action, 1.0, "no room", "ask for less"),
        Skipped(action, "interrupted"),
    )
    assert [line.partition(" ")[2] for line in lines] == [
        "warning: took over the lock",
        "create key_pair.main: started",
        "create key_pair.main: done in 1 min 5 s (key-1)",
        "create key_pair.main: failed: no room; ask for less",
        "create key_pair.main: not tried: interrupted",
    ]


def test_plain_lines_say_what_is_waited_for_but_not_every_second() -> None:
    clock = Clock()
    action = plans.first_up().actions[2]
    steps: list[Any] = [Started(action)]
    for second in range(1, 61):

        def tick() -> None:
            clock.now += 1

        steps += [tick, Progress(action, f"creating, {second} s")]
    lines = plain_lines(*steps, clock=clock)
    assert [line.rpartition(": ")[2] for line in lines] == [
        "started",
        "creating, 20 s",
        "creating, 40 s",
        "creating, 60 s",
    ]


# JSON lines.


def json_lines(*events: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    show = JsonLines(out, "shop", plans.REGION)
    for event in events:
        show.result(event) if isinstance(event, Result) else show(event)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_plan_as_json_has_all_that_people_see() -> None:
    plan = plans.first_up()
    (line,) = json_lines(PlanMade(plan, plans.observed()))
    assert line["event"] == "plan"
    assert (line["stack"], line["region"], line["account"]) == (
        "shop",
        "eu-west-2",
        "123456789012",
    )
    assert [one["action"] for one in line["actions"]] == [one.key for one in plan.actions]
    assert line["actions"][2]["after"] == ["create secret.redis-auth"]
    assert line["cost"]["after"]["monthly_usd"] == 71.2
    assert line["cost"]["before"]["monthly_usd"] == 0
    assert line["warnings"] == list(plan.warnings)


def test_each_event_is_one_line_of_json() -> None:
    plan = plans.first_up()
    action = plan.actions[0]
    done = Finished(action, 1.23456, "key-1")
    found = plans.found(plans.ADDRESS, "eipalloc-1"), plans.found(plans.machine("api-0"), "i-1")
    looked = Looked(plan, plans.observed(*found), plans.stack())
    status = status_of(looked.stack, looked.observed)
    lines = json_lines(
        Note("hello"),
        Started(action),
        Progress(action, "importing"),
        done,
        Failed(action, 2.0, "no", "yes"),
        Skipped(action, "interrupted"),
        Result(looked, Outcome((done,), (), ()), status=status),
    )
    assert [line["event"] for line in lines] == [
        *("note", "started", "progress", "done", "failed", "skipped", "end")
    ]
    assert lines[3] == {
        "event": "done",
        "action": "create key_pair.main",
        "verb": "create",
        "address": "key_pair.main",
        "seconds": 1.235,
        "id": "key-1",
    }
    end = lines[-1]
    assert end["ok"] is True
    assert end["done"] == 1
    assert end["outputs"]["hosts"]["api-0"]["private_ip"] == "172.31.0.4"


def test_a_stack_without_prices_shows_no_cost() -> None:
    assert not any(line.startswith("Cost") for line in shown(Plan((), (), (), None, None)))


def test_what_has_no_price_is_named() -> None:
    after = Cost((), "2026-10-16", ("x9.huge",))
    assert "not known: x9.huge" in "\n".join(shown(Plan((), (), (), None, after)))


def test_a_load_balancer_is_told_in_words() -> None:
    spec = LoadBalancerSpec("web", zones=frozenset("abc"))
    assert words.detail(spec) == "classic, 3 zones"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min"), (125, "2 min 5 s"), (3600, "60 min")],
)
def test_times_are_told_in_words(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said
