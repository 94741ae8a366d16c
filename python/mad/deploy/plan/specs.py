"""What each kind of resource is, as values that can be compared: `desired` makes them of a stack,
`cloud` of what it sees. Names in them are ours (`api`, `api-0`, `a`), never AWS ids, so that a spec
says the same before and after it exists."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal

from mad.deploy.stack.settings import Role


class Kind(StrEnum):
    """In the order people read a plan."""

    VPC = "vpc"
    GATEWAY = "gateway"
    ROUTES = "routes"
    SUBNET = "subnet"
    KEY_PAIR = "key_pair"
    SECRET = "secret"
    SECURITY_GROUP = "security_group"
    CACHE_SUBNETS = "cache_subnets"
    REDIS = "redis"
    INSTANCE = "instance"
    ELASTIC_IP = "elastic_ip"
    LOAD_BALANCER = "load_balancer"


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """The name of a resource within its stack: `instance.api-0`."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"


def frozen(default: Any = None) -> Any:
    """A field that cannot be changed on what exists: another value means another resource."""
    return field(default=default, metadata={"frozen": True})


def silent(default: Any = None) -> Any:
    """A field that is used when a resource is made and never compared afterwards."""
    return field(default=default, metadata={"silent": True})


@dataclass(frozen=True, slots=True)
class Spec:
    """One resource as it should be or as it is. Fields compare one by one: `frozen` ones replace,
    `silent` ones are ignored, all others are changed in place."""

    kind: ClassVar[Kind]
    name: str

    @property
    def address(self) -> Address:
        return Address(self.kind, self.name)

    def needs(self) -> tuple[Address, ...]:
        """What must be there before this can be made."""
        return ()


@dataclass(frozen=True, slots=True)
class VpcSpec(Spec):
    """Only for `vpc = "own"`; `name` is `main`."""

    kind = Kind.VPC
    cidr: str = frozen("10.73.0.0/16")
    dns_hostnames: bool = True


@dataclass(frozen=True, slots=True)
class GatewaySpec(Spec):
    """`name` is `main`."""

    kind = Kind.GATEWAY
    attached: bool = True

    def needs(self) -> tuple[Address, ...]:
        return (Address(Kind.VPC, "main"),)


@dataclass(frozen=True, slots=True)
class SubnetSpec(Spec):
    """`name` is the letter of its zone (`a`)."""

    kind = Kind.SUBNET
    zone: str = frozen("")
    cidr: str = frozen("")
    public_addresses: bool = True

    def needs(self) -> tuple[Address, ...]:
        return (Address(Kind.VPC, "main"),)


@dataclass(frozen=True, slots=True)
class RoutesSpec(Spec):
    """The way out of our own VPC, and the subnets that take it."""

    kind = Kind.ROUTES
    subnets: frozenset[str] = frozenset()
    world: bool = True
    """Whether the rest of the world is reached through the gateway."""

    def needs(self) -> tuple[Address, ...]:
        return (
            Address(Kind.GATEWAY, "main"),
            *(Address(Kind.SUBNET, name) for name in sorted(self.subnets)),
        )


@dataclass(frozen=True, slots=True)
class KeyPairSpec(Spec):
    """`name` is `main`; AWS calls it `mad-<stack>`."""

    kind = Kind.KEY_PAIR
    public_key: str = frozen("")
    """Type and body, without the comment."""


@dataclass(frozen=True, slots=True)
class SecretSpec(Spec):
    """`name` is the end of `/mad/<stack>/…`: `redis-auth`, `token-agent`, `token-viewer`,
    `token-admin`. Made of random bytes by `cloud` when it is missing; its value is nowhere here."""

    kind = Kind.SECRET
    bytes: int = silent(32)


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """Lets `source` (a CIDR or the name of one of our groups) in on a range of TCP ports."""

    first_port: int
    last_port: int
    source: str
    protocol: str = "tcp"

    @property
    def world(self) -> bool:
        return self.source in ("0.0.0.0/0", "::/0")

    @property
    def group(self) -> str | None:
        """The name of the group that is let in, if it is one."""
        return None if "/" in self.source else self.source


@dataclass(frozen=True, slots=True)
class SecurityGroupSpec(Spec):
    """`name`: `api`, `api_lb`, `client`, `web`, `redis`, `web_lb`; to AWS `mad-<stack>-<name>`."""

    kind = Kind.SECURITY_GROUP
    description: str = silent("")
    """AWS cannot change it."""
    ingress: frozenset[Rule] = frozenset()
    egress: frozenset[Rule] = frozenset({Rule(-1, -1, "0.0.0.0/0", "-1")})
    own_vpc: bool = silent(False)

    def needs(self) -> tuple[Address, ...]:
        groups = {rule.group for rule in self.ingress if rule.group and rule.group != self.name}
        return (
            *((Address(Kind.VPC, "main"),) if self.own_vpc else ()),
            *(Address(Kind.SECURITY_GROUP, name) for name in sorted(groups)),
        )


