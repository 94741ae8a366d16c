"""Settings that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Parser = Literal["json", "msgpack"]


@dataclass(frozen=True, slots=True)
class Recovery:
    """Connection state recovery of a server: a peer whose connection broke comes back with its id,
    rooms and `data`, and gets what it missed. Defaults of the first two are those of socket.io 4.6;
    the others, which that has no limits for, are of each namespace: the oldest goes first."""

    max_disconnection_duration: float = 120
    """Seconds that a peer may be away."""
    skip_middlewares: bool = True
    """Whether a peer that comes back passes the middlewares (`Server.use`) unasked."""
    max_packets: int = 10_000
    max_bytes: int = 16 * 1024 * 1024
    """Of packets, and as many again of sessions."""
    max_sessions: int = 10_000

    def _terms(self) -> tuple[float, int, int, int]:
        return (
            self.max_disconnection_duration,
            self.max_packets,
            self.max_bytes,
            self.max_sessions,
        )


@dataclass(frozen=True, slots=True)
class Compression:
    """What is compressed, for peers that ask for it. Defaults are those of engine.io, but for
    `context_takeover`, which costs each connection some 300 KB and each receiver of a broadcast a
    compression of its own."""

    websocket: bool = True
    """Messages of websockets (permessage-deflate)."""
    http: bool = True
    """A server's answers to polling (gzip, deflate)."""
    threshold: int = 1024
    """What is shorter goes as it is, in bytes."""
    level: int = 6
    """1 (fast) to 9 (small)."""
    window_bits: int = 15
    """How far back messages of websockets may refer: 2^n bytes, 9 to 15."""
    context_takeover: bool = False
    """Whether messages of websockets may refer to the ones before."""

    def _terms(self) -> tuple[bool, bool, int, int, int, bool]:
        return (
            self.websocket,
            self.http,
            self.threshold,
            self.level,
            self.window_bits,
            self.context_takeover,
        )


def recovery_of(setting: Recovery | bool) -> Recovery | None:
    """None, when it is off."""
    return (Recovery() if setting else None) if isinstance(setting, bool) else setting


def compression_of(setting: Compression | bool) -> Compression | None:
    """None, when it is off."""
    return (Compression() if setting else None) if isinstance(setting, bool) else setting
