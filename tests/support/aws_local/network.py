"""Groups that are in use, addresses that are few."""

from __future__ import annotations

from typing import Any

from moto.ec2 import exceptions
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.elb.models import ELBBackend, elb_backends
from moto.elbv2.models import ELBv2Backend, elbv2_backends

from aws_local.world import once, replace, world


def _holder(backend: Any, group: str) -> str | None:
    """What keeps a security group from being deleted."""
    for reservation in backend.reservations.values():
        for instance in reservation.instances:
            if instance._state.name != "terminated" and group in {
                one.id for one in instance.dynamic_group_list
            }:
                return str(instance.id)
    for others in backend.groups.values():
        for other in others.values():
            if other.id == group:
                continue
            for rule in (*other.ingress_rules, *other.egress_rules):
                if rule.source_group.get("GroupId") == group:
                    return f"a rule of {other.id}"
    account, region = backend.account_id, backend.region_name
    for balancer in elb_backends[account][region].load_balancers.values():
        if group in balancer.security_groups:
            return f"load balancer {balancer.name}"
    for modern in elbv2_backends[account][region].load_balancers.values():
        if group in modern.security_groups:
            return f"load balancer {modern.name}"
    for (owner, place, name), cache in world.caches.items():
        if (owner, place) == (account, region) and group in cache["groups"]:
            return f"replication group {name}"
    if once(world.lingering, group):
        return "the interface of a load balancer that is being removed"
    return None


def apply() -> None:
    @replace(SecurityGroupBackend, "_delete_security_group")
    def delete_group(old: Any, self: Any, vpc: str, group: str) -> Any:
        holder = _holder(self, group)
        if holder is not None:
            raise exceptions.DependencyViolationError(
                f"resource {group} has a dependent object ({holder})"
            )
        return old(self, vpc, group)

    @replace(ElasticAddressBackend, "allocate_address")
    def allocate(old: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(self.addresses) >= world.addresses:
            raise exceptions.EC2ClientError(
                "AddressLimitExceeded", "The maximum number of addresses has been reached."
            )
        return old(self, *args, **kwargs)

    @replace(ElasticAddressBackend, "release_address")
    def release(
        old: Any, self: Any, address: str | None = None, allocation_id: str | None = None
    ) -> Any:
        for one in self.addresses:
            if one.association_id and (
                one.allocation_id == allocation_id or (address and one.public_ip == address)
            ):
                raise exceptions.EC2ClientError(
                    "InvalidIPAddress.InUse", f"Address {one.public_ip} is in use."
                )
        return old(self, address, allocation_id)

    @replace(ElasticAddressBackend, "associate_address")
    def associate(old: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        instance = kwargs.get("instance")
        if instance is not None and instance._state.name not in ("running", "stopped"):
            raise exceptions.EC2ClientError(
                "InvalidInstanceID", f"The instance '{instance.id}' is not in the state 'running'."
            )
        return old(self, *args, **kwargs)

    @replace(ELBBackend, "delete_load_balancer")
    def delete_classic(old: Any, self: Any, name: str) -> Any:
        gone = self.load_balancers.get(name)
        for group in gone.security_groups if gone else ():
            world.lingering[group] = world.steps
        return old(self, name)

    @replace(ELBv2Backend, "delete_load_balancer")
    def delete_modern(old: Any, self: Any, arn: str) -> Any:
        gone = self.load_balancers.get(arn)
        for group in gone.security_groups if gone else ():
            world.lingering[group] = world.steps
        return old(self, arn)
