"""What the tool and a host say to each other. A request is one JSON object, followed by bytes where
its operation takes some; what comes back are JSON lines: `{"event": …}` while it works, and last
`{"done": …}` or `{"error": {"code", "sentence", "remedy", "tail"}}`.

- `inspect`: `roles` (none: all), `release` `{id, files: {path: sha256}}`, `boot` (waits until the
  machine has been set up), `version`. Gives `facts` (HostFacts), `whole` (whether each of those
  files is there) and `manifests` (of the releases of that version, by id).
  Changes nothing, nor does `watch`; all others wait for each other (`busy` after a while).
- `lease`: see that module. Who changes the stack, where AWS cannot tell it.
- `link`: `port`, `token` (of an admin; null: none is needed on this host), `wanted` (`role`,
  `expires_in`, `filter`). Has the node on this host make a link that signs a viewer in. Gives
  `token` and `expires`. Changes nothing.
- `redis`: `address` (of this host), `port`, `password`; or `remove`. Debian's redis-server under a
  unit and a configuration of ours, for nodes on machines that nobody made a Redis for. Gives
  `changed`.
- `stage`: `release` `{id, manifest, files: {path: {sha256, mode, size}}}`, then a tar, gzip or not,
  of these files; those that are there already may be left out. With `wish`, too, the new program
  reads its new configuration (`gate` when it refuses it). Gives `staged`, `placed` (how many).
- `check`: `wish`. That alone. Gives `checked`.
- `switch`: `wish` (with `login` `{registry, username, password}` when images are pulled with
  one), `digest`, `programs` `{path: sha256}`, `gate`, `who`. Starts a new generation,
  looks at it, then lets the old one drain. When it is not well (`gate`) the release before serves
  by the time of the answer; what it said is in `failed.log` of its generation.
- `rollback`: `role`, `to` (release or version) or `before` (a generation), `who`. Neither: to the
  newest of another wish. Ends when that is ready; `watch` looks at it for longer.
- `watch`: `role`, `gate`, `agents`, `who`. Looks at what serves as a `switch` would.
- These three give `changed` (false: it was so), `generation`, `release`, `version`, `agents` (that
  came back; null: nobody knew how many there were).
- `drain`: `role`, `deadline_s`, `who`. Gives `stopped` and `sessions` (that were cut).
- `remove`: `role`, `drain_s`, `who`. Drains, then nothing of the role stays. Gives `stopped`,
  `removed`.
- `upstream`: `name` (a slot of api), `drain`, `deadline_s`. Tells the proxy on this host to move
  sessions off that node and waits until it has, or to use it again. Gives `drained`, `sessions`.
- `prune`: `keep`. Gives `removed`. `history`: `last`. Gives `lines` of the audit log.

With each, `host_key` (see that module) goes first, and its result stands beside the others.
A connection that breaks stops nothing: what was begun is finished or taken back. After a crash the
next operation on the role does that first. Error codes: `disk_full`, `gate`, `busy`, `lost` (bytes
did not arrive whole), `refused`, `interrupted`, `internal`.

Runs on the hosts, too: Python 3.9, standard library alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

ROOT = "/opt/mad"
"""`releases/<id>/{bin,console,manifest.json}`, `roles/<role>/<generation>/…`, `audit.jsonl`,
`host.json`; `current-<role>` links to the release that serves."""
RUN = "/run/mad"
UNITS = "/etc/systemd/system"
KEEP = 3
"""Releases that stay on a host: the one that serves, and those before it."""


@dataclass(frozen=True)
class HostFile:
    """A file of the system that a role needs: a unit, a sysctl, the rotation of a log."""

    path: str
    text: str
    mode: int = 0o644


@dataclass(frozen=True)
class Wish:
    """What a role on a host should be. A change of any of it makes a new generation."""

    stack: str
    slot: str
    """`api-0`"""
    role: str
    release: str
    """`<version>-<first 12 of its digest>`, a folder under `releases`."""
    version: str
    """What `/ready` says when it runs."""
    runtime: str = "native"
    """`native` or `docker`"""
    config: dict[str, str] = field(default_factory=dict)
    """Name of a file in the generation's `config` folder: its text (`api.toml`, `compose.yaml`)."""
    credentials: dict[str, str] = field(default_factory=dict, repr=False)
    """Name of a file in the generation's `credentials` folder (0700, files 0600 of root): secret.
    The unit has a `LoadCredential=` for each. Never in output, logs or arguments."""
    variables: dict[str, str] = field(default_factory=dict)
    """Variable of the environment: name of the credential whose path it gets."""
    files: list[HostFile] = field(default_factory=list)
    address: str = ""
    """Where the gate asks when there is no `/run/mad/<role>/<generation>.sock`:
    `http://127.0.0.1:8081`."""


@dataclass(frozen=True)
class Gate:
    """When a switched role counts as healthy (the words are Nomad's)."""

    min_healthy_time_s: float = 10.0
    healthy_deadline_s: float = 120.0
    progress_deadline_s: float = 600.0
    agents_share: float = 0.9
    """Of the agents that were connected before, so many must be again."""


@dataclass(frozen=True)
class RoleFacts:
    """What a host says of one role on it."""

    generation: int | None = None
    """The one that serves; None: the role was never there."""
    release: str | None = None
    version: str | None = None
    digest: str | None = None
    """Of the wish it was made from (`digest_of`). None while a switch goes on, or was interrupted:
    then a `switch` finishes it or takes it back first."""
    active: bool = False
    ready: bool = False
    sessions: int | None = None
    draining: list[int] = field(default_factory=list)
    """Generations that still have sessions."""
    drift: list[str] = field(default_factory=list)
    """Paths that are not as they were put there."""
    agents: int | None = None
    """Of the whole fleet, as this node knows them; None where the role knows of none."""


@dataclass(frozen=True)
class HostFacts:
    """What a host says of itself."""

    architecture: str
    """`x86_64`, `aarch64`"""
    system: str
    """`Debian GNU/Linux 12`"""
    free_bytes: int
    """Where `ROOT` is."""
    clock: float
    """Seconds since 1970, there."""
    systemd: int = 0
    releases: dict[str, str] = field(default_factory=dict)
    """Id: version, of those that are whole."""
    roles: dict[str, RoleFacts] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """What would stop a deploy, as sentences: no systemd, a full disk."""
    up_s: float | None = None
    """Since the machine was started."""


def plain(value: Any) -> dict[str, Any]:
    """A value of this module as JSON has it."""
    return asdict(value)
