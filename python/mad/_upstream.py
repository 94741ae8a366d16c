"""The upstreams of a proxy, as it tells of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, Self, cast

State = Literal["unknown", "up", "slow_start", "not_ready", "draining", "drained", "down", "held"]


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server behind a proxy, as it was when somebody asked."""

    name: str
    url: str
    state: State
    """`unknown` until its first probe; `up`, `slow_start` (takes more and more), `not_ready`
    (answers, but says no), `draining`, `drained` (no session is left), `down`, `held` (went down
    and up too often)."""

    why: str = ""
    """Of the state, in words, when there is something to say."""
    weight: int = 1
    """1 to 1000: its part of new sessions, beside the others'."""
    share: float = 0
    """That part now, which grows after a start; 0: it takes none."""
    serves: bool = False
    """Requests of its sessions go to it."""
    leaving: bool = False
    """It goes when it is drained."""
    tunnels: int = 0
    """Websockets now."""
    polling_sessions: int = 0
    """Sessions now that poll."""
    requests_open: int = 0
    """Requests now, polls that wait included."""

    # Since the start of the proxy.

    requests: int = 0
    handshakes: int = 0
    """Sessions that were opened."""
    by_sid: int = 0
    """Requests that came here since their session lives here."""
    by_cookie: int = 0
    by_hash: int = 0
    sessions_gone: int = 0
    """Requests for sessions of it while it did not serve: the proxy has answered them (code 1)."""
    retries: int = 0
    """Handshakes that went on to another one."""
    connects: int = 0
    connect_failures: int = 0
    bad_answers: int = 0
    late_answers: int = 0
    bytes_in: int = 0
    """From clients to it."""
    bytes_out: int = 0
    """From it to clients."""

    @property
    def sessions(self) -> int:
        """Sessions now: websockets, and those that poll."""
        return self.tunnels + self.polling_sessions

    @property
    def errors(self) -> int:
        """Connects that failed, answers that were no proper ones or came too late."""
        return self.connect_failures + self.bad_answers + self.late_answers

    @classmethod
    def read(cls, value: dict[str, Any]) -> Self:
        """From the JSON of a proxy; what this version does not know is left out."""
        told = {f.name: value[f.name] for f in fields(cls) if f.name in value}
        for f in fields(cls):
            wanted = {"int": (int,), "float": (float, int), "bool": (bool,)}.get(
                str(f.type), (str,)
            )
            if f.name in told and type(told[f.name]) not in wanted:
                raise ValueError(f"{f.name} is {told[f.name]!r}")
        return cls(**told)


@dataclass(frozen=True, slots=True)
class Pool:
    """All of them."""

    upstreams: list[Upstream]
    panic: bool = False
    """None is fit for new sessions, so all are taken for fit."""

    @classmethod
    def read(cls, value: Any) -> Self:
        told = cast("dict[str, Any]", value)
        return cls([Upstream.read(one) for one in told["upstreams"]], bool(told.get("panic")))
