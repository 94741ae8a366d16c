"""The application load balancer over the web nodes, for `lb = "alb"`: balancer, target group and
listener are one resource here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.crossing import groups_of, slots_of, subnets_of, vpc_of
from mad.deploy.cloud.names import load_balancer_name
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.cloud.wait import retry, until
from mad.deploy.plan.model import EndpointFacts, Found
from mad.deploy.plan.specs import Listener, LoadBalancerSpec
from mad.deploy.stack.settings import Stack

PATIENCE_S = 600.0
_BUSY = ("ResourceInUse", "PriorityInUse")
_IDLE = "idle_timeout.timeout_seconds"
_DRAIN = "deregistration_delay.timeout_seconds"
_CROSS = "load_balancing.cross_zone.enabled"


def observe(aws: Aws, stack: Stack) -> tuple[Found, ...]:
    """With ids of groups and machines in the spec. A target group without its balancer, left by an
    interrupted run, is one that has nothing else."""
    name = load_balancer_name(stack.name, "web")
    group = _target_group(aws, name)
    # The group is made first and goes last: without one there is no balancer of ours either.
    given = _balancer(aws, name) if group is not None or stack.web.lb == "alb" else None
    if given is None and group is None:
        return ()
    arns = [one[key] for one, key in _arns(given, group) if one]
    told = _tags(aws, arns)
    if told.get(tags.STACK) != stack.name:
        return ()
    given, group = given or {}, group or {}
    balancer = _attributes(aws, given, "load_balancer", "LoadBalancerArn")
    target = _attributes(aws, group, "target_group", "TargetGroupArn")
    spec = LoadBalancerSpec(
        told.get(tags.SLOT, "web"),
        type="alb",
        listeners=frozenset(
            Listener(int(one["Port"]), one["Protocol"], int(group["Port"]) if ours else 0)
            for one, ours in ((one, _forwards(one, group)) for one in _listeners(aws, given))
        ),
        zones=frozenset(str(zone["ZoneName"])[-1] for zone in given.get("AvailabilityZones") or ()),
        groups=frozenset(given.get("SecurityGroups") or ()),
        instances=frozenset(_targets(aws, group)),
        health=str(group.get("HealthCheckPath", "")),
        # An application load balancer is always cross-zone; its target group may say otherwise.
        cross_zone=target.get(_CROSS, "use_load_balancer_configuration") != "false",
        idle_timeout_s=int(balancer.get(_IDLE, 60)),
        draining_s=int(target.get(_DRAIN, 300)),
    )
    state = str((given.get("State") or {}).get("Code", "missing"))
    return (
        Found(
            spec=spec,
            id=str(given.get("LoadBalancerArn") or group.get("TargetGroupArn")),
            facts=EndpointFacts(
                host=given.get("DNSName"),
                port=80,
                state={"active": "available", "provisioning": "creating"}.get(state, state),
            ),
            spec_hash=told.get(tags.SPEC),
        ),
    )


def create(context: Context, spec: LoadBalancerSpec) -> str:
    aws, name = context.aws, load_balancer_name(context.stack.name, spec.name)
    group = _target_group(aws, name)
    if group is None:
        group = aws.call(
            "elbv2",
            "create_target_group",
            Name=name,
            Protocol="HTTP",
            Port=_port(spec),
            VpcId=vpc_of(context),
            TargetType="instance",
            HealthCheckPath=spec.health,
            HealthCheckIntervalSeconds=30,
            HealthCheckTimeoutSeconds=3,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
            Tags=tags.pairs(context.tags_of(spec)),
        )["TargetGroups"][0]
        aws.made(str(group["TargetGroupArn"]), service="elbv2")
    given = _balancer(aws, name)
    if given is None:
        given = aws.call(
            "elbv2",
            "create_load_balancer",
            Name=name,
            Type="application",
            Scheme="internet-facing",
            Subnets=subnets_of(context, spec.zones),
            SecurityGroups=groups_of(context, spec.groups),
            Tags=tags.pairs(context.tags_of(spec)),
        )["LoadBalancers"][0]
        aws.made(str(given["LoadBalancerArn"]), service="elbv2")
    elif _tags(aws, [given["LoadBalancerArn"]]).get(tags.STACK) != context.stack.name:
        raise AwsError("elbv2", "CreateLoadBalancer", "ForeignName", f"load balancer {name}")
    _settle(context, given, group, spec)
    _wait_active(context, name)
    return str(given["LoadBalancerArn"])


def update(context: Context, spec: LoadBalancerSpec) -> None:
    """Making it again finds all parts that are there, and settles them."""
    arn = create(context, spec)
    group = _target_group(context.aws, load_balancer_name(context.stack.name, spec.name)) or {}
    context.aws.call(
        "elbv2",
        "add_tags",
        ResourceArns=[arn, *([group["TargetGroupArn"]] if group else [])],
        Tags=tags.pairs(context.tags_of(spec)),
    )


def delete(context: Context, found: Found) -> None:
    aws = context.aws
    name = load_balancer_name(context.stack.name, found.spec.name)
    given, group = _balancer(aws, name), _target_group(aws, name)
    if given is not None:
        aws.call("elbv2", "delete_load_balancer", LoadBalancerArn=given["LoadBalancerArn"])
        until(
            lambda: _balancer(aws, name) is None,
            context=context,
            what="the load balancer is being deleted",
            deadline_s=PATIENCE_S,
        )
    if group is not None:
        arn = group["TargetGroupArn"]
        retry(
            lambda: aws.call("elbv2", "delete_target_group", TargetGroupArn=arn),
            _BUSY,
            context=context,
            what="waiting until the target group is free",
            deadline_s=PATIENCE_S,
        )


def _settle(
    context: Context, given: Mapping[str, Any], group: Mapping[str, Any], spec: LoadBalancerSpec
) -> None:
    aws, arn, targets = context.aws, given["LoadBalancerArn"], group["TargetGroupArn"]
    if set(given.get("SecurityGroups") or ()) != set(groups_of(context, spec.groups)):
        aws.call(
            "elbv2",
            "set_security_groups",
            LoadBalancerArn=arn,
            SecurityGroups=groups_of(context, spec.groups),
        )
    zones = {str(one["ZoneName"])[-1] for one in given.get("AvailabilityZones") or ()}
    if zones and zones != spec.zones:
        aws.call(
            "elbv2",
            "set_subnets",
            LoadBalancerArn=arn,
            Subnets=subnets_of(context, spec.zones),
        )
    aws.call(
        "elbv2",
        "modify_load_balancer_attributes",
        LoadBalancerArn=arn,
        Attributes=[{"Key": _IDLE, "Value": str(spec.idle_timeout_s)}],
    )
    cross = "use_load_balancer_configuration" if spec.cross_zone else "false"
    aws.call(
        "elbv2",
        "modify_target_group_attributes",
        TargetGroupArn=targets,
        Attributes=[
            {"Key": _DRAIN, "Value": str(spec.draining_s)},
            {"Key": _CROSS, "Value": cross},
        ],
    )
    if group.get("HealthCheckPath") != spec.health:
        aws.call(
            "elbv2", "modify_target_group", TargetGroupArn=targets, HealthCheckPath=spec.health
        )
    missing = {one.port for one in spec.listeners}
    for one in _listeners(aws, given):
        if int(one["Port"]) in missing and one["Protocol"] == "HTTP" and _forwards(one, group):
            missing.remove(int(one["Port"]))
        else:
            aws.call("elbv2", "delete_listener", ListenerArn=one["ListenerArn"])
    for port in sorted(missing):
        aws.call(
            "elbv2",
            "create_listener",
            LoadBalancerArn=arn,
            Protocol="HTTP",
            Port=port,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": targets}],
            Tags=tags.pairs(context.tags_of(spec)),
        )
    wanted, has = set(slots_of(context, spec.instances)), set(_targets(aws, group))
    if wanted - has:
        aws.call(
            "elbv2",
            "register_targets",
            TargetGroupArn=targets,
            Targets=[{"Id": one} for one in sorted(wanted - has)],
        )
    if has - wanted:
        try:
            aws.call(
                "elbv2",
                "deregister_targets",
                TargetGroupArn=targets,
                Targets=[{"Id": one} for one in sorted(has - wanted)],
            )
        except AwsError as error:
            # One that ended meanwhile leaves by itself.
            if error.code != "InvalidTarget":
                raise


def _port(spec: LoadBalancerSpec) -> int:
    return min((one.target_port for one in spec.listeners), default=80)


def _wait_active(context: Context, name: str) -> None:
    def check() -> bool:
        given = _balancer(context.aws, name) or {}
        state = (given.get("State") or {}).get("Code")
        if state == "failed":
            raise AwsError("elbv2", "CreateLoadBalancer", "TimedOut", "the load balancer failed")
        return state in ("active", "active_impaired")

    until(
        check,
        context=context,
        what="the load balancer is being made",
        deadline_s=PATIENCE_S,
    )


def _arns(
    given: Mapping[str, Any] | None, group: Mapping[str, Any] | None
) -> list[tuple[Mapping[str, Any], str]]:
    return [(given or {}, "LoadBalancerArn"), (group or {}, "TargetGroupArn")]


def _balancer(aws: Aws, name: str) -> Mapping[str, Any] | None:
    try:
        answer = aws.call("elbv2", "describe_load_balancers", Names=[name])
    except AwsError as error:
        if error.code == "LoadBalancerNotFound":
            return None
        raise
    found = answer.get("LoadBalancers") or ()
    return found[0] if found else None


def _target_group(aws: Aws, name: str) -> Mapping[str, Any] | None:
    try:
        answer = aws.call("elbv2", "describe_target_groups", Names=[name])
    except AwsError as error:
        if error.code == "TargetGroupNotFound":
            return None
        raise
    found = answer.get("TargetGroups") or ()
    return found[0] if found else None


def _listeners(aws: Aws, given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "LoadBalancerArn" not in given:
        return []
    answer = aws.call("elbv2", "describe_listeners", LoadBalancerArn=given["LoadBalancerArn"])
    return list(answer.get("Listeners") or ())


def _forwards(listener: Mapping[str, Any], group: Mapping[str, Any]) -> bool:
    """Whether it sends all it gets to our target group."""
    wanted = group.get("TargetGroupArn")
    actions = listener.get("DefaultActions") or ()
    return bool(wanted) and [(one.get("Type"), one.get("TargetGroupArn")) for one in actions] == [
        ("forward", wanted)
    ]


def _targets(aws: Aws, group: Mapping[str, Any]) -> list[str]:
    """Those that are being taken out are out."""
    if not group:
        return []
    answer = aws.call("elbv2", "describe_target_health", TargetGroupArn=group["TargetGroupArn"])
    return [
        str(one["Target"]["Id"])
        for one in answer.get("TargetHealthDescriptions") or ()
        if (one.get("TargetHealth") or {}).get("State") != "draining"
    ]


def _attributes(aws: Aws, given: Mapping[str, Any], what: str, key: str) -> dict[str, str]:
    if key not in given:
        return {}
    answer = aws.call("elbv2", f"describe_{what}_attributes", **{key: given[key]})
    return tags.read(answer.get("Attributes"))


def _tags(aws: Aws, arns: list[str]) -> dict[str, str]:
    answer = aws.call("elbv2", "describe_tags", ResourceArns=arns)
    return {
        key: value
        for one in answer.get("TagDescriptions") or ()
        for key, value in tags.read(one.get("Tags")).items()
    }