@dataclass(frozen=True, slots=True)
class CacheSubnetsSpec(Spec):
    """`name` is `main`; AWS calls it `mad-<stack>`. `subnets` are letters of zones."""

    kind = Kind.CACHE_SUBNETS
    subnets: frozenset[str] = frozenset()
    own_vpc: bool = silent(False)

    def needs(self) -> tuple[Address, ...]:
        return (
            tuple(Address(Kind.SUBNET, name) for name in sorted(self.subnets))
            if self.own_vpc
            else ()
        )


@dataclass(frozen=True, slots=True)
class RedisSpec(Spec):
    """A replication group without cluster mode; `name` is `main`, AWS calls it `mad-<stack>`."""

    kind = Kind.REDIS
    engine: Literal["valkey", "redis"] = "valkey"
    """From redis to valkey in place; back never: that is another resource, and loses the data."""
    version: str = ""
    """Upwards in place. Compared by as many numbers as the stack names."""
    type: str = ""
    nodes: int = 1
    failover: bool = False
    """Whether another node in another zone takes over by itself; needs two."""
    tls: bool = frozen(True)
    at_rest: bool = frozen(True)
    groups: frozenset[str] = frozenset({"redis"})
    auth: bool = True
    """Whether clients must know the secret `redis-auth`; as seen: whether the one they must know is
    the one that is kept (a salted hash in a tag tells)."""

    def needs(self) -> tuple[Address, ...]:
        return (
            Address(Kind.CACHE_SUBNETS, "main"),
            *((Address(Kind.SECRET, "redis-auth"),) if self.auth else ()),
            *(Address(Kind.SECURITY_GROUP, name) for name in sorted(self.groups)),
        )


@dataclass(frozen=True, slots=True)
class InstanceSpec(Spec):
    """One slot: `name` is `api-0`."""

    kind = Kind.INSTANCE
    role: Role = field(default=Role.API, metadata={"frozen": True})
    type: str = frozen("")
    image: str = frozen("")
    """The system asked for (`ubuntu-24.04`, `ami-…`). Which image that was on the day the machine
    was made is in `InstanceFacts.ami`; a newer one is news, not a difference."""
    zone: str = frozen("")
    """Chosen once, when the slot is made."""
    disk_gib: int = frozen(8)
    encrypted: bool = frozen(True)
    key: str = frozen("main")
    groups: frozenset[str] = frozenset()
    imds_tokens: bool = True
    imds_hops: int = 1
    public_address: bool = frozen(True)
    own_vpc: bool = silent(False)

    def needs(self) -> tuple[Address, ...]:
        return (
            Address(Kind.KEY_PAIR, self.key),
            *(Address(Kind.SECURITY_GROUP, name) for name in sorted(self.groups)),
            *(
                (Address(Kind.SUBNET, self.zone[-1]), Address(Kind.ROUTES, "main"))
                if self.own_vpc
                else ()
            ),
        )


@dataclass(frozen=True, slots=True)
class ElasticIpSpec(Spec):
    """`name` is the slot that carries it (`api_lb-0`); it outlives the machine."""

    kind = Kind.ELASTIC_IP
    instance: str | None = None
    """The slot, or None while it is loose."""

    def needs(self) -> tuple[Address, ...]:
        return (Address(Kind.INSTANCE, self.instance),) if self.instance else ()


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    port: int
    protocol: Literal["HTTP", "TCP"]
    target_port: int


@dataclass(frozen=True, slots=True)
class LoadBalancerSpec(Spec):
    """`name` is `web`; AWS calls it `mad-<stack>-web`, shortened with a hash past 32 characters."""

    kind = Kind.LOAD_BALANCER
    type: Literal["classic", "alb"] = frozen("classic")
    listeners: frozenset[Listener] = frozenset()
    zones: frozenset[str] = frozenset()
    """All letters of the network's zones, so that no slot is left out."""
    groups: frozenset[str] = frozenset({"web_lb"})
    instances: frozenset[str] = frozenset()
    """Slots that are registered."""
    health: str = "HTTP:80/"
    cross_zone: bool = True
    idle_timeout_s: int = 400
    draining_s: int = 400
    own_vpc: bool = silent(False)

    def needs(self) -> tuple[Address, ...]:
        return (
            *(Address(Kind.SECURITY_GROUP, name) for name in sorted(self.groups)),
            *(Address(Kind.INSTANCE, name) for name in sorted(self.instances)),
            *((Address(Kind.SUBNET, name) for name in sorted(self.zones)) if self.own_vpc else ()),
            *((Address(Kind.ROUTES, "main"),) if self.own_vpc else ()),
        )
