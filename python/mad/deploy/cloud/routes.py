"""The route table of our own VPC: everything else goes through the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.own_network import id_of, left, let_go, mine, retag, tagging
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import Found
from mad.deploy.plan.specs import Kind, RoutesSpec, Spec
from mad.deploy.stack.settings import Stack

WORLD = "0.0.0.0/0"


class Routes:
    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        """`spec.subnets` are ids; `with_names` makes them names."""
        return tuple(
            Found(
                spec=RoutesSpec(
                    name=tags.read(one.get("Tags")).get(tags.SLOT, "main"),
                    subnets=frozenset(_subnets(one)),
                    world=_has_world(one),
                ),
                id=str(one["RouteTableId"]),
                spec_hash=tags.read(one.get("Tags")).get(tags.SPEC),
            )
            for one in aws.pages(
                "ec2", "describe_route_tables", "RouteTables", Filters=mine(stack.name)
            )
        )

    def create(self, context: Context, spec: Spec) -> str:
        assert isinstance(spec, RoutesSpec)
        aws = context.aws
        found = left(aws, context.stack.name, spec, "describe_route_tables", "RouteTables")
        if found is None:
            found = aws.call(
                "ec2",
                "create_route_table",
                VpcId=id_of(context, Kind.VPC),
                TagSpecifications=tagging(context, "route-table", spec),
            )["RouteTable"]
            aws.made(found["RouteTableId"])
        self._lead(context, found, spec)
        return str(found["RouteTableId"])

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        assert isinstance(spec, RoutesSpec)
        for one in self._seen(context, found.id):
            self._lead(context, one, spec)
        retag(context, found, spec)

    def delete(self, context: Context, found: Found) -> None:
        for one in self._seen(context, found.id):
            for association in _associations(one).values():
                let_go(
                    context,
                    "waiting for the subnets",
                    lambda association=association: context.aws.call(  # type: ignore[misc]
                        "ec2", "disassociate_route_table", AssociationId=association
                    ),
                )
        let_go(
            context,
            "waiting for the routes to be free",
            lambda: context.aws.call("ec2", "delete_route_table", RouteTableId=found.id),
        )

    def _seen(self, context: Context, id: str) -> list[Any]:
        return context.aws.pages(
            "ec2",
            "describe_route_tables",
            "RouteTables",
            Filters=[{"Name": "route-table-id", "Values": [id]}],
        )

    def _lead(self, context: Context, given: Mapping[str, Any], spec: RoutesSpec) -> None:
        aws = context.aws
        table = str(given["RouteTableId"])
        if not _has_world(given):
            try:
                aws.call(
                    "ec2",
                    "create_route",
                    RouteTableId=table,
                    DestinationCidrBlock=WORLD,
                    GatewayId=id_of(context, Kind.GATEWAY),
                )
            except AwsError as error:
                if error.code != "RouteAlreadyExists":
                    raise
        there = _associations(given)
        wanted = {id_of(context, Kind.SUBNET, name) for name in spec.subnets}
        for subnet in sorted(wanted - there.keys()):
            try:
                aws.call("ec2", "associate_route_table", RouteTableId=table, SubnetId=subnet)
            except AwsError as error:
                if error.code != "Resource.AlreadyAssociated":
                    raise
        for subnet in sorted(there.keys() - wanted):
            try:
                aws.call("ec2", "disassociate_route_table", AssociationId=there[subnet])
            except AwsError as error:
                if error.code != "InvalidAssociationID.NotFound":
                    raise


def with_names(routes: tuple[Found, ...], subnets: tuple[Found, ...]) -> tuple[Found, ...]:
    """The same with `spec.subnets` as names; a subnet that is none of ours keeps its id."""
    names = {one.id: one.spec.name for one in subnets}
    return tuple(
        replace(
            one,
            spec=replace(one.spec, subnets=frozenset(names.get(id, id) for id in one.spec.subnets)),
        )
        if isinstance(one.spec, RoutesSpec)
        else one
        for one in routes
    )


def _associations(given: Mapping[str, Any]) -> dict[str, str]:
    """Association by subnet."""
    return {
        str(one["SubnetId"]): str(one["RouteTableAssociationId"])
        for one in given.get("Associations") or ()
        if one.get("SubnetId")
    }


def _subnets(given: Mapping[str, Any]) -> list[str]:
    return list(_associations(given))


def _has_world(given: Mapping[str, Any]) -> bool:
    return any(
        one.get("DestinationCidrBlock") == WORLD
        and str(one.get("GatewayId", "")).startswith("igw-")
        and one.get("State", "active") == "active"
        for one in given.get("Routes") or ()
    )
