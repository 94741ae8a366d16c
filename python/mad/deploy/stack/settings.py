"""The settings of a stack, as values. `load` makes them; their defaults are those of a file that
says nothing (`docs/mad-toml.md` lists each)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal


class Role(StrEnum):
    """What a machine is for; the names are the tables of the stack file."""

    API = "api"
    API_LB = "api_lb"
    CLIENT = "client"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Network:
    vpc: str = "default"
    """`default`, `own`, or the id of one that exists (`vpc-…`)."""
    profile: Literal["tight", "open"] = "tight"
    """`open`: every port of every role for the whole world, as the original had it."""
    ssh_from: tuple[str, ...] = ()
    """CIDRs that may use ssh. Empty: the caller's own address while a command runs."""
    private: bool = False
    """Only the proxy and the load balancer have public addresses; ssh jumps over the proxy."""


@dataclass(frozen=True, slots=True)
class Ssh:
    public_key: Path | None = None
    """None: a pair is made once, in the user's configuration folder."""
    private_key: Path | None = None
    """None: beside the public one without `.pub`, or the agent's."""
    user: str | None = None
    """None: the image's own."""


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines of one role."""

    count: int
    type: str = "t3.micro"
    image: str = "ubuntu-24.04"
    """`ubuntu-24.04`, `ubuntu-22.04`, `debian-12`, `debian-13`, `al2023`, or an `ami-…`."""
    disk_gib: int = 8


@dataclass(frozen=True, slots=True)
class Web:
    machines: Machines = Machines(2)
    lb: Literal["classic", "alb"] = "classic"
    domain: str | None = None
    """The name people open the console by; None: the load balancer's own."""


REDIS_VERSIONS: Mapping[str, str] = {"valkey": "8.0", "redis": "7.1"}
"""What is made when the file names an engine, or none, and no version."""


@dataclass(frozen=True, slots=True)
class Redis:
    engine: Literal["valkey", "redis"] = "valkey"
    version: str | None = None
    """None: `REDIS_VERSIONS`."""
    nodes: int = 1
    type: str = "cache.t4g.micro"
    tls: bool = True
    url: str | None = field(default=None, repr=False)
    """One that exists; then none is made."""


@dataclass(frozen=True, slots=True)
class Tls:
    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Access:
    anonymous: bool = False
    tokens: Path | None = None
    """A file of the user's; None: tokens are made at the first `up`."""


@dataclass(frozen=True, slots=True)
class Update:
    max_parallel: int | str = 1
    """Hosts at once, or a share such as `25%`."""
    canary: int = 1
    min_healthy_time_s: float = 10.0
    healthy_deadline_s: float = 120.0
    auto_revert: bool = True


@dataclass(frozen=True, slots=True)
class Containers:
    """Where images come from with `runtime = "docker"`."""

    registry: str | None = None
    """`registry.example.org/team`; None: images that are on the hosts, or on Docker Hub."""
    username: str | None = None
    """None: what `docker login` on this machine has put aside."""
    password_file: Path | None = None
    api: str | None = None
    """An image of the user's in place of `mad-api`; without a tag it gets that of the release."""
    api_lb: str | None = None
    client: str | None = None
    web: str | None = None

    def of(self, role: Role) -> str | None:
        return {
            Role.API: self.api,
            Role.API_LB: self.api_lb,
            Role.CLIENT: self.client,
            Role.WEB: self.web,
        }[role]


@dataclass(frozen=True, slots=True)
class Stack:
    name: str
    region: str
    """Empty with `hosts`, when the file names none."""
    api: Machines = Machines(2)
    api_lb: Machines = Machines(1)
    client: Machines = Machines(2)
    web: Web = Web()
    network: Network = Network()
    ssh: Ssh = Ssh()
    redis: Redis = Redis()
    tls: Tls | None = None
    access: Access = Access()
    update: Update = Update()
    api_lb_kind: Literal["mad", "nginx", "haproxy"] = "mad"
    runtime: Literal["native", "docker"] = "native"
    containers: Containers = Containers()
    release_url: str | None = None
    hosts: dict[Role, tuple[str, ...]] | None = None
    """Machines that exist, by role; then nothing is made at AWS."""
    monthly_usd: float | None = None
    """A plan that costs more is refused."""
    lock_bucket: str | None = None
    file: Path | None = None
    """Where it was read; relative paths in it count from there."""

    def machines(self, role: Role) -> Machines:
        return {
            Role.API: self.api,
            Role.API_LB: self.api_lb,
            Role.CLIENT: self.client,
            Role.WEB: self.web.machines,
        }[role]
