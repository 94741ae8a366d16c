"""What the docs say of costs and of JSON is what the code does."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import plan_kit as plans

from mad.cli.deploy.show.json_lines import JsonLines, plan_of
from mad.deploy.events import Failed, Finished, Note, PlanMade, Progress, Skipped, Started
from mad.deploy.operations import Looked, Result
from mad.deploy.plan.cost import cost
from mad.deploy.plan.desired import desired
from mad.deploy.plan.model import Change, CostLine, Observed, Surroundings, Zone
from mad.deploy.stack.settings import Machines, Network, Redis, Stack, Web

DOCS = Path(__file__).resolve().parents[4] / "docs"


def some_stack(type: str = "t3.micro", web: int = 2, **more: Any) -> Stack:
    two = Machines(2, type)
    return Stack("shop", "us-east-1", two, Machines(1, type), two, Web(Machines(web, type)), **more)


def lines(stack: Stack) -> tuple[CostLine, ...]:
    zones = tuple(Zone(f"us-east-1{one}", f"subnet-{one}") for one in "abc")
    around = Surroundings("123456789012", "us-east-1", "vpc-1", zones)
    return cost(desired(stack, Observed((), around), "ssh-ed25519 AAAA"), "us-east-1").lines


def total(stack: Stack) -> float:
    return round(sum(one.monthly_usd for one in lines(stack)), 2)


def test_the_costs_in_the_docs_are_those_of_the_list() -> None:
    text = (DOCS / "deploy-costs.md").read_text(encoding="utf-8")
    before, _, savings = text.partition("## What makes it less")
    told = [float(one) for one in re.findall(r"\| (\d+\.\d\d) \|$", before, re.MULTILINE)]
    by_what = {one.what.split(" (")[0]: one.monthly_usd for one in lines(some_stack())}
    machines = sum(one.monthly_usd for one in lines(some_stack()) if "t3.micro" in one.what)
    assert told[-1] == total(some_stack()) == round(sum(told[:-1]), 2)
    assert told[1:5] == [
        by_what["10 public IPv4 addresses"],
        by_what["1 load balancer"],
        by_what["1 cache.t4g.micro"],
        by_what["56 GiB of gp3"],
    ]
    assert told[0] == round(machines, 2)
    saved = [float(one) for one in re.findall(r"\| (\d+\.\d\d)[: ]", savings)]
    cheaper = [
        some_stack(network=Network(private=True)),
        some_stack("t4g.micro"),
        some_stack(web=0),
        some_stack(redis=Redis(url="rediss://redis.example.org:6379")),
    ]
    for usd, stack in zip(saved, cheaper, strict=True):
        # Lines are rounded one by one.
        assert abs(told[-1] - total(stack) - usd) < 0.03


def test_each_field_of_the_json_is_in_the_docs() -> None:
    text = (DOCS / "deploy-json.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`(\w+)`", text))
    plan = plans.first_up()
    action = plans.update(plans.KEY, "key-1", changes=(Change("type", "a", "b"),))
    whole = plan_of(plan, plans.observed(), "shop", plans.REGION)
    changed = plan_of(type(plan)((action,)), None, "shop", plans.REGION)
    out = io.StringIO()
    show = JsonLines(out, "shop", plans.REGION)
    for event in (
        PlanMade(plan, plans.observed()),
        Note("hello"),
        Started(action),
        Progress(action, "waiting"),
        Finished(action, 1.0, "key-1"),
        Failed(action, 1.0, "no", "do"),
        Skipped(action, "what it needs failed"),
    ):
        show(event)
    show.result(Result(Looked(plan, plans.observed(), plans.stack())))
    said = [json.loads(line) for line in out.getvalue().splitlines()]
    used = {one["event"] for one in said}.union(*(one.keys() for one in said))
    for one in (*whole["actions"], *changed["actions"]):
        used |= one.keys()
    used |= changed["actions"][0]["changes"][0].keys()
    used |= whole["cost"].keys() | whole["cost"]["after"].keys()
    used |= whole["cost"]["after"]["lines"][0].keys()
    assert used - words == set()
