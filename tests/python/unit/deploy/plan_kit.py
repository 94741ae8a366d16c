"""Plans and events for tests of the engine and the renderers."""

from __future__ import annotations

from mad.deploy.plan.model import (
    Action,
    Change,
    Cost,
    CostLine,
    EndpointFacts,
    Found,
    InstanceFacts,
    Observed,
    Plan,
    Surroundings,
    Verb,
)
from mad.deploy.plan.specs import (
    ElasticIpSpec,
    InstanceSpec,
    KeyPairSpec,
    RedisSpec,
    SecretSpec,
    Spec,
)
from mad.deploy.stack.settings import Machines, Role, Stack, Web

REGION = "eu-west-2"
AROUND = Surroundings("123456789012", REGION, "vpc-1")
KEY = KeyPairSpec("main", "ssh-ed25519 AAAA")
REDIS = RedisSpec("main", "valkey", "8.0", "cache.t4g.micro")
ADDRESS = ElasticIpSpec("api_lb-0", "api_lb-0")


def stack(**counts: int) -> Stack:
    def machines(role: str) -> Machines:
        return Machines(counts.get(role, 1))

    web = Web(machines("web"))
    return Stack("shop", REGION, machines("api"), machines("api_lb"), machines("client"), web)


def machine(name: str, zone: str = "eu-west-2a") -> InstanceSpec:
    role = Role(name.rpartition("-")[0])
    return InstanceSpec(name, role, "t3.micro", "ubuntu-24.04", zone)


def found(spec: Spec, id: str) -> Found:
    facts: InstanceFacts | EndpointFacts | None = None
    if isinstance(spec, InstanceSpec):
        facts = InstanceFacts("running", "172.31.0.4", "203.0.113.4", "ip-172-31-0-4.internal")
    if isinstance(spec, ElasticIpSpec):
        facts = EndpointFacts("198.51.100.7")
    if isinstance(spec, RedisSpec):
        facts = EndpointFacts("redis.example", 6379)
    return Found(spec, id, facts)


def create(spec: Spec, *after: Action) -> Action:
    return Action(
        Verb.CREATE,
        spec.address,
        spec,
        reasons=("not there yet",),
        after=frozenset(one.key for one in after),
    )


def update(spec: Spec, id: str, *after: Action, changes: tuple[Change, ...] = ()) -> Action:
    return Action(
        Verb.UPDATE,
        spec.address,
        spec,
        found(spec, id),
        changes=changes,
        after=frozenset(one.key for one in after),
    )


def delete(spec: Spec, id: str, *after: Action) -> Action:
    return Action(
        Verb.DELETE,
        spec.address,
        spec,
        found(spec, id),
        reasons=("destroy",),
        after=frozenset(one.key for one in after),
    )


def observed(*given: Found) -> Observed:
    return Observed(given, AROUND)


def first_up(machines: int = 2) -> Plan:
    """Of a whole stack: Redis and `machines` of each role but the proxy's."""
    key = create(KEY)
    secret = create(SecretSpec("redis-auth"))
    redis = create(REDIS, secret)
    slots = [
        create(machine(f"{role}-{number}", f"eu-west-2{'abc'[number % 3]}"), key)
        for role in ("api", "client", "web")
        for number in range(machines)
    ]
    front = create(machine("api_lb-0"), key)
    address = create(ADDRESS, front)
    cost = Cost((CostLine(f"{3 * machines + 1} t3.micro", 71.2),), "2026-10-16")
    return Plan(
        (key, secret, redis, *slots, front, address),
        ("port 80 of api_lb is open to the world",),
        (),
        Cost((), "2026-10-16"),
        cost,
    )
