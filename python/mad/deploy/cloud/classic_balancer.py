"""The classic load balancer over the web nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.crossing import groups_of, slots_of, subnets_of
from mad.deploy.cloud.names import load_balancer_name
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.cloud.wait import until
from mad.deploy.plan.model import EndpointFacts, Found
from mad.deploy.plan.specs import Listener, LoadBalancerSpec
from mad.deploy.stack.settings import Stack

GONE = ("LoadBalancerNotFound", "AccessPointNotFound")
GONE_WITHIN_S = 120.0


def observe(aws: Aws, stack: Stack) -> tuple[Found, ...]:
    """With ids of groups, subnets and machines in the spec."""
    name = load_balancer_name(stack.name, "web")
    given = _described(aws, name)
    if given is None:
        return ()
    told = _tags(aws, name)
    if told.get(tags.STACK) != stack.name:
        return ()
    attributes = aws.call("elb", "describe_load_balancer_attributes", LoadBalancerName=name)
    has = attributes["LoadBalancerAttributes"]
    draining = has.get("ConnectionDraining") or {}
    spec = LoadBalancerSpec(
        told.get(tags.SLOT, "web"),
        type="classic",
        listeners=frozenset(
            Listener(int(one["LoadBalancerPort"]), one["Protocol"], int(one["InstancePort"]))
            for one in (each["Listener"] for each in given.get("ListenerDescriptions") or ())
        ),
        zones=frozenset(given.get("Subnets") or ()),
        groups=frozenset(given.get("SecurityGroups") or ()),
        instances=frozenset(str(one["InstanceId"]) for one in given.get("Instances") or ()),
        health=str((given.get("HealthCheck") or {}).get("Target", "")),
        cross_zone=bool((has.get("CrossZoneLoadBalancing") or {}).get("Enabled")),
        idle_timeout_s=int((has.get("ConnectionSettings") or {}).get("IdleTimeout", 60)),
        draining_s=int(draining.get("Timeout") or 0) if draining.get("Enabled") else 0,
    )
    return (
        Found(
            spec=spec,
            id=name,
            facts=EndpointFacts(host=given.get("DNSName"), port=80),
            spec_hash=told.get(tags.SPEC),
        ),
    )


def create(context: Context, spec: LoadBalancerSpec) -> str:
    aws, name = context.aws, load_balancer_name(context.stack.name, spec.name)
    given = _described(aws, name)
    if given is None:
        aws.call(
            "elb",
            "create_load_balancer",
            LoadBalancerName=name,
            Listeners=_listeners(spec.listeners),
            Subnets=subnets_of(context, spec.zones),
            SecurityGroups=groups_of(context, spec.groups),
            Tags=tags.pairs(context.tags_of(spec)),
        )
        aws.made(name, service="elb")
    elif _tags(aws, name).get(tags.STACK) != context.stack.name:
        raise AwsError("elb", "CreateLoadBalancer", "ForeignName", f"load balancer {name}")
    _settle(context, name, spec)
    return name


def update(context: Context, found: Found, spec: LoadBalancerSpec) -> None:
    _settle(context, found.id, spec)
    context.aws.call(
        "elb",
        "add_tags",
        LoadBalancerNames=[found.id],
        Tags=tags.pairs(context.tags_of(spec)),
    )


def delete(context: Context, found: Found) -> None:
    """AWS says yes to the deletion of what is not there, too."""
    context.aws.gone(found.id, service="elb")
    context.aws.call("elb", "delete_load_balancer", LoadBalancerName=found.id)
    until(
        lambda: _described(context.aws, found.id) is None,
        context=context,
        what="the load balancer is being deleted",
        deadline_s=GONE_WITHIN_S,
    )


def _settle(context: Context, name: str, spec: LoadBalancerSpec) -> None:
    """Makes it as it should be, from wherever an interrupted run left it."""
    aws = context.aws
    given = _described(aws, name) or {}
    there = {
        Listener(int(one["LoadBalancerPort"]), one["Protocol"], int(one["InstancePort"]))
        for one in (each["Listener"] for each in given.get("ListenerDescriptions") or ())
    }
    # A port has one listener: the old one goes first.
    if there - spec.listeners:
        aws.call(
            "elb",
            "delete_load_balancer_listeners",
            LoadBalancerName=name,
            LoadBalancerPorts=sorted(one.port for one in there - spec.listeners),
        )
    if spec.listeners - there:
        aws.call(
            "elb",
            "create_load_balancer_listeners",
            LoadBalancerName=name,
            Listeners=_listeners(spec.listeners - there),
        )
    if set(given.get("SecurityGroups") or ()) != set(groups_of(context, spec.groups)):
        aws.call(
            "elb",
            "apply_security_groups_to_load_balancer",
            LoadBalancerName=name,
            SecurityGroups=groups_of(context, spec.groups),
        )
    wanted, has = set(subnets_of(context, spec.zones)), set(given.get("Subnets") or ())
    if wanted - has:
        aws.call(
            "elb",
            "attach_load_balancer_to_subnets",
            LoadBalancerName=name,
            Subnets=sorted(wanted - has),
        )
    if has - wanted:
        aws.call(
            "elb",
            "detach_load_balancer_from_subnets",
            LoadBalancerName=name,
            Subnets=sorted(has - wanted),
        )
    aws.call(
        "elb",
        "configure_health_check",
        LoadBalancerName=name,
        HealthCheck={
            "Target": spec.health,
            "Interval": 30,
            "Timeout": 3,
            "UnhealthyThreshold": 2,
            "HealthyThreshold": 2,
        },
    )
    aws.call(
        "elb",
        "modify_load_balancer_attributes",
        LoadBalancerName=name,
        LoadBalancerAttributes={
            "CrossZoneLoadBalancing": {"Enabled": spec.cross_zone},
            "ConnectionDraining": {"Enabled": spec.draining_s > 0, "Timeout": spec.draining_s},
            "ConnectionSettings": {"IdleTimeout": spec.idle_timeout_s},
        },
    )
    machines = set(slots_of(context, spec.instances))
    known = {str(one["InstanceId"]) for one in given.get("Instances") or ()}
    if machines - known:
        aws.call(
            "elb",
            "register_instances_with_load_balancer",
            LoadBalancerName=name,
            Instances=[{"InstanceId": one} for one in sorted(machines - known)],
        )
    if known - machines:
        try:
            aws.call(
                "elb",
                "deregister_instances_from_load_balancer",
                LoadBalancerName=name,
                Instances=[{"InstanceId": one} for one in sorted(known - machines)],
            )
        except AwsError as error:
            # One that ended meanwhile leaves by itself.
            if error.code not in ("InvalidInstance", "InvalidEndPoint"):
                raise


def _listeners(given: Iterable[Listener]) -> list[dict[str, Any]]:
    return [
        {
            "Protocol": one.protocol,
            "LoadBalancerPort": one.port,
            "InstanceProtocol": one.protocol,
            "InstancePort": one.target_port,
        }
        for one in sorted(given)
    ]


def _described(aws: Aws, name: str) -> Mapping[str, Any] | None:
    try:
        answer = aws.call("elb", "describe_load_balancers", LoadBalancerNames=[name])
    except AwsError as error:
        if error.code in GONE:
            return None
        raise
    found = answer.get("LoadBalancerDescriptions") or ()
    return found[0] if found else None


def _tags(aws: Aws, name: str) -> dict[str, str]:
    answer = aws.call("elb", "describe_tags", LoadBalancerNames=[name])
    return {
        key: value
        for one in answer.get("TagDescriptions") or ()
        for key, value in tags.read(one.get("Tags")).items()
    }
