"""Subnets of our own VPC, one in each zone we use."""

from __future__ import annotations

from mad.deploy.cloud import tags
from mad.deploy.cloud.own_network import id_of, left, let_go, mine, retag, tagging
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws
from mad.deploy.plan.model import Found
from mad.deploy.plan.specs import Kind, Spec, SubnetSpec
from mad.deploy.stack.settings import Stack


class Subnets:
    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        return tuple(
            Found(
                spec=SubnetSpec(
                    name=tags.read(one.get("Tags")).get(tags.SLOT, ""),
                    zone=str(one["AvailabilityZone"]),
                    cidr=str(one["CidrBlock"]),
                    public_addresses=bool(one.get("MapPublicIpOnLaunch")),
                ),
                id=str(one["SubnetId"]),
                spec_hash=tags.read(one.get("Tags")).get(tags.SPEC),
            )
            for one in aws.pages("ec2", "describe_subnets", "Subnets", Filters=mine(stack.name))
        )

    def create(self, context: Context, spec: Spec) -> str:
        assert isinstance(spec, SubnetSpec)
        aws = context.aws
        found = left(aws, context.stack.name, spec, "describe_subnets", "Subnets")
        if found is None:
            found = aws.call(
                "ec2",
                "create_subnet",
                VpcId=id_of(context, Kind.VPC),
                CidrBlock=spec.cidr,
                AvailabilityZone=spec.zone,
                TagSpecifications=tagging(context, "subnet", spec),
            )["Subnet"]
            aws.made(found["SubnetId"])
        self._publish(context, str(found["SubnetId"]), spec)
        return str(found["SubnetId"])

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        assert isinstance(spec, SubnetSpec)
        self._publish(context, found.id, spec)
        retag(context, found, spec)

    def delete(self, context: Context, found: Found) -> None:
        let_go(
            context,
            "waiting until nothing is in the subnet",
            lambda: context.aws.call("ec2", "delete_subnet", SubnetId=found.id),
        )

    def _publish(self, context: Context, id: str, spec: SubnetSpec) -> None:
        context.aws.call(
            "ec2",
            "modify_subnet_attribute",
            SubnetId=id,
            MapPublicIpOnLaunch={"Value": spec.public_addresses},
        )
