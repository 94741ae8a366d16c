"""A VPC of our own, for `vpc = "own"`."""

from __future__ import annotations

from mad.deploy.cloud import tags
from mad.deploy.cloud.own_network import left, let_go, mine, retag, tagging
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws
from mad.deploy.plan.model import Found
from mad.deploy.plan.specs import Spec, VpcSpec
from mad.deploy.stack.settings import Stack


class Vpcs:
    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        return tuple(
            Found(
                spec=VpcSpec(
                    name=tags.read(one.get("Tags")).get(tags.SLOT, "main"),
                    cidr=str(one["CidrBlock"]),
                    dns_hostnames=_has_names(aws, str(one["VpcId"])),
                ),
                id=str(one["VpcId"]),
                spec_hash=tags.read(one.get("Tags")).get(tags.SPEC),
            )
            for one in aws.pages("ec2", "describe_vpcs", "Vpcs", Filters=mine(stack.name))
        )

    def create(self, context: Context, spec: Spec) -> str:
        assert isinstance(spec, VpcSpec)
        aws = context.aws
        found = left(aws, context.stack.name, spec, "describe_vpcs", "Vpcs")
        if found is None:
            found = aws.call(
                "ec2",
                "create_vpc",
                CidrBlock=spec.cidr,
                TagSpecifications=tagging(context, "vpc", spec),
            )["Vpc"]
            aws.made(found["VpcId"])
        self._names(context, str(found["VpcId"]), spec)
        return str(found["VpcId"])

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        assert isinstance(spec, VpcSpec)
        self._names(context, found.id, spec)
        retag(context, found, spec)

    def delete(self, context: Context, found: Found) -> None:
        let_go(
            context,
            "waiting until nothing is in the VPC",
            lambda: context.aws.call("ec2", "delete_vpc", VpcId=found.id),
        )

    def _names(self, context: Context, id: str, spec: VpcSpec) -> None:
        context.aws.call(
            "ec2",
            "modify_vpc_attribute",
            VpcId=id,
            EnableDnsHostnames={"Value": spec.dns_hostnames},
        )


def _has_names(aws: Aws, id: str) -> bool:
    answer = aws.call("ec2", "describe_vpc_attribute", VpcId=id, Attribute="enableDnsHostnames")
    return bool(answer["EnableDnsHostnames"]["Value"])
