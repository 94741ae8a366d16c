"""The way from our own VPC to the world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.own_network import id_of, left, let_go, mine, retag, tagging
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import Found
from mad.deploy.plan.specs import GatewaySpec, Kind, Spec
from mad.deploy.stack.settings import Stack


class Gateways:
    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        return tuple(
            Found(
                spec=GatewaySpec(
                    name=tags.read(one.get("Tags")).get(tags.SLOT, "main"),
                    attached=bool(_vpcs(one)),
                ),
                id=str(one["InternetGatewayId"]),
                spec_hash=tags.read(one.get("Tags")).get(tags.SPEC),
            )
            for one in aws.pages(
                "ec2", "describe_internet_gateways", "InternetGateways", Filters=mine(stack.name)
            )
        )

    def create(self, context: Context, spec: Spec) -> str:
        aws = context.aws
        found = left(
            aws, context.stack.name, spec, "describe_internet_gateways", "InternetGateways"
        )
        if found is None:
            found = aws.call(
                "ec2",
                "create_internet_gateway",
                TagSpecifications=tagging(context, "internet-gateway", spec),
            )["InternetGateway"]
            aws.made(found["InternetGatewayId"])
        self._attach(context, str(found["InternetGatewayId"]))
        return str(found["InternetGatewayId"])

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        self._attach(context, found.id)
        retag(context, found, spec)

    def delete(self, context: Context, found: Found) -> None:
        seen = context.aws.pages(
            "ec2",
            "describe_internet_gateways",
            "InternetGateways",
            Filters=[{"Name": "internet-gateway-id", "Values": [found.id]}],
        )
        for vpc in (vpc for one in seen for vpc in _vpcs(one)):
            let_go(
                context,
                "waiting until no public address is left",
                lambda vpc=vpc: context.aws.call(  # type: ignore[misc]
                    "ec2", "detach_internet_gateway", InternetGatewayId=found.id, VpcId=vpc
                ),
            )
        let_go(
            context,
            "waiting for the gateway to be free",
            lambda: context.aws.call("ec2", "delete_internet_gateway", InternetGatewayId=found.id),
        )

    def _attach(self, context: Context, id: str) -> None:
        try:
            context.aws.call(
                "ec2",
                "attach_internet_gateway",
                InternetGatewayId=id,
                VpcId=id_of(context, Kind.VPC),
            )
        except AwsError as error:
            if error.code != "Resource.AlreadyAssociated":
                raise


def _vpcs(given: Mapping[str, Any]) -> list[str]:
    return [str(one["VpcId"]) for one in given.get("Attachments") or ()]
