"""Rows: a stack that is there, a stack that is wished for, and the actions between them."""

from __future__ import annotations

import random
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mad.deploy.plan.desired import desired
from mad.deploy.plan.model import Action, Found, InstanceFacts, Observed, Surroundings, Verb, Zone
from mad.deploy.plan.planner import destroy_plan, plan, refused
from mad.deploy.plan.spec_hash import spec_hash
from mad.deploy.stack.load import load
from mad.deploy.stack.settings import Stack

CASES = Path(__file__).resolve().parents[2] / "cases/deploy/plans.toml"
ROWS = tomllib.loads(CASES.read_text(encoding="utf-8"))["row"]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHAzrXj5"
ZONES = tuple(Zone(f"eu-west-2{one}", f"subnet-{one}") for one in "abc")
AROUND = Surroundings("123456789012", "eu-west-2", "vpc-1", ZONES)
NOTHING = Observed((), AROUND)


def read(folder: Path, text: str) -> Stack:
    file = folder / "mad.toml"
    file.write_text(f'name = "shop"\nregion = "eu-west-2"\n{text}\n', encoding="utf-8")
    return load(file)


def there(stack: Stack) -> Observed:
    found = tuple(
        Found(
            spec,
            f"id-{number}",
            InstanceFacts("running") if spec.kind == "instance" else None,
            spec_hash(spec),
        )
        for number, spec in enumerate(desired(stack, NOTHING, KEY))
    )
    return Observed(found, AROUND)


def after(world: Observed, action: Action) -> Observed:
    """The world when one action is done."""
    rest = tuple(one for one in world.found if action.found is None or one.id != action.found.id)
    if action.verb is not Verb.DELETE:
        id = action.found.id if action.found else f"new {action.address}"
        facts = (
            InstanceFacts("running", launched="2026") if action.spec.kind == "instance" else None
        )
        rest = (*rest, Found(action.spec, id, facts, spec_hash(action.spec)))
    return replace(world, found=rest)


def said(action: Action) -> str:
    fields = " ".join(one.field for one in action.changes)
    return f"{action.verb} {action.address}" + (f": {fields}" if fields else "")


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_from_one_stack_to_another(row: dict[str, Any], tmp_path: Path) -> None:
    made = plan(read(tmp_path, row["to"]), there(read(tmp_path, row["from"])), KEY)
    assert sorted(map(said, made.actions)) == sorted(row["does"])
    order = [f"{one.verb} {one.address}" for one in made.actions]
    for first, second in row.get("order", []):
        assert order.index(first) < order.index(second)
    assert sorted(str(one.address) for one in refused(made)) == row.get("loses", [])
    assert all(one.reasons or one.changes for one in made.actions)


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
@pytest.mark.parametrize("seed", range(4))
def test_cut_off_in_any_order_that_is_allowed_it_ends_the_same(
    row: dict[str, Any], seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    wanted = read(tmp_path, row["to"])
    world = there(read(tmp_path, row["from"]))
    # The engine does many at once: what is done when it is cut off is any set whose needs are met.
    waiting = list(plan(wanted, world, KEY).actions)
    done: set[str] = set()
    for _ in range(chance.randint(0, len(waiting))):
        action = chance.choice([one for one in waiting if one.after <= done])
        waiting.remove(action)
        done.add(action.key)
        world = after(world, action)
    for action in plan(wanted, world, KEY).actions:
        world = after(world, action)
    assert plan(wanted, world, KEY).empty
    assert {one.spec for one in world.found} == set(desired(wanted, world, KEY))
    for action in destroy_plan(world).actions:
        world = after(world, action)
    assert world.found == ()


def test_the_same_plan_comes_out_whatever_order_aws_answers_in(tmp_path: Path) -> None:
    wanted = read(tmp_path, '[api]\ncount = 5\n[redis]\nengine = "redis"')
    world = there(read(tmp_path, '[api]\ntype = "t3.small"'))
    mixed = list(world.found)
    random.Random(1).shuffle(mixed)
    first = plan(wanted, world, KEY).actions
    assert plan(wanted, replace(world, found=tuple(mixed)), KEY).actions == first
