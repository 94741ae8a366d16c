"""What was seen, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mad.deploy.plan.specs import Address, Kind, Rule, Spec


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """What only a machine that exists has."""

    state: str
    """`pending`, `running`, `stopping`, `stopped`, `shutting-down`."""
    private_ip: str | None = None
    public_ip: str | None = None
    private_dns: str | None = None
    ami: str | None = None
    arch: str | None = None
    hostkey: str | None = None
    """Tag `mad:hostkey`: type and body of the public half."""
    hostkey_next: str | None = None
    """Tag `mad:hostkey-next`."""
    hostkey_first: bool = False
    """Whether `hostkey` is the one that came with the user data."""
    version: str | None = None
    """Tag `mad:version`: the release on it."""
    launched: str | None = None
    """ISO 8601."""


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """Where a Redis, a load balancer or an Elastic IP is reached, and whether it serves yet."""

    host: str | None = None
    port: int | None = None
    state: str = "available"


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What AWS calls the rules of a security group (`sgr-…`)."""

    ingress: Mapping[Rule, str] = field(default_factory=dict)
    egress: Mapping[Rule, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A resource that carries the tags of the stack."""

    spec: Spec
    id: str
    facts: InstanceFacts | EndpointFacts | GroupFacts | None = None
    spec_hash: str | None = None
    """Tag `mad:spec`: what the last run wanted. Equal to the wish while the fields differ: somebody
    else changed it (drift)."""

    @property
    def address(self) -> Address:
        return self.spec.address


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone of the region, with the subnet our machines in it go to."""

    name: str
    subnet: str | None
    """None: our own, still to be made."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is not ours and still matters."""

    account: str
    region: str
    vpc: str | None = None
    zones: tuple[Zone, ...] = ()
    own_network_left: bool = False
    """Whether there are subnets of our own, though the stack file names another VPC."""
    offered: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By instance type: the zones that have it. Looked up only when something is to be made."""
    newest_images: Mapping[str, str] = field(default_factory=dict)
    """By system and architecture (`ubuntu-24.04/amd64`): the image of today, when looked up."""
    architectures: Mapping[str, str] = field(default_factory=dict)
    """By instance type: `amd64` or `arm64`."""


@dataclass(frozen=True, slots=True)
class Observed:
    """All of a stack at one moment. The same address may be there more than once (a slot being
    replaced)."""

    found: tuple[Found, ...]
    surroundings: Surroundings
    last: frozenset[Address] = frozenset()
    """What the stack consisted of when its last run ended well; empty: not known."""

    def at(self, address: Address) -> tuple[Found, ...]:
        return tuple(one for one in self.found if one.address == address)

    def of(self, kind: Kind) -> tuple[Found, ...]:
        return tuple(one for one in self.found if one.address.kind == kind)


class Verb(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is not as it should be, in words for people."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Action:
    """One step. A replacement is two: a `create`, and a `delete` of the old one that comes after
    all that used it has moved."""

    verb: Verb
    address: Address
    spec: Spec
    """As it should be; of a `delete`: as it was."""
    found: Found | None = None
    """What is there; None for a `create`."""
    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = ()
    drift: bool = False
    """Whether somebody else changed it since the last run."""
    loses_data: bool = False
    after: frozenset[str] = frozenset()
    """Keys of the actions that must have ended well before this one starts."""

    @property
    def key(self) -> str:
        """Unique in its plan: `delete instance.api-0 i-0abc`."""
        return f"{self.verb} {self.address}" + (f" {self.found.id}" if self.found else "")


@dataclass(frozen=True, slots=True)
class CostLine:
    what: str
    """`3 t3.micro (api)`."""
    monthly_usd: float


@dataclass(frozen=True, slots=True)
class Cost:
    lines: tuple[CostLine, ...]
    as_of: str
    """The date of the price list."""
    unknown: tuple[str, ...] = ()
    """What has no price in the list."""

    @property
    def monthly_usd(self) -> float:
        return sum(line.monthly_usd for line in self.lines)


@dataclass(frozen=True, slots=True)
class Plan:
    actions: tuple[Action, ...]
    """In an order in which they could be done one by one."""
    warnings: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    """Worth knowing, nothing to be done: a newer image, say."""
    before: Cost | None = None
    after: Cost | None = None

    @property
    def empty(self) -> bool:
        return not self.actions
