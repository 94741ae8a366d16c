"""Machines: client tokens, types and keys that must be there, and states that take their time."""

from __future__ import annotations

from typing import Any

from moto.ec2 import exceptions
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.key_pairs import KeyPairBackend
from moto.ec2.responses.key_pairs import KeyPairs

from aws_local.world import once, replace, world

_NEXT = {"pending": ("running", 16), "shutting-down": ("terminated", 48)}


class ClientTokenError(exceptions.EC2ClientError):
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


def _drop_interfaces(instance: Any) -> None:
    backend = instance.ec2_backend
    for id, interface in list(backend.enis.items()):
        if interface.instance is instance:
            backend.enis.pop(id, None)


def apply() -> None:
    @replace(InstanceBackend, "run_instances")
    def run(old: Any, self: Any, image: str, count: int, data: Any, names: Any, **how: Any) -> Any:
        token = how.get("client_token")
        kept = {key: repr(value) for key, value in how.items() if key != "client_token"}
        asked = (image, count, repr(data), kept)
        if token and token != "ABCDE" and token in world.tokens:
            before, reservation = world.tokens[token]
            if before != asked:
                raise ClientTokenError(
                    "IdempotentParameterMismatch",
                    "The client token you have provided is associated with other parameters.",
                )
            if all(one.state in ("terminated", "shutting-down") for one in reservation.instances):
                raise ClientTokenError(
                    "IdempotentInstanceTerminated",
                    "The client token you have provided is associated with a terminated instance.",
                )
            return reservation
        if how.get("key_name") and how["key_name"] not in self.key_pairs:
            raise exceptions.InvalidKeyPairNameError([how["key_name"]])
        if image not in self.amis:
            raise exceptions.InvalidAMIIdError([image])
        reservation = old(self, image, count, data, names, **how)
        for instance in reservation.instances:
            _set(instance, "pending", 0)
            world.hidden[instance.id] = world.unseen
            tags = how.get("tags", {}).get("network-interface", {})
            for interface in instance.nics.values():
                interface.add_tags(tags)
        if token and token != "ABCDE":
            world.tokens[token] = (asked, reservation)
        return reservation

    @replace(Instance, "terminate")
    def terminate(old: Any, self: Any) -> Any:
        if self._state.name in ("terminated", "shutting-down"):
            return self._state
        before = old(self)
        _set(self, "shutting-down", 32)
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
        for id in ids:
            if once(world.hidden, id):
                raise exceptions.InvalidInstanceIdError(id)
        for reservation in self.reservations.values():
            for instance in reservation.instances:
                if instance.id in ids:
                    _look(instance)
        return old(self, ids, filters)

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
