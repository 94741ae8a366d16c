"""VPC, subnets and security groups in HCL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mad.deploy.cloud import names
from mad.deploy.export.hcl import Block, Value
from mad.deploy.export.world import World, identifier, ignoring, taken_over
from mad.deploy.plan.model import GroupFacts
from mad.deploy.plan.specs import (
    GatewaySpec,
    Kind,
    RoutesSpec,
    Rule,
    SecurityGroupSpec,
    SubnetSpec,
    VpcSpec,
)


def vpc(world: World, spec: VpcSpec) -> Iterator[Block]:
    yield world.resource(
        spec,
        {
            "cidr_block": spec.cidr,
            "enable_dns_support": True,
            "enable_dns_hostnames": spec.dns_hostnames,
        },
    )
    yield from world.imported(spec)


def gateway(world: World, spec: GatewaySpec) -> Iterator[Block]:
    yield world.resource(spec, {"vpc_id": world.vpc()})
    yield from world.imported(spec)


def subnet(world: World, spec: SubnetSpec) -> Iterator[Block]:
    yield world.resource(
        spec,
        {
            "vpc_id": world.vpc(),
            "availability_zone": spec.zone,
            "cidr_block": spec.cidr,
            "map_public_ip_on_launch": spec.public_addresses,
        },
    )
    yield from world.imported(spec)


def routes(world: World, spec: RoutesSpec) -> Iterator[Block]:
    way_out = Block(
        "route",
        (),
        {"cidr_block": "0.0.0.0/0", "gateway_id": world.ref(Kind.GATEWAY, "main")},
    )
    yield world.resource(spec, {"vpc_id": world.vpc()}, way_out)
    yield from world.imported(spec)
    seen = world.live(spec)
    for letter in sorted(spec.subnets):
        yield Block(
            "resource",
            ("aws_route_table_association", letter),
            {
                "subnet_id": world.ref(Kind.SUBNET, letter),
                "route_table_id": world.ref(Kind.ROUTES, spec.name),
            },
        )
        subnets = [one for one in world.specs if one.kind == Kind.SUBNET and one.name == letter]
        there = world.live(subnets[0]) if subnets else None
        taken = isinstance(seen.spec, RoutesSpec) and letter in seen.spec.subnets if seen else False
        if seen and there and taken:
            yield taken_over(f"aws_route_table_association.{letter}", f"{there.id}/{seen.id}")


def group(world: World, spec: SecurityGroupSpec) -> Iterator[Block]:
    seen = world.live(spec)
    wish: dict[str, Value] = {
        "name": names.group_name(world.stack.name, spec.name),
        "vpc_id": world.vpc(),
    }
    if spec.description:
        wish["description"] = spec.description
    # Another description would be another group.
    yield world.resource(spec, wish, *([ignoring("description")] if seen else []))
    yield from world.imported(spec)
    facts = seen.facts if seen and isinstance(seen.facts, GroupFacts) else GroupFacts()
    for way, rules, ids in (
        ("ingress", spec.ingress, facts.ingress),
        ("egress", spec.egress, facts.egress),
    ):
        for rule in sorted(rules):
            yield from _rule(world, spec, way, rule, ids, is_live=seen is not None)


def _rule(
    world: World,
    spec: SecurityGroupSpec,
    way: str,
    rule: Rule,
    ids: Mapping[Rule, str],
    *,
    is_live: bool,
) -> Iterator[Block]:
    wish: dict[str, Value] = {
        "security_group_id": world.ref(Kind.SECURITY_GROUP, spec.name),
        "ip_protocol": rule.protocol,
    }
    # All protocols have no ports.
    if rule.protocol != "-1":
        wish |= {"from_port": rule.first_port, "to_port": rule.last_port}
    wish |= _source(world, rule)
    type = f"aws_vpc_security_group_{way}_rule"
    name = _rule_name(spec.name, rule)
    id = ids.get(rule)
    comment = "Its id was not seen: import it by hand (sgr-…)." if is_live and id is None else ""
    yield Block("resource", (type, name), wish, comment=comment)
    if id:
        yield taken_over(f"{type}.{name}", id)


def _source(world: World, rule: Rule) -> dict[str, Value]:
    if rule.group is not None:
        return {"referenced_security_group_id": world.ref(Kind.SECURITY_GROUP, rule.group)}
    return {"cidr_ipv6" if ":" in rule.source else "cidr_ipv4": rule.source}


def _rule_name(group: str, rule: Rule) -> str:
    ports = f"{rule.first_port}"
    if rule.last_port != rule.first_port:
        ports += f"_{rule.last_port}"
    what = "all" if rule.protocol == "-1" else ports
    what += "" if rule.protocol in ("tcp", "-1") else f"_{rule.protocol}"
    whom = {"0.0.0.0/0": "world", "::/0": "world_ipv6"}.get(rule.source, rule.source)
    return identifier(f"{group}_{what}_{whom}")
