"""What a stack costs a month, by list prices that are shipped (`prices.json`)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from mad.deploy.plan.model import Cost, CostLine
from mad.deploy.plan.specs import (
    ElasticIpSpec,
    InstanceSpec,
    LoadBalancerSpec,
    RedisSpec,
    Spec,
)

HOURS = 730
"""Of a month, as AWS counts."""


@cache
def _prices() -> dict[str, Any]:
    text = (files("mad.deploy.plan") / "prices.json").read_text(encoding="utf-8")
    prices = json.loads(text)
    assert isinstance(prices, dict)
    return prices


def cost(specs: Sequence[Spec], region: str) -> Cost:
    """One line for each sort of thing; traffic, snapshots and CPU credits are not in it."""
    prices = _prices()
    factor = float(prices["regions"].get(region, 1.0))
    lines: list[CostLine] = []
    unknown: list[str] = []

    def add(what: str, hourly: float | None, name: str, scale: float = factor) -> None:
        if hourly is None:
            unknown.append(name)
        else:
            lines.append(CostLine(what, round(hourly * HOURS * scale, 2)))

    machines = [one for one in specs if isinstance(one, InstanceSpec)]
    for (role, type), count in Counter((one.role, one.type) for one in machines).items():
        hourly = prices["instances"].get(type)
        add(f"{count} {type} ({role})", count * hourly if hourly is not None else None, type)
    disk = sum(one.disk_gib for one in machines)
    if disk:
        lines.append(
            CostLine(f"{disk} GiB of gp3", round(disk * prices["gp3_gib_month"] * factor, 2))
        )
    for one in specs:
        if isinstance(one, RedisSpec):
            hourly = prices["caches"].get(one.type)
            share = prices["valkey"] if one.engine == "valkey" else 1.0
            what = f"{one.nodes} {one.type} ({one.engine})"
            add(what, one.nodes * hourly * share if hourly is not None else None, one.type)
        elif isinstance(one, LoadBalancerSpec):
            add(f"1 load balancer ({one.type})", prices["balancers"][one.type], one.type)
    addresses = _public_addresses(specs)
    if addresses:
        add(f"{addresses} public IPv4 addresses", addresses * prices["ipv4"], "ipv4", 1.0)
    return Cost(tuple(lines), str(prices["as_of"]), tuple(dict.fromkeys(unknown)))


def _public_addresses(specs: Sequence[Spec]) -> int:
    """Of machines, of Elastic IPs without one, and one for each zone of a load balancer."""
    machines = sum(isinstance(one, InstanceSpec) and one.public_address for one in specs)
    loose = sum(isinstance(one, ElasticIpSpec) and one.instance is None for one in specs)
    zones = sum(len(one.zones) for one in specs if isinstance(one, LoadBalancerSpec))
    return machines + loose + zones
