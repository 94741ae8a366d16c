"""The resources that a stack should consist of."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Sequence

from mad.deploy.plan.model import InstanceFacts, Observed, Zone
from mad.deploy.plan.specs import (
    CacheSubnetsSpec,
    ElasticIpSpec,
    GatewaySpec,
    InstanceSpec,
    KeyPairSpec,
    Listener,
    LoadBalancerSpec,
    RedisSpec,
    RoutesSpec,
    Rule,
    SecretSpec,
    SecurityGroupSpec,
    Spec,
    SubnetSpec,
    VpcSpec,
)
from mad.deploy.stack.settings import REDIS_VERSIONS, Role, Stack

API_PORT = 3000
HTTP_PORT = 80
HTTPS_PORT = 443
REDIS_PORT = 6379
SSH_PORT = 22
WORLD = "0.0.0.0/0"
OWN_CIDR = "10.73.0.0/16"
OWN_ZONES = 2
"""Subnets of our own VPC: enough for each kind of load balancer."""


def desired(stack: Stack, observed: Observed, public_key: str) -> tuple[Spec, ...]:
    """All specs, in the order of `Kind`. Slots that exist keep their zones; new ones go where
    fewest are. `public_key` is type and body. Pure."""
    if stack.hosts is not None:
        return ()
    zones = _zones(stack, observed)
    return (
        *(_own_network(stack, zones) if stack.network.vpc == "own" else ()),
        KeyPairSpec("main", public_key),
        *_secrets(stack),
        *_groups(stack),
        *_redis(stack, zones),
        *_instances(stack, observed, zones),
        *([ElasticIpSpec("api_lb-0", "api_lb-0")] if stack.api_lb.count else ()),
        *_balancer(stack, zones),
    )


def letter(zone: str) -> str:
    """`a` of `eu-west-2a`: how specs call a zone's subnet."""
    return zone[-1]


def _zones(stack: Stack, observed: Observed) -> Sequence[Zone]:
    zones = observed.surroundings.zones
    return zones[:OWN_ZONES] if stack.network.vpc == "own" else zones


def _own_network(stack: Stack, zones: Sequence[Zone]) -> Iterator[Spec]:
    yield VpcSpec("main", OWN_CIDR)
    yield GatewaySpec("main")
    parts = list(ipaddress.ip_network(OWN_CIDR).subnets(new_prefix=24))
    yield RoutesSpec("main", frozenset(letter(zone.name) for zone in zones))
    for zone in zones:
        name = letter(zone.name)
        # By the letter, so that a subnet keeps its addresses whatever zones come and go.
        yield SubnetSpec(
            name, zone.name, str(parts[ord(name) - ord("a")]), not stack.network.private
        )


def _secrets(stack: Stack) -> Iterator[Spec]:
    if _has_redis_auth(stack):
        yield SecretSpec("redis-auth")
    if not stack.access.anonymous and stack.access.tokens is None:
        for role in ("admin", "agent", "viewer"):
            yield SecretSpec(f"token-{role}")


def _has_redis_auth(stack: Stack) -> bool:
    return stack.redis.url is None and stack.redis.tls


