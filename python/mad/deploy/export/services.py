"""Secrets, Redis and the load balancer in HCL."""

from __future__ import annotations

from collections.abc import Iterator

from mad.deploy.cloud import names
from mad.deploy.export.hcl import Block, Code, Value
from mad.deploy.export.world import World, identifier, ignoring, taken_over
from mad.deploy.plan.specs import (
    CacheSubnetsSpec,
    Kind,
    LoadBalancerSpec,
    RedisSpec,
    SecretSpec,
)

REDIS_PORT = 6379


def secret(world: World, spec: SecretSpec) -> Iterator[Block]:
    """Where it is kept, never what it is."""
    path = names.secret_name(world.stack.name, spec.name)
    used = spec.name == "redis-auth"
    wish: dict[str, Value] = {"name": path, "with_decryption": used}
    comment = "" if world.live(spec) else "Must be there first, as a SecureString."
    if used:
        comment = f"{comment}\nTerraform keeps its value in its state.".strip()
    yield Block("data", ("aws_ssm_parameter", identifier(spec.name)), wish, comment=comment)


def cache_subnets(world: World, spec: CacheSubnetsSpec) -> Iterator[Block]:
    name = names.stack_name(world.stack.name)
    wish: dict[str, Value] = {
        "name": name,
        "subnet_ids": [world.subnet(letter) for letter in sorted(spec.subnets)],
    }
    yield world.resource(spec, wish, *([ignoring("description")] if world.live(spec) else []))
    yield from world.imported(spec, name)


def redis(world: World, spec: RedisSpec) -> Iterator[Block]:
    name = names.stack_name(world.stack.name)
    several = spec.nodes > 1
    wish: dict[str, Value] = {
        "replication_group_id": name,
        "description": f"mad {world.stack.name}",
        "engine": spec.engine,
        "engine_version": spec.version,
        "node_type": spec.type,
        "num_cache_clusters": spec.nodes,
        "automatic_failover_enabled": several,
        "multi_az_enabled": several,
        "port": REDIS_PORT,
        "subnet_group_name": world.ref(Kind.CACHE_SUBNETS, "main", "name"),
        "security_group_ids": world.groups(spec.groups),
        "at_rest_encryption_enabled": spec.at_rest,
        "transit_encryption_enabled": spec.tls,
        "apply_immediately": True,
    }
    if spec.tls:
        wish["transit_encryption_mode"] = "required"
    if spec.auth:
        wish["auth_token"] = Code("data.aws_ssm_parameter.redis_auth.value")
    # What an import does not read would be set anew.
    live = [
        ignoring("description", "auth_token", "auth_token_update_strategy", "apply_immediately")
    ]
    yield world.resource(spec, wish, *(live if world.live(spec) else []))
    yield from world.imported(spec, name)


def load_balancer(world: World, spec: LoadBalancerSpec) -> Iterator[Block]:
    yield from (_classic if spec.type == "classic" else _alb)(world, spec)


def _classic(world: World, spec: LoadBalancerSpec) -> Iterator[Block]:
    name = names.load_balancer_name(world.stack.name, spec.name)
    listeners = [
        Block(
            "listener",
            (),
            {
                "lb_port": one.port,
                "lb_protocol": one.protocol.lower(),
                "instance_port": one.target_port,
                "instance_protocol": one.protocol.lower(),
            },
        )
        for one in sorted(spec.listeners)
    ]
    health = Block(
        "health_check",
        (),
        {
            "target": spec.health,
            "healthy_threshold": 2,
            "unhealthy_threshold": 2,
            "timeout": 3,
            "interval": 30,
        },
    )
    yield Block(
        "resource",
        ("aws_elb", identifier(spec.name)),
        {
            "name": name,
            "subnets": [world.subnet(letter) for letter in sorted(spec.zones)],
            "security_groups": world.groups(spec.groups),
            "instances": [world.ref(Kind.INSTANCE, one) for one in sorted(spec.instances)],
            "cross_zone_load_balancing": spec.cross_zone,
            "idle_timeout": spec.idle_timeout_s,
            "connection_draining": spec.draining_s > 0,
            "connection_draining_timeout": spec.draining_s,
            "tags": {"Name": f"{world.stack.name}-{spec.name}"},
        },
        (*listeners, health),
    )
    if world.live(spec):
        yield taken_over(f"aws_elb.{identifier(spec.name)}", name)


def _alb(world: World, spec: LoadBalancerSpec) -> Iterator[Block]:
    name = names.load_balancer_name(world.stack.name, spec.name)
    me = identifier(spec.name)
    named: Value = {"Name": f"{world.stack.name}-{spec.name}"}
    live = world.live(spec) is not None
    yield Block(
        "resource",
        ("aws_lb", me),
        {
            "name": name,
            "load_balancer_type": "application",
            "internal": False,
            "subnets": [world.subnet(letter) for letter in sorted(spec.zones)],
            "security_groups": world.groups(spec.groups),
            "idle_timeout": spec.idle_timeout_s,
            "tags": named,
        },
    )
    if live:
        yield Block("data", ("aws_lb", me), {"name": name})
        yield taken_over(f"aws_lb.{me}", Code(f"data.aws_lb.{me}.arn"))
    ports = sorted({one.target_port for one in spec.listeners})
    for port in ports:
        yield from _targets(world, spec, port, name, named, live=live)
    for one in sorted(spec.listeners):
        here = f"{me}_{one.port}"
        forward: dict[str, Value] = {
            "type": "forward",
            "target_group_arn": Code(f"aws_lb_target_group.{me}_{one.target_port}.arn"),
        }
        yield Block(
            "resource",
            ("aws_lb_listener", here),
            {
                "load_balancer_arn": Code(f"aws_lb.{me}.arn"),
                "port": one.port,
                "protocol": one.protocol,
            },
            (Block("default_action", (), forward),),
        )
        if live:
            yield Block(
                "data",
                ("aws_lb_listener", here),
                {"load_balancer_arn": Code(f"data.aws_lb.{me}.arn"), "port": one.port},
            )
            yield taken_over(f"aws_lb_listener.{here}", Code(f"data.aws_lb_listener.{here}.arn"))


def _targets(
    world: World, spec: LoadBalancerSpec, port: int, name: str, named: Value, *, live: bool
) -> Iterator[Block]:
    me = identifier(f"{spec.name}_{port}")
    yield Block(
        "resource",
        ("aws_lb_target_group", me),
        {
            "name": name,
            "port": port,
            "protocol": "HTTP",
            "vpc_id": world.vpc(),
            "deregistration_delay": spec.draining_s,
            "tags": named,
        },
        (
            Block(
                "health_check",
                (),
                {
                    "path": spec.health,
                    "healthy_threshold": 2,
                    "unhealthy_threshold": 2,
                    "timeout": 3,
                    "interval": 30,
                },
            ),
        ),
    )
    if live:
        yield Block("data", ("aws_lb_target_group", me), {"name": name})
        yield taken_over(f"aws_lb_target_group.{me}", Code(f"data.aws_lb_target_group.{me}.arn"))
    # They have no import; to register what is registered changes nothing.
    for slot in sorted(spec.instances):
        yield Block(
            "resource",
            ("aws_lb_target_group_attachment", identifier(f"{spec.name}_{port}_{slot}")),
            {
                "target_group_arn": Code(f"aws_lb_target_group.{me}.arn"),
                "target_id": world.ref(Kind.INSTANCE, slot),
                "port": port,
            },
        )
