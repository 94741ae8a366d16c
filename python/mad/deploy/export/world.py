"""What the parts of an export share: names, what is live, and where things are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mad.deploy.export.hcl import Block, Code, Value
from mad.deploy.plan.model import Found, InstanceFacts, Observed
from mad.deploy.plan.specs import (
    Address,
    CacheSubnetsSpec,
    InstanceSpec,
    Kind,
    LoadBalancerSpec,
    Spec,
)
from mad.deploy.stack.settings import Stack

TYPES = {
    Kind.VPC: "aws_vpc",
    Kind.GATEWAY: "aws_internet_gateway",
    Kind.SUBNET: "aws_subnet",
    Kind.ROUTES: "aws_route_table",
    Kind.KEY_PAIR: "aws_key_pair",
    Kind.SECURITY_GROUP: "aws_security_group",
    Kind.CACHE_SUBNETS: "aws_elasticache_subnet_group",
    Kind.REDIS: "aws_elasticache_replication_group",
    Kind.INSTANCE: "aws_instance",
    Kind.ELASTIC_IP: "aws_eip",
}


def identifier(name: str) -> str:
    """`api-0` as `api_0`."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return plain if plain[:1].isalpha() else f"_{plain}"


@dataclass(frozen=True, slots=True)
class World:
    stack: Stack
    specs: tuple[Spec, ...]
    observed: Observed | None

    def live(self, spec: Spec) -> Found | None:
        """The newest of what is there: slots that are being replaced are there twice."""
        found = self.observed.at(spec.address) if self.observed else ()
        return max(found, key=_launched, default=None)

    def has(self, kind: Kind, name: str) -> bool:
        return any(spec.address == Address(kind, name) for spec in self.specs)

    @property
    def own_vpc(self) -> bool:
        return self.has(Kind.VPC, "main")

    def resource(self, spec: Spec, arguments: dict[str, Value], *blocks: Block) -> Block:
        """`arguments` without those that are None."""
        named = {"Name": f"{self.stack.name}-{spec.name}"}
        return Block(
            "resource",
            (TYPES[spec.kind], identifier(spec.name)),
            {**arguments, "tags": named},
            blocks,
        )

    def imported(self, spec: Spec, id: str | None = None) -> Iterator[Block]:
        """How the live one is taken over; `id` where it is not the one that was seen."""
        found = self.live(spec)
        if found:
            yield taken_over(f"{TYPES[spec.kind]}.{identifier(spec.name)}", id or found.id)

    def ref(self, kind: Kind, name: str, attribute: str = "id") -> Code:
        return Code(f"{TYPES[kind]}.{identifier(name)}.{attribute}")

    def groups(self, wanted: frozenset[str]) -> list[Value]:
        return [self.ref(Kind.SECURITY_GROUP, name) for name in sorted(wanted)]

    def vpc(self) -> Value:
        if self.own_vpc:
            return self.ref(Kind.VPC, "main")
        if self.stack.network.vpc.startswith("vpc-"):
            return self.stack.network.vpc
        return Code("data.aws_vpc.main.id")

    def subnet(self, letter: str) -> Value:
        if self.own_vpc:
            return self.ref(Kind.SUBNET, letter)
        return self._seen_subnet(letter) or Code(f"data.aws_subnet.{letter}.id")

    def _seen_subnet(self, letter: str) -> str | None:
        zones = self.observed.surroundings.zones if self.observed else ()
        return next((zone.subnet for zone in zones if zone.name.endswith(letter)), None)

    def surroundings(self) -> Iterator[Block]:
        """Data sources of a network that is not ours."""
        if self.own_vpc:
            return
        if not self.stack.network.vpc.startswith("vpc-"):
            yield Block("data", ("aws_vpc", "main"), {"default": True})
        for letter in sorted(self._letters()):
            if self._seen_subnet(letter) is None:
                where: dict[str, Value] = {
                    "vpc_id": self.vpc(),
                    "availability_zone": f"{self.stack.region}{letter}",
                }
                if self.stack.network.vpc == "default":
                    where["default_for_az"] = True
                yield Block("data", ("aws_subnet", letter), where)

    def _letters(self) -> set[str]:
        letters: set[str] = set()
        for spec in self.specs:
            if isinstance(spec, InstanceSpec):
                letters |= set(spec.zone[-1:])
            elif isinstance(spec, CacheSubnetsSpec):
                letters |= spec.subnets
            elif isinstance(spec, LoadBalancerSpec):
                letters |= spec.zones
        return letters


def _launched(found: Found) -> str:
    return found.facts.launched or "" if isinstance(found.facts, InstanceFacts) else ""


def taken_over(to: str, id: Value) -> Block:
    return Block("import", (), {"to": Code(to), "id": id})


def ignoring(*attributes: str) -> Block:
    """Left as they are."""
    return Block("lifecycle", (), {"ignore_changes": [Code(name) for name in attributes]})
