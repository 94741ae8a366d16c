"""When a new instance counts as healthy."""

from __future__ import annotations

from collections.abc import Callable

from .protocol import Gate
from .runtime import Runtime
from .system import RefusedError, System

EVERY_S = 0.5


class Watch:
    """Looks at one instance: it runs without having ended, and its `/ready` says the version, again
    and again for `min_healthy_time_s`."""

    def __init__(
        self,
        runtime: Runtime,
        system: System,
        role: str,
        instance: str,
        version: str,
        gate: Gate,
        tell: Callable[..., None],
    ) -> None:
        self._runtime = runtime
        self._system = system
        self._role = role
        self._instance = instance
        self._version = version
        self._gate = gate
        self._tell = tell

    def healthy(self) -> None:
        """Raises RefusedError with the end of its log when it is not, or not in time."""
        began = self._system.now()
        since: float | None = None
        last = ""
        while True:
            now = self._system.now()
            why = self._why_not()
            if why is None:
                since = now if since is None else since
                if now - since >= self._gate.min_healthy_time_s:
                    return
            else:
                since = None
            if (why or "") != last:
                last = why or ""
                self._tell(text=last or "is ready", seconds=round(now - began, 1))
            # Who became ready in time may show that it stays so.
            spare = self._gate.min_healthy_time_s if since is not None else 0.0
            if now - began >= self._gate.healthy_deadline_s + spare:
                deadline = f"{self._gate.healthy_deadline_s:.0f} s"
                raise self._refused(f"{why or 'it was not ready for long enough'}, for {deadline}")
            self._system.sleep(EVERY_S)

    def _why_not(self) -> str | None:
        if not self._runtime.well(self._role, self._instance):
            raise self._refused("it ended by itself")
        answer = self._runtime.ready(self._role, self._instance)
        if not answer:
            return "it is not ready"
        if answer.get("version") != self._version:
            return "it says that it is {}, not {}".format(answer.get("version"), self._version)
        return None

    def enough_agents(self, before: int | None) -> int | None:
        """How many agents of the fleet the instance sees once there are enough of them. None:
        nobody knew how many there were, or there were none. Raises RefusedError."""
        if not before:
            return None
        began = self._system.now()
        told = -1
        while True:
            seen = self._runtime.agents(self._role, self._instance) or 0
            if seen >= before * self._gate.agents_share:
                return seen
            if seen != told:
                told = seen
                self._tell(text=f"{seen} of {before} agents are back", agents=seen)
            if self._system.now() - began >= self._gate.progress_deadline_s:
                raise self._refused(f"{seen} of {before} agents came back")
            self._system.sleep(2 * EVERY_S)

    def _refused(self, why: str) -> RefusedError:
        return RefusedError(
            "gate",
            why,
            "mend what its log names, and deploy again",
            self._runtime.tail(self._role, self._instance),
        )
