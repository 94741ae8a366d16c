"""When a new instance counts as healthy."""

from __future__ import annotations

import time
from collections.abc import Callable

from .protocol import Gate
from .runtime import Runtime
from .system import RefusedError

EVERY_S = 0.5


class Watch:
    """Looks at one instance: it runs without having ended, and its `/ready` says the version, again
    and again for `min_healthy_time_s`."""

    def __init__(
        self,
        runtime: Runtime,
        role: str,
        instance: str,
        version: str,
        gate: Gate,
        tell: Callable[..., None],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._runtime = runtime
        self._role = role
        self._instance = instance
        self._version = version
        self._gate = gate
        self._tell = tell
        self._clock = clock
        self._pause = pause

    def healthy(self) -> None:
        """Raises RefusedError with the end of its log when it is not, or not in time."""
        until = self._clock() + self._gate.healthy_deadline_s
        since: float | None = None
        last = "it is not ready"
        while True:
            now = self._clock()
            if not self._runtime.well(self._role, self._instance):
                raise self._refused("it ended by itself")
            answer = self._runtime.ready(self._role, self._instance)
            if not answer:
                since, last = None, "it is not ready"
            elif answer.get("version") != self._version:
                said = answer.get("version")
                since, last = None, f"it says that it is {said}, not {self._version}"
            else:
                since = now if since is None else since
                if now - since >= self._gate.min_healthy_time_s:
                    return
            if now >= until:
                raise self._refused(f"{last} within {self._gate.healthy_deadline_s:.0f} s")
            self._pause(EVERY_S)

    def _refused(self, why: str) -> RefusedError:
        return RefusedError(
            "gate",
            why,
            "the release before goes on serving; mend the new one and deploy it again",
            self._runtime.tail(self._role, self._instance),
        )
