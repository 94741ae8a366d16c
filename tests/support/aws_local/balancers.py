"""Balancers: one of each name, with interfaces that outlive them for a moment."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.elb.models import ELBBackend, elb_backends
from moto.elb.responses import ELBResponse
from moto.elbv2.models import ELBv2Backend, elbv2_backends

from aws_local import interfaces
from aws_local.world import replace


class BalancerError(ServiceException):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


def _ec2(self: Any) -> Any:
    return ec2_backends[self.account_id][self.region_name]


def _ids(balancer: Any) -> list[str]:
    return [one if isinstance(one, str) else str(one.id) for one in balancer.subnets]


def _interfaces(self: Any, balancer: Any, description: str) -> None:
    """One in each subnet, as it is now."""
    ec2 = _ec2(self)
    interfaces.drop(ec2, interfaces.of(ec2, description))
    interfaces.make(ec2, _ids(balancer), balancer.security_groups, description)


def _classic(self: Any, name: str) -> Any:
    balancer = self.load_balancers[name]
    balancer.availability_zones = sorted(
        str(_ec2(self).get_subnet(one).availability_zone) for one in balancer.subnets
    )
    _interfaces(self, balancer, f"ELB {name}")
    return balancer


def _application(self: Any, balancer: Any) -> None:
    _interfaces(self, balancer, _name(balancer))


def _name(balancer: Any) -> str:
    return f"ELB app/{balancer.name}/{balancer.arn.rpartition('/')[2]}"


def forget(account: str, region: str, instance: str) -> None:
    """Balancers let go of a machine that has ended."""
    for balancer in elb_backends[account][region].load_balancers.values():
        if instance in balancer.instance_sparse_ids:
            balancer.instance_sparse_ids.remove(instance)
    for group in elbv2_backends[account][region].target_groups.values():
        for target in [one for one in group.targets if one == instance]:
            del group.targets[target]


def _of_classic(self: Any) -> tuple[Any, list[str], dict[str, str]]:
    backend = self.elb_backend
    balancer = backend.get_load_balancer(self._get_param("LoadBalancerName"))
    ids = [str(one["InstanceId"]) for one in self._get_param("Instances", [])]
    states = {
        one.id: one.state
        for reservation in _ec2(backend).reservations.values()
        for one in reservation.instances
    }
    return balancer, ids, states


def _members(balancer: Any) -> ActionResult:
    return ActionResult({"Instances": [{"InstanceId": one} for one in balancer.instance_ids]})


def _register(self: Any) -> ActionResult:
    balancer, ids, states = _of_classic(self)
    for id in ids:
        if states.get(id, "terminated") in ("terminated", "shutting-down"):
            raise BalancerError("InvalidInstance", f"Could not find EC2 instance {id}.")
    balancer.instance_sparse_ids += [id for id in ids if id not in balancer.instance_sparse_ids]
    return _members(balancer)


def _deregister(self: Any) -> ActionResult:
    balancer, ids, states = _of_classic(self)
    for id in ids:
        if id in balancer.instance_sparse_ids:
            balancer.instance_sparse_ids.remove(id)
        elif id not in states:
            raise BalancerError("InvalidInstance", f"Could not find EC2 instance {id}.")
    return _members(balancer)


def apply() -> None:
    response: Any = ELBResponse
    response.register_instances_with_load_balancer = _register
    response.deregister_instances_from_load_balancer = _deregister

    @replace(ELBBackend, "create_load_balancer")
    def create(old: Any, self: Any, name: str, zones: Any, ports: Any, **how: Any) -> Any:
        there = self.load_balancers.get(name)
        if there is not None:
            same = (
                set(there.subnets) == set(how.get("subnets") or ())
                and set(there.security_groups) == set(how.get("security_groups") or ())
                and {
                    (int(one.load_balancer_port), int(one.instance_port)) for one in there.listeners
                }
                == {(int(one["LoadBalancerPort"]), int(one["InstancePort"])) for one in ports}
            )
            if not same:
                raise BalancerError(
                    "DuplicateLoadBalancerName",
                    f"Load Balancer named {name} already exists with different parameters.",
                )
            return there
        old(self, name=name, zones=zones, ports=ports, **how)
        made = _classic(self, name)
        made.dns_name = f"{name}-1234567890.{self.region_name}.elb.amazonaws.com"
        return made

    @replace(ELBBackend, "describe_instance_health")
    def health(old: Any, self: Any, name: str, wanted: list[dict[str, str]]) -> Any:
        registered = self.load_balancers[name].instance_ids if name in self.load_balancers else ()
        for one in wanted:
            if one["InstanceId"] not in registered:
                raise BalancerError("InvalidInstance", f"{one['InstanceId']} is not registered.")
        return old(self, name, wanted)

    @replace(ELBBackend, "delete_load_balancer")
    def delete(old: Any, self: Any, name: str) -> Any:
        there = name in self.load_balancers
        given = old(self, name)
        if there:
            interfaces.linger(_ec2(self), f"ELB {name}")
        return given

    for verb in (
        "apply_security_groups_to_load_balancer",
        "attach_load_balancer_to_subnets",
        "detach_load_balancer_from_subnets",
    ):

        @replace(ELBBackend, verb)
        def change(old: Any, self: Any, load_balancer_name: str, *rest: Any, **how: Any) -> Any:
            given = old(self, load_balancer_name, *rest, **how)
            _classic(self, load_balancer_name)
            return given

    @replace(ELBv2Backend, "create_load_balancer")
    def create_application(old: Any, self: Any, *args: Any, **how: Any) -> Any:
        name = how.get("name", args[0] if args else None)
        groups = set(how.get("security_groups") or ())
        scheme = how.get("scheme") or "internet-facing"
        for there in self.load_balancers.values():
            if there.name != name:
                continue
            same = set(there.security_groups) == groups and there.scheme == scheme
            if not same or set(_ids(there)) != set(how.get("subnet_ids") or ()):
                raise BalancerError(
                    "DuplicateLoadBalancerName",
                    f"A load balancer with the name '{name}' exists with different settings.",
                )
            return there
        made = old(self, *args, **{**how, "scheme": scheme})
        _application(self, made)
        return made

    @replace(ELBv2Backend, "delete_load_balancer")
    def delete_application(old: Any, self: Any, arn: str) -> Any:
        gone = self.load_balancers.get(arn)
        given = old(self, arn)
        if gone is not None:
            interfaces.linger(_ec2(self), _name(gone))
        return given

    for verb in ("set_security_groups", "set_subnets"):

        @replace(ELBv2Backend, verb)
        def change_application(old: Any, self: Any, arn: str, *rest: Any, **how: Any) -> Any:
            given = old(self, arn, *rest, **how)
            _application(self, self.load_balancers[arn])
            return given
