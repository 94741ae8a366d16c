"""Machines: client tokens, types and keys that must be there, and states that take their time."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from moto.ec2 import exceptions
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.key_pairs import KeyPairBackend
from moto.ec2.responses.key_pairs import KeyPairs

from aws_local import balancers, interfaces
from aws_local.world import once, replace, world

_NEXT = {
    "pending": ("running", 16),
    "stopping": ("stopped", 80),
    "shutting-down": ("terminated", 48),
}
_USER_DATA = 16384


class LaunchError(exceptions.EC2ClientError):
    pass


def _set(instance: Any, name: str, code: int) -> None:
    instance._state.name, instance._state.code = name, code
    world.instances[instance.id] = world.steps


def _look(instance: Any) -> None:
    """Time passes only while somebody looks."""
    now = instance._state.name
    if now in _NEXT and not once(world.instances, instance.id):
        instance._state.name, instance._state.code = _NEXT[now]
        if instance._state.name == "terminated":
            _drop_interfaces(instance)


def pass_time(backend: Any) -> None:
    """For those that look at what machines hold instead of at the machines."""
    for reservation in backend.reservations.values():
        for instance in reservation.instances:
            _look(instance)


def _drop_interfaces(instance: Any) -> None:
    backend = instance.ec2_backend
    interfaces.drop(backend, [one for one in backend.enis.values() if one.instance is instance])
    for address in backend.addresses:
        if address.instance is instance:
            address.instance = address.eni = address.association_id = None
    balancers.forget(backend.account_id, backend.region_name, instance.id)


def _check(self: Any, image: str, data: Any, token: str, how: dict[str, Any]) -> None:
    """What EC2 refuses a launch for."""
    if len(token) > 64:
        raise LaunchError("InvalidParameterValue", "Client token cannot exceed 64 characters.")
    if how.get("key_name") and how["key_name"] not in self.key_pairs:
        raise exceptions.InvalidKeyPairNameError([how["key_name"]])
    if image not in self.amis:
        raise exceptions.InvalidAMIIdError([image])
    kind = str(how.get("instance_type"))
    if kind not in INSTANCE_TYPES:
        raise LaunchError("InvalidParameterValue", f"Invalid value '{kind}' for InstanceType.")
    has = INSTANCE_TYPES[kind]["ProcessorInfo"]["SupportedArchitectures"]
    if self.amis[image].architecture not in has:
        raise LaunchError(
            "InvalidParameterValue",
            f"The architecture '{','.join(has)}' of the specified instance type does not match "
            f"the architecture '{self.amis[image].architecture}' of the specified AMI.",
        )
    if data and len(b64decode(str(data))) > _USER_DATA:
        raise LaunchError("InvalidParameterValue", "User data is limited to 16384 bytes")
    nics = how.get("nics") or []
    if nics and (how.get("security_group_ids") or how.get("subnet_id")):
        raise LaunchError(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level subnet ID or security groups may not be "
            "specified on the same request",
        )
    for group in (*(how.get("security_group_ids") or ()), *_inside(nics, "Groups")):
        if self.get_security_group_from_id(group) is None:
            raise exceptions.InvalidSecurityGroupNotFoundError(group)
    zone = how.get("placement") or f"{self.region_name}a"
    for subnet in (how.get("subnet_id"), *(one.get("SubnetId") for one in nics)):
        if subnet:
            zone = self.get_subnet(subnet).availability_zone
    if zone in world.full:
        raise LaunchError(
            "InsufficientInstanceCapacity",
            f"We currently do not have sufficient {kind} capacity in the Availability Zone you "
            f"requested ({zone}).",
        )


def _inside(nics: list[dict[str, Any]], key: str) -> list[str]:
    return [str(value) for one in nics for value in one.get(key) or ()]


def apply() -> None:
    @replace(InstanceBackend, "run_instances")
    def run(old: Any, self: Any, image: str, count: int, data: Any, names: Any, **how: Any) -> Any:
        token = how.get("client_token")
        kept = {key: repr(value) for key, value in how.items() if key != "client_token"}
        asked = (image, count, repr(data), kept)
        if token and token != "ABCDE" and token in world.tokens:
            before, reservation = world.tokens[token]
            if before != asked:
                raise LaunchError(
                    "IdempotentParameterMismatch",
                    "The client token you have provided is associated with other parameters.",
                )
            if all(one.state in ("terminated", "shutting-down") for one in reservation.instances):
                raise LaunchError(
                    "IdempotentInstanceTerminated",
                    "The client token you have provided is associated with a terminated instance.",
                )
            return reservation
        _check(self, image, data, token or "", how)
        reservation = old(self, image, count, data, names, **how)
        for instance in reservation.instances:
            _set(instance, "pending", 0)
            tags = how.get("tags", {}).get("network-interface", {})
            for interface in instance.nics.values():
                interface.add_tags(tags)
                interface.delete_on_termination = True
            instance.security_groups = list(instance.nics[0]._group_set)
        if token and token != "ABCDE":
            world.tokens[token] = (asked, reservation)
        return reservation

    @replace(Instance, "terminate")
    def terminate(old: Any, self: Any) -> Any:
        if self._state.name in ("terminated", "shutting-down"):
            return self._state
        kept = {one.id: one for one in self.nics.values()}
        before = old(self)
        # They are there, and hold groups and subnets, until it has ended.
        self.ec2_backend.enis.update(kept)
        _set(self, "shutting-down", 32)
        return before

    @replace(Instance, "stop")
    def stop(old: Any, self: Any) -> Any:
        now = self._state.name
        if now in ("terminated", "shutting-down"):
            raise LaunchError(
                "IncorrectInstanceState", f"The instance '{self.id}' is not in a state to stop."
            )
        before = old(self)
        if now in ("stopping", "stopped"):
            self._state.name, self._state.code = before.name, before.code
        else:
            _set(self, "stopping", 64)
        return before

    @replace(Instance, "start")
    def start(old: Any, self: Any) -> Any:
        if self._state.name not in ("stopped", "running"):
            raise exceptions.EC2ClientError(
                "IncorrectInstanceState", f"The instance '{self.id}' is not in a state to start."
            )
        was_running = self._state.name == "running"
        before = old(self)
        if not was_running:
            _set(self, "pending", 0)
        return before

    @replace(InstanceBackend, "describe_instances")
    def describe(old: Any, self: Any, filters: Any = None) -> Any:
        for reservation in self.reservations.values():
            for instance in reservation.instances:
                _look(instance)
        return old(self, filters)

    @replace(InstanceBackend, "get_reservations_by_instance_ids")
    def by_id(old: Any, self: Any, ids: list[str], filters: Any = None) -> Any:
        for reservation in self.reservations.values():
            for instance in reservation.instances:
                if instance.id in ids:
                    _look(instance)
        return old(self, ids, filters)

    @replace(InstanceBackend, "modify_instance_attribute")
    def modify(old: Any, self: Any, id: str, key: str, value: Any) -> Any:
        if key == "instance_type" and self.get_instance(id)._state.name != "stopped":
            raise LaunchError(
                "IncorrectInstanceState", f"The instance '{id}' is not in the 'stopped' state."
            )
        return old(self, id, key, value)

    @replace(InstanceBackend, "modify_instance_security_groups")
    def modify_groups(old: Any, self: Any, id: str, groups: list[str]) -> Any:
        for group in groups:
            if self.get_security_group_from_id(group) is None:
                raise exceptions.InvalidSecurityGroupNotFoundError(group)
        instance = old(self, id, groups)
        instance.nics[0]._group_set = list(instance.security_groups)
        return instance

    @replace(KeyPairs, "delete_key_pair")
    def delete_key(old: Any, self: Any) -> Any:
        id = self._get_param("KeyPairId")
        if id and not self._get_param("KeyName"):
            for pair in list(self.ec2_backend.key_pairs.values()):
                if pair.id == id:
                    self.ec2_backend.key_pairs.pop(pair.key_name, None)
        return old(self)

    @replace(KeyPairBackend, "describe_key_pairs")
    def describe_keys(old: Any, self: Any, names: Any, filters: Any = None) -> Any:
        # moto gives the live objects, and a filter that finds none gives all of them otherwise.
        return list(old(self, names or [], filters))
