"""A slot that is replaced takes its address and its place behind the load balancer with it."""

from __future__ import annotations

from dataclasses import replace

from mad.deploy.plan.desired import desired
from mad.deploy.plan.model import Found, Observed, Surroundings, Verb, Zone
from mad.deploy.plan.planner import plan
from mad.deploy.plan.spec_hash import spec_hash
from mad.deploy.plan.specs import Address, Kind
from mad.deploy.stack.settings import Machines, Stack, Web

KEY = "ssh-ed25519 AAAA"
AROUND = Surroundings("1", "eu-west-2", "vpc-1", zones=(Zone("eu-west-2a", "subnet-a"),))
STACK = Stack("x", "eu-west-2")


def made(stack: Stack) -> Observed:
    specs = desired(stack, Observed((), AROUND), KEY)
    return Observed(
        tuple(Found(spec, f"id-{n}", None, spec_hash(spec)) for n, spec in enumerate(specs)),
        AROUND,
    )


def test_an_address_and_a_balancer_move_to_the_new_machine_before_the_old_one_goes() -> None:
    observed = made(STACK)
    assert plan(STACK, observed, KEY).empty
    bigger = replace(
        STACK,
        api_lb=Machines(1, "t3.small"),
        web=Web(Machines(2, "t3.small")),
    )
    actions = {one.key: one for one in plan(bigger, observed, KEY).actions}
    for kind, name, slots in (
        (Kind.ELASTIC_IP, "api_lb-0", ["api_lb-0"]),
        (Kind.LOAD_BALANCER, "web", ["web-0", "web-1"]),
    ):
        (move,) = [one for one in actions.values() if one.address == Address(kind, name)]
        assert move.verb is Verb.UPDATE
        assert [change.before for change in move.changes] == slots
        for slot in slots:
            assert f"create instance.{slot}" in move.after
            (old,) = observed.at(Address(Kind.INSTANCE, slot))
            assert move.key in actions[f"delete instance.{slot} {old.id}"].after


def test_what_carries_no_replaced_machine_is_left_alone() -> None:
    observed = made(STACK)
    bigger = replace(STACK, api=Machines(2, "t3.small"))
    kinds = {one.address.kind for one in plan(bigger, observed, KEY).actions}
    assert kinds == {Kind.INSTANCE}
