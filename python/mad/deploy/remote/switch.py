"""`switch`, `rollback` and `watch`: which generation of a role serves.

The link `current` says which one is to serve, and `switching.json` that a switch goes on. Whoever
comes after an interruption reads both and first finishes it, or takes it back (`settle`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, BinaryIO

from . import generations, system_files
from .gate import Watch
from .inspect_host import drift
from .places import Places, discard, link, read_json, sweep, write
from .protocol import UNITS, Gate
from .runtime import PROGRAMS, STOP_S, Runtime, runtime_of
from .system import RefusedError, System

Tell = Callable[..., None]
QUICK = Gate(min_healthy_time_s=0.0, healthy_deadline_s=30.0, progress_deadline_s=0.0)
"""Of what served before."""


class Switch:
    """One role on this host, while the lock is held."""

    def __init__(self, places: Places, system: System, role: str, tell: Tell, who: str) -> None:
        if role not in PROGRAMS:
            raise RefusedError("refused", f"there is no role {role!r}")
        self.places = places
        self.system = system
        self.role = role
        self.tell = tell
        self.who = who

    def runtime(self, number: int | None) -> Runtime:
        """That of a generation."""
        told = self.places.described(self.role, number) if number is not None else {}
        return runtime_of(self.places, self.system, told.get("runtime", "native"))

    def settle(self) -> None:
        """What an interrupted run left is finished or taken back."""
        sweep(self.places.role(self.role))
        intent = read_json(self.places.intent(self.role))
        current = self.places.current(self.role)
        if intent:
            to = int(intent["to"])
            if current == to:
                self.tell(text="finishes a switch that was interrupted")
                self.finish(to)
                outcome = "finished"
            else:
                self.tell(text="takes back a switch that was interrupted")
                outcome = "taken back"
                try:
                    self.take_back(to, "interrupted", "")
                except RefusedError as error:
                    # What is there does not run; what comes next may.
                    outcome = f"not taken back: {error.sentence}"
                    self.tell(text=f"the release before does not run: {error.sentence}")
            self.audit(intent.get("from"), to, f"interrupted, {outcome}")
            discard(self.places.intent(self.role))
        else:
            self.stop_others(current)

    def serves(self, digest: str) -> bool:
        """Whether the current generation is that of a wish, untouched, and ready."""
        current = self.places.current(self.role)
        if current is None:
            return False
        told = self.places.described(self.role, current)
        runtime = self.runtime(current)
        name = str(current)
        ready = runtime.well(self.role, name) and runtime.ready(self.role, name)
        same = not drift(self.places, self.role, current, told)
        return told.get("digest") == digest and bool(ready) and same

    def begin(self, to: int) -> None:
        told = {"from": self.places.current(self.role), "to": to, "who": self.who}
        write(self.places.intent(self.role), json.dumps(told), 0o600)

    def take_over(self, to: int, gate: Gate, *, agents: bool) -> int | None:
        """Puts a generation's files in place, starts it, looks at it, makes it the current one,
        and tells the others to stop. Gives the agents that came back. Raises RefusedError when it
        is not well; then the one before serves, and the switch is over."""
        before = self.places.current(self.role)
        told = self.places.described(self.role, to)
        log = ""
        try:
            runtime = self.runtime(to)
            count = self.agents(before) if agents else None
            replaced = self.install(to)
            if replaced or runtime.order(self.role) == "replace" or self.other_runtime(before, to):
                self.end_all()
            runtime.prepare(self.role)
            self.tell(text="starts {}".format(told["version"]), generation=to)
            runtime.start(self.role, to)
            watch = self.watch(to, gate)
            watch.healthy()
            self.make_current(to)
            self.stop_others(to)
            seen = watch.enough_agents(count)
        except (RefusedError, OSError) as error:
            why = error.sentence if isinstance(error, RefusedError) else str(error)
            log = error.tail if isinstance(error, RefusedError) else ""
            self.tell(text=f"takes it back: {why}")
            self.audit(before, to, f"taken back: {why}")
            self.take_back(to, why, log, before)
            discard(self.places.intent(self.role))
            raise
        self.finish(to)
        self.audit(before, to, "done")
        discard(self.places.intent(self.role))
        return seen

    def install(self, to: int) -> bool:
        """Files of the system. Gives whether nothing of the role may run while its socket unit is
        exchanged."""
        socket = f"{UNITS}/{PROGRAMS[self.role]}.socket"
        was = self.places.system(socket)
        text = was.read_text() if was.is_file() else None
        files = generations.files_of(self.places, self.role, to)
        before = generations.files_of(self.places, self.role, self.places.current(self.role))
        changed = system_files.put(self.places, files)
        gone = {one["path"] for one in before} - {one["path"] for one in files}
        changed += system_files.drop(self.places, self.role, sorted(gone))
        system_files.apply(self.system, changed)
        return text is not None and socket in changed

    def other_runtime(self, before: int | None, to: int) -> bool:
        if before is None:
            return False
        names = [self.places.described(self.role, one).get("runtime") for one in (before, to)]
        return names[0] != names[1]

    def end_all(self) -> None:
        """Nothing of the role runs, or listens, any more."""
        for runtime in self.runtimes():
            for name in runtime.instances(self.role) + runtime.draining(self.role):
                runtime.stop(self.role, name, wait_s=STOP_S)
                runtime.kill(self.role, name)
            runtime.silence(self.role)

    def stop_others(self, current: int | None) -> None:
        """They drain, and end by themselves."""
        for runtime in self.runtimes():
            running = runtime.instances(self.role)
            if current is not None and str(current) not in running:
                # Nothing is told to go for one that is not there.
                continue
            for name in running:
                if name != str(current):
                    runtime.stop(self.role, name)

    def runtimes(self) -> list[Runtime]:
        """Those that generations here have."""
        numbers = self.places.generations(self.role)
        names = {str(self.places.described(self.role, one)["runtime"]) for one in numbers}
        return [runtime_of(self.places, self.system, name) for name in sorted(names)]

    def watch(self, number: int, gate: Gate) -> Watch:
        version = str(self.places.described(self.role, number).get("version"))
        runtime = self.runtime(number)
        return Watch(runtime, self.system, self.role, str(number), version, gate, self.tell)

    def agents(self, number: int | None) -> int | None:
        if number is None:
            return None
        return self.runtime(number).agents(self.role, str(number))

    def make_current(self, to: int) -> None:
        release = self.places.described(self.role, to)["release"]
        link(self.places.opt / f"current-{self.role}", f"releases/{release}")
        link(self.places.role(self.role) / "current", str(to))
        self.runtime(to).enable(self.role, to)

    def finish(self, to: int) -> None:
        self.make_current(to)
        self.stop_others(to)
        release = self.places.release(self.places.described(self.role, to)["release"])
        discard(release / generations.STAGED)
        busy_ones = busy(self.places, self.system)
        generations.prune(self.places, busy_ones, self.system.said())

    def take_back(self, to: int, why: str, log: str, before: int | None = None) -> None:
        """A generation that is not to serve goes; the one before does."""
        current = self.places.current(self.role)
        back = generations.last_good(self.places, self.role, before if current == to else current)
        generations.failed(self.places, self.role, to, why, log)
        runtime = self.runtime(to)
        name = str(to)
        if back is None:
            discard(self.places.role(self.role) / "current")
            runtime.disable(self.role)
            runtime.stop(self.role, name, wait_s=STOP_S)
            runtime.kill(self.role, name)
            return
        # A proxy gave its connections away, and who was told to stop serves nobody new: the release
        # before takes over under a new number.
        gave_away = runtime.order(self.role) == "handover" and name in runtime.instances(self.role)
        old = self.runtime(back)
        if runtime.order(self.role) == "replace" or self.other_runtime(back, to):
            runtime.stop(self.role, name, wait_s=STOP_S)
            runtime.kill(self.role, name)
        if self.install(back):
            self.end_all()
        old.prepare(self.role)
        if current != back or gave_away:
            number = generations.next_number(self.places, self.role)
            generations.copied(self.places, self.role, back, number)
            told = {"from": to, "to": number, "who": self.who}
            write(self.places.intent(self.role), json.dumps(told), 0o600)
            back = number
        if str(back) not in old.instances(self.role):
            old.start(self.role, back)
            self.watch(back, QUICK).healthy()
        self.make_current(back)
        self.stop_others(back)
        self.tell(text="the release before serves", generation=back)

    def audit(self, before: int | None, to: int, outcome: str) -> None:
        described = self.places.described
        was = described(self.role, before).get("release") if before is not None else None
        self.places.audit(
            self.system,
            who=self.who,
            role=self.role,
            **{"from": was},
            to=described(self.role, to).get("release"),
            generation=to,
            outcome=outcome,
        )

    def result(self, number: int, *, changed: bool, agents: int | None = None) -> dict[str, Any]:
        told = self.places.described(self.role, number)
        return {
            "changed": changed,
            "generation": number,
            "release": told["release"],
            "version": told["version"],
            "agents": agents,
        }


def busy(places: Places, system: System) -> dict[str, set[int]]:
    """By role, the generations that run or drain on this host."""
    found: dict[str, set[int]] = {}
    for role in places.roles():
        names = [
            name
            for runtime in Switch(places, system, role, lambda **_event: None, "").runtimes()
            for name in runtime.instances(role) + runtime.draining(role)
        ]
        found[role] = {int(name) for name in names if name.isdigit()}
    return found


def run(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at, shell = places or Places(), system or System()
    wish, who = request["wish"], str(request.get("who", ""))
    one = Switch(at, shell, wish["role"], tell, who)
    with at.alone(shell, tell, f"{who} (switch of {wish['role']})".strip()):
        claim(at, wish)
        one.settle()
        current = at.current(one.role)
        if current is not None and one.serves(request["digest"]):
            return one.result(current, changed=False)
        if not generations.is_whole(at, wish["release"], request["programs"]):
            raise RefusedError(
                "lost",
                "the release {} is not whole on this host".format(wish["release"]),
                "run the same command again: it is brought anew",
            )
        number = generations.next_number(at, one.role)
        one.begin(number)
        try:
            generations.made(at, number, wish, request["digest"], request["programs"])
            own = at.generation(one.role, number)
            said = one.runtime(number).check(own, wish)
            if said is not None:
                raise RefusedError(
                    "gate",
                    "{} {} refuses its configuration".format(one.role, wish["version"]),
                    "nothing was switched: mend what it names, and deploy again",
                    said,
                )
        except (RefusedError, OSError) as error:
            one.audit(current, number, f"taken back: {error}")
            discard(at.generation(one.role, number))
            discard(at.intent(one.role))
            raise
        agents = one.take_over(number, Gate(**request["gate"]), agents=True)
        return one.result(number, changed=True, agents=agents)


def roll_back(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    at, shell = places or Places(), system or System()
    who = str(request.get("who", ""))
    one = Switch(at, shell, request["role"], tell, who)
    with at.alone(shell, tell, f"{who} (rollback of {one.role})".strip()):
        one.settle()
        source = generations.older(at, one.role, request.get("to"), request.get("before"))
        current = at.current(one.role)
        told = at.described(one.role, source)
        if current is not None and one.serves(told["digest"]):
            return one.result(current, changed=False)
        number = generations.next_number(at, one.role)
        one.begin(number)
        generations.copied(at, one.role, source, number)
        one.take_over(number, QUICK, agents=False)
        return one.result(number, changed=True)


def watch(
    request: dict[str, Any],
    _stdin: BinaryIO,
    tell: Tell,
    *,
    places: Places | None = None,
    system: System | None = None,
) -> dict[str, Any]:
    """Changes nothing, so nobody waits for it."""
    at, shell = places or Places(), system or System()
    one = Switch(at, shell, request["role"], tell, str(request.get("who", "")))
    current = at.current(one.role)
    if current is None:
        raise RefusedError("refused", f"{one.role} was never on this host", "deploy it first")
    looking = one.watch(current, Gate(**request["gate"]))
    looking.healthy()
    return one.result(current, changed=False, agents=looking.enough_agents(request.get("agents")))


def claim(places: Places, wish: dict[str, Any]) -> None:
    """A host belongs to one stack. Raises RefusedError."""
    told = read_json(places.host_file)
    others = [role for role in places.roles() if places.current(role) is not None]
    if told.get("stack") not in (None, wish["stack"]) and others:
        raise RefusedError(
            "refused",
            "this host belongs to the stack {}".format(told["stack"]),
            "take it out of that stack first, or name another machine",
        )
    slots = dict(told.get("slots") or {}) if told.get("stack") == wish["stack"] else {}
    slots[wish["role"]] = wish["slot"]
    wanted = {"stack": wish["stack"], "slots": slots}
    if told != wanted:
        write(places.host_file, json.dumps(wanted, sort_keys=True) + "\n")
