"""An address that outlives the machine which carries it, so that clients keep theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.cloud.wait import retry
from mad.deploy.plan.model import EndpointFacts, Found, InstanceFacts
from mad.deploy.plan.specs import Address, ElasticIpSpec, Kind, Spec
from mad.deploy.stack.settings import Stack

FREE_WITHIN_S = 60.0
"""How long an association may still be seen after it has ended."""


class ElasticIps:
    """Allocating cannot be repeated safely by itself, and five are all an account has: the address
    is tagged as it is made, and always looked for first."""

    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        """`spec.instance` is the id of the machine; `with_slots` makes it the slot."""
        return tuple(_found(one) for one in _addresses(aws, stack))

    def create(self, context: Context, spec: Spec) -> str:
        assert isinstance(spec, ElasticIpSpec)
        left = _addresses(context.aws, context.stack, slot=spec.name)
        if left:
            found = _found(left[0])
        else:
            answer = context.aws.call(
                "ec2",
                "allocate_address",
                Domain="vpc",
                TagSpecifications=[
                    {
                        "ResourceType": "elastic-ip",
                        "Tags": tags.pairs(context.tags_of(spec)),
                    }
                ],
            )
            context.aws.made(str(answer["AllocationId"]))
            found = _found({**answer, "Tags": tags.pairs(context.tags_of(spec))})
        self._attach(context, found.id, spec)
        return found.id

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        assert isinstance(spec, ElasticIpSpec)
        self._attach(context, found.id, spec)
        context.aws.call(
            "ec2", "create_tags", Resources=[found.id], Tags=tags.pairs(context.tags_of(spec))
        )

    def delete(self, context: Context, found: Found) -> None:
        self._detach(context, found.id)
        try:
            retry(
                lambda: context.aws.call("ec2", "release_address", AllocationId=found.id),
                ("InvalidIPAddress.InUse",),
                context=context,
                what="waiting until the address is free",
                deadline_s=FREE_WITHIN_S,
            )
            context.aws.gone(found.id)
        except AwsError as error:
            if error.code not in _GONE:
                raise

    def _attach(self, context: Context, id: str, spec: ElasticIpSpec) -> None:
        if spec.instance is None:
            self._detach(context, id)
            return
        instance = context.ids.get(Address(Kind.INSTANCE, spec.instance))
        if instance is None:
            raise AwsError(
                "ec2",
                "AssociateAddress",
                "InvalidInstanceID.NotFound",
                f"there is no machine {spec.instance} to give the address to",
            )
        context.aws.call(
            "ec2",
            "associate_address",
            AllocationId=id,
            InstanceId=instance,
            AllowReassociation=True,
        )

    def _detach(self, context: Context, id: str) -> None:
        # By a filter: an address that is gone is then no error.
        answer = context.aws.call(
            "ec2", "describe_addresses", Filters=[{"Name": "allocation-id", "Values": [id]}]
        )
        for one in answer.get("Addresses", ()):
            if one.get("AssociationId"):
                try:
                    context.aws.call(
                        "ec2", "disassociate_address", AssociationId=one["AssociationId"]
                    )
                except AwsError as error:
                    if error.code not in _GONE:
                        raise


_GONE = (
    "InvalidAllocationID.NotFound",
    "InvalidAddress.NotFound",
    "InvalidAddressID.NotFound",
    "InvalidAssociationID.NotFound",
)


def with_slots(addresses: tuple[Found, ...], instances: tuple[Found, ...]) -> tuple[Found, ...]:
    """The same with `spec.instance` as a slot. A machine that is not the newest of its slot, or
    none of ours, keeps its id there, and so is seen to be the wrong one."""
    slots = slots_by_id(instances)
    return tuple(
        replace(
            one,
            spec=replace(
                one.spec, instance=slots.get(one.spec.instance or "") or one.spec.instance
            ),
        )
        if isinstance(one.spec, ElasticIpSpec)
        else one
        for one in addresses
    )


def slots_by_id(instances: tuple[Found, ...]) -> dict[str, str]:
    """The newest machine of each slot: its name by its id."""
    newest: dict[str, Found] = {}
    for one in sorted(instances, key=_launched):
        newest[one.spec.name] = one
    return {one.id: name for name, one in newest.items()}


def _launched(one: Found) -> tuple[str, str]:
    launched = one.facts.launched if isinstance(one.facts, InstanceFacts) else None
    return launched or "", one.id


def _addresses(aws: Aws, stack: Stack, slot: str | None = None) -> list[Mapping[str, Any]]:
    """No pages: EC2 gives all of them at once."""
    filters = [{"Name": f"tag:{tags.STACK}", "Values": [stack.name]}]
    if slot is not None:
        filters.append({"Name": f"tag:{tags.SLOT}", "Values": [slot]})
    answer = aws.call("ec2", "describe_addresses", Filters=filters)
    return sorted(answer.get("Addresses", ()), key=lambda one: str(one["AllocationId"]))


def _found(given: Mapping[str, Any]) -> Found:
    given_tags = tags.read(given.get("Tags"))
    return Found(
        spec=ElasticIpSpec(
            name=given_tags.get(tags.SLOT) or str(given["AllocationId"]),
            instance=given.get("InstanceId") or None,
        ),
        id=str(given["AllocationId"]),
        facts=EndpointFacts(host=given.get("PublicIp")),
        spec_hash=given_tags.get(tags.SPEC),
    )
