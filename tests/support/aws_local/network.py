"""What is in use stays; addresses are few, and of the blocks that are for examples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from moto.ec2 import exceptions
from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.elastic_ip_addresses import ElasticIPAddresses

from aws_local import caches, interfaces, machines
from aws_local.world import replace, world

PUBLIC = "203.0.113"
ELASTIC = "198.51.100"


def _held(what: str) -> exceptions.DependencyViolationError:
    return exceptions.DependencyViolationError(
        f"The {what} has dependencies and cannot be deleted."
    )


def _look(backend: Any) -> None:
    """Time passes for all that holds groups and subnets: an interrupted run left it to end by
    itself."""
    machines.pass_time(backend)
    caches.pass_time(backend.account_id, backend.region_name)
    interfaces.look(backend)


def _holder(backend: Any, group: str) -> str | None:
    """What keeps a security group from being deleted."""
    _look(backend)
    for others in backend.groups.values():
        for other in others.values():
            if other.id == group:
                continue
            for rule in (*other.ingress_rules, *other.egress_rules):
                if rule.source_group.get("GroupId") == group:
                    return f"a rule of {other.id}"
    return interfaces.holder(backend, group)


def _addresses(network: str) -> Callable[[], str]:
    """One after the other, so that what was given back is not at once somebody else's."""
    numbers: Iterator[int] = itertools.cycle(range(1, 255))
    return lambda: f"{network}.{next(numbers)}"


def apply() -> None:
    for module, name, network in (
        (elastic_network_interfaces, "random_public_ip", PUBLIC),
        (elastic_ip_addresses, "random_ip", ELASTIC),
    ):
        setattr(module, name, _addresses(network))

    @replace(SecurityGroupBackend, "_delete_security_group")
    def delete_group(old: Any, self: Any, vpc: str, group: str) -> Any:
        holder = _holder(self, group)
        if holder is not None:
            raise exceptions.DependencyViolationError(
                f"resource {group} has a dependent object ({holder})"
            )
        return old(self, vpc, group)

    @replace(NetworkInterfaceBackend, "get_all_network_interfaces")
    def describe(old: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        _look(self)
        return old(self, *args, **kwargs)

    @replace(SubnetBackend, "delete_subnet")
    def delete_subnet(old: Any, self: Any, id: str) -> Any:
        _look(self)
        if any(one.subnet.id == id for one in self.enis.values()):
            raise _held(f"subnet '{id}'")
        return old(self, id)

    @replace(InternetGatewayBackend, "detach_internet_gateway")
    def detach(old: Any, self: Any, gateway: str, vpc: str) -> Any:
        _look(self)
        if any(one.public_ip and one.subnet.vpc_id == vpc for one in self.enis.values()):
            raise exceptions.DependencyViolationError(
                f"Network {vpc} has some mapped public address(es)."
            )
        return old(self, gateway, vpc)

    @replace(VPCBackend, "delete_vpc")
    def delete_vpc(old: Any, self: Any, vpc: str) -> Any:
        groups = [one for one in self.groups.get(vpc, {}).values() if one.name != "default"]
        gateways = [one for one in self.internet_gateways.values() if one.vpc]
        if groups or any(one.vpc.id == vpc for one in gateways):
            raise _held(f"vpc '{vpc}'")
        return old(self, vpc)

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

    @replace(ElasticIPAddresses, "associate_address")
    def allowed(old: Any, self: Any) -> Any:
        # In a VPC an address moves unless it is said that it must not.
        self._get_params().setdefault("AllowReassociation", True)
        return old(self)

    @replace(ElasticAddressBackend, "associate_address")
    def associate(
        old: Any,
        self: Any,
        instance: Any = None,
        eni: Any = None,
        address: str | None = None,
        allocation_id: str | None = None,
        reassociate: bool = False,
    ) -> Any:
        if instance is not None and instance._state.name not in ("running", "stopped"):
            raise exceptions.EC2ClientError(
                "InvalidInstanceID", f"The instance '{instance.id}' is not in the state 'running'."
            )
        before = {
            one: one.eni
            for one in self.addresses
            if one.allocation_id == allocation_id or (address and one.public_ip == address)
        }
        made = old(self, instance, eni, address, allocation_id, reassociate)
        for other in self.addresses:
            # A machine has one address: what it had before is free.
            if other is not made and other.eni is not None and other.eni is made.eni:
                other.eni = other.instance = other.association_id = None
        left = before.get(made)
        if left is not None and left is not made.eni:
            left.public_ip = None
            if left.instance is not None and left.instance._state.name == "running":
                left.check_auto_public_ip()
        return made