def _groups(stack: Stack) -> Iterator[SecurityGroupSpec]:
    tight = stack.network.profile == "tight"
    web_ports = (HTTP_PORT, HTTPS_PORT) if stack.tls else (HTTP_PORT,)
    balanced = stack.web.machines.count > 0

    def group(name: str, what: str, *rules: Rule) -> SecurityGroupSpec:
        return SecurityGroupSpec(
            name,
            f"mad {stack.name}: {what}",
            frozenset(rules),
            own_vpc=stack.network.vpc == "own",
        )

    def ssh(role: Role) -> list[Rule]:
        if stack.network.private and role is not Role.API_LB:
            # Over the proxy host: the others have no public address.
            return [Rule(SSH_PORT, SSH_PORT, "api_lb")]
        sources = stack.network.ssh_from if tight else (stack.network.ssh_from or (WORLD,))
        return [Rule(SSH_PORT, SSH_PORT, source) for source in sources]

    def ports(ports: Sequence[int], source: str) -> list[Rule]:
        return [Rule(port, port, source) for port in ports]

    yield group(
        "api",
        "API nodes",
        *ssh(Role.API),
        *ports([API_PORT], "api_lb" if tight else WORLD),
    )
    yield group("api_lb", "proxy", *ssh(Role.API_LB), *ports(web_ports, WORLD))
    if stack.client.count:
        yield group("client", "clients", *ssh(Role.CLIENT))
    if balanced:
        yield group(
            "web", "web nodes", *ssh(Role.WEB), *ports(web_ports, "web_lb" if tight else WORLD)
        )
        yield group("web_lb", "load balancer of web", *ports(web_ports, WORLD))
    if stack.redis.url is None:
        yield group("redis", "Redis", Rule(REDIS_PORT, REDIS_PORT, "api"))


def _redis(stack: Stack, zones: Sequence[Zone]) -> Iterator[Spec]:
    if stack.redis.url is not None:
        return
    yield CacheSubnetsSpec(
        "main",
        frozenset(letter(zone.name) for zone in zones),
        own_vpc=stack.network.vpc == "own",
    )
    yield RedisSpec(
        "main",
        engine=stack.redis.engine,
        version=stack.redis.version or REDIS_VERSIONS[stack.redis.engine],
        type=stack.redis.type,
        nodes=stack.redis.nodes,
        failover=stack.redis.nodes > 1,
        tls=stack.redis.tls,
        auth=_has_redis_auth(stack),
    )


def _instances(stack: Stack, observed: Observed, zones: Sequence[Zone]) -> Iterator[InstanceSpec]:
    for role in Role:
        machines = stack.machines(role)
        offered = observed.surroundings.offered.get(machines.type)
        usable = [z.name for z in zones if offered is None or z.name in offered]
        known = _zones_of_slots(observed, role)
        used = Counter(known.values())
        for n in range(machines.count):
            slot = f"{role}-{n}"
            zone = known.get(slot) or min(usable, key=lambda one: (used[one], one), default="")
            if slot not in known:
                used[zone] += 1
            yield InstanceSpec(
                slot,
                role=role,
                type=machines.type,
                image=machines.image,
                zone=zone,
                disk_gib=machines.disk_gib,
                groups=frozenset({role.value}),
                imds_hops=2 if stack.runtime == "docker" else 1,
                public_address=not stack.network.private or role is Role.API_LB,
                own_vpc=stack.network.vpc == "own",
            )


def _zones_of_slots(observed: Observed, role: Role) -> dict[str, str]:
    """Of the newest machine of each slot."""

    def launched(index: int) -> str:
        facts = observed.found[index].facts
        return (facts.launched or "") if isinstance(facts, InstanceFacts) else ""

    zones = {}
    for index in sorted(range(len(observed.found)), key=launched):
        spec = observed.found[index].spec
        if isinstance(spec, InstanceSpec) and spec.role is role:
            zones[spec.name] = spec.zone
    return zones


def _balancer(stack: Stack, zones: Sequence[Zone]) -> Iterator[Spec]:
    count = stack.web.machines.count
    if not count:
        return
    alb = stack.web.lb == "alb"
    # A certificate is on the web nodes: the classic balancer passes TLS through.
    listeners = {Listener(HTTP_PORT, "HTTP", HTTP_PORT)}
    if stack.tls:
        listeners.add(Listener(HTTPS_PORT, "TCP", HTTPS_PORT))
    yield LoadBalancerSpec(
        "web",
        type=stack.web.lb,
        listeners=frozenset(listeners),
        zones=frozenset(letter(zone.name) for zone in zones),
        instances=frozenset(f"web-{n}" for n in range(count)),
        health="/" if alb else "HTTP:80/",
        own_vpc=stack.network.vpc == "own",
    )
