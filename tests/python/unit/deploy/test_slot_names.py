"""Machines by their slots: of two in one slot the newest counts."""

from __future__ import annotations

from mad.deploy.cloud.elastic_ip import slots_by_id, with_slots
from mad.deploy.plan.model import Found, InstanceFacts
from mad.deploy.plan.specs import ElasticIpSpec, InstanceSpec


def machine(slot: str, id: str, launched: str | None) -> Found:
    return Found(InstanceSpec(slot), id, InstanceFacts("running", launched=launched))


MACHINES = (
    machine("api_lb-0", "i-new", "2026-03-02T00:00:00+00:00"),
    machine("api_lb-0", "i-old", "2026-03-01T00:00:00+00:00"),
    machine("api-0", "i-api", None),
)


def test_only_the_newest_machine_of_a_slot_has_its_name() -> None:
    assert slots_by_id(MACHINES) == {"i-new": "api_lb-0", "i-api": "api-0"}


def test_an_address_on_an_older_machine_is_seen_to_be_on_the_wrong_one() -> None:
    carried = ("i-new", "i-old", "i-of-others", None)
    addresses = tuple(Found(ElasticIpSpec("api_lb-0", one), f"eipalloc-{one}") for one in carried)
    specs = [one.spec for one in with_slots(addresses, MACHINES)]
    assert [one.instance for one in specs if isinstance(one, ElasticIpSpec)] == [
        "api_lb-0",
        "i-old",
        "i-of-others",
        None,
    ]
