"""Exchanges the host key that a machine got with its user data for one that was made on it, on the
way of the commands that a run sends there anyway: the first makes the next pair, whose public half
is written down beside the old one; the second lets sshd serve it; then the old one is forgotten.
Until then either is taken, so a run may end anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from mad.deploy.hosts.model import Host


class Calls(Protocol):
    def call(
        self,
        host: Host,
        request: dict[str, Any],
        *,
        payload: Path | bytes | None = None,
        on_event: Callable[[dict[str, Any]], None] = ...,
        deadline_s: float = ...,
    ) -> dict[str, Any]: ...


class Record(Protocol):
    """Where public halves are written down: the tags of the machine."""

    def following(self, host: Host, key: str) -> None:
        """The machine may serve this one soon."""

    def settled(self, host: Host, key: str) -> None:
        """It serves this one, which was made there, and no other counts any more."""


class Rotation:
    """Calls of `calls`, by the keys that are known meanwhile."""

    def __init__(self, calls: Calls, record: Record) -> None:
        self._calls = calls
        self._record = record
        self._keys: dict[str, tuple[str, ...]] = {}
        """By host: what is taken since this run began to change it."""
        self._settled: set[str] = set()

    def call(
        self,
        host: Host,
        request: dict[str, Any],
        *,
        payload: Path | bytes | None = None,
        on_event: Callable[[dict[str, Any]], None] = lambda _event: None,
        deadline_s: float = 300.0,
    ) -> dict[str, Any]:
        host = replace(host, host_keys=self._keys.get(host.name, host.host_keys))
        if host.first_key and host.name not in self._settled:
            _, *following = host.host_keys
            step = {"switch": following[0]} if following else {"make": True}
            request = {**request, "host_key": step}
        done = self._calls.call(
            host, request, payload=payload, on_event=on_event, deadline_s=deadline_s
        )
        told = done.pop("host_key", None)
        if told is not None:
            self._learn(host, told)
        return done

    def _learn(self, host: Host, told: dict[str, str | None]) -> None:
        first, *following = host.host_keys
        serves, coming = told["serves"], told["next"]
        if serves is not None and serves in following:
            self._record.settled(host, serves)
            self._keys[host.name] = (serves,)
            self._settled.add(host.name)
        elif coming is not None and coming not in following:
            self._record.following(host, coming)
            self._keys[host.name] = (first, coming)
