"""Does a plan: as many actions at once as their order allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from mad.deploy.cloud.resource import Context, Resource
from mad.deploy.cloud.session import AwsError
from mad.deploy.events import (
    Event,
    Failed,
    Finished,
    Listener,
    Progress,
    Skipped,
    Started,
)
from mad.deploy.plan.model import Action, Plan, Verb
from mad.deploy.plan.specs import Kind

PARALLEL = 16
"""Actions at once. More only makes EC2 throttle."""
HOLDS_EVERY_S = 20.0
"""How old an answer to "is the lock still ours" may be when another action starts."""
INTERRUPTED = "interrupted"
CANCELLED = "Cancelled"
"""Code of the AwsError by which `cloud.wait` ends when the run is interrupted."""
_TICK_S = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended. Each action is in one of the three."""

    done: tuple[Finished, ...]
    failed: tuple[Failed, ...]
    skipped: tuple[Skipped, ...]
    interrupted: bool = False
    """Whether somebody asked to stop (or the lock was lost) before all was done."""

    @property
    def ok(self) -> bool:
        return not self.failed and not self.skipped


def apply(
    plan: Plan,
    context: Context,
    listener: Listener,
    *,
    parallel: int = PARALLEL,
    resources: Mapping[Kind, Resource] | None = None,
    holds: Callable[[], None] = lambda: None,
) -> Outcome:
    """Does all actions, each after those it names. One that fails stops what depends on it, and
    nothing else. Once `context.cancelled` is set nothing new starts, and what runs is waited for.
    `holds` is called before something is changed and raises when that may not be any more (the
    lock is another's); then the same happens, and the error is raised at the end. `listener` is
    called by one thread at a time. Raises ValueError for a plan that cannot be done."""
    run = _Run(plan, context, listener, resources if resources is not None else _all())
    return run.go(max(1, parallel), holds)


def _all() -> Mapping[Kind, Resource]:
    from mad.deploy.cloud.registry import RESOURCES

    return RESOURCES


class _Run:
    def __init__(
        self, plan: Plan, context: Context, listener: Listener, resources: Mapping[Kind, Resource]
    ) -> None:
        check(plan)
        self._plan = plan
        self._context = context
        self._resources = resources
        self._listener = listener
        self._telling = threading.Lock()
        self._ended: SimpleQueue[Finished | Failed | Skipped] = SimpleQueue()
        self._waiting = {action.key: action for action in plan.actions}
        self._done: dict[str, Finished] = {}
        self._failed: dict[str, Failed] = {}
        self._skipped: dict[str, Skipped] = {}
        leaving = {
            (action.address, action.found.id)
            for action in plan.actions
            if action.verb == Verb.DELETE and action.found
        }
        for found in context.observed.found:
            if (found.address, found.id) not in leaving:
                context.ids[found.address] = found.id
            else:
                context.ids.setdefault(found.address, found.id)

    def tell(self, event: Event) -> None:
        with self._telling:
            self._listener(event)

    def go(self, parallel: int, holds: Callable[[], None]) -> Outcome:
        lost: Exception | None = None
        running = 0
        asked = float("-inf")
        while self._waiting or running:
            if self._context.cancelled.is_set():
                self._skip_all()
            while (
                running < parallel
                and not self._context.cancelled.is_set()
                and (action := self._next()) is not None
            ):
                if time.monotonic() - asked > HOLDS_EVERY_S:
                    try:
                        holds()
                    except Exception as error:
                        lost = error
                        self._context.cancelled.set()
                        self._skip_all()
                        break
                    asked = time.monotonic()
                del self._waiting[action.key]
                self.tell(Started(action))
                threading.Thread(
                    target=self._work, args=(action,), name=action.key, daemon=True
                ).start()
                running += 1
            if running and self._end_of_one():
                running -= 1
        if lost is not None:
            raise lost
        return Outcome(
            tuple(self._done.values()),
            tuple(self._failed.values()),
            tuple(self._skipped.values()),
            self._context.cancelled.is_set() and bool(self._skipped),
        )

    def _next(self) -> Action | None:
        """The first whose turn it is. Those that cannot have one any more are dropped."""
        for action in tuple(self._waiting.values()):
            if why := self._why_never(action):
                self._skip(action, why)
            elif action.after <= self._done.keys():
                return action
        return None

    def _why_never(self, action: Action) -> str | None:
        for key in sorted(action.after):
            if key in self._failed:
                return f"{key} failed"
            if key in self._skipped:
                return self._skipped[key].why
        return None

    def _skip(self, action: Action, why: str) -> None:
        del self._waiting[action.key]
        skipped = Skipped(action, why)
        self._skipped[action.key] = skipped
        self.tell(skipped)

    def _skip_all(self) -> None:
        for action in tuple(self._waiting.values()):
            self._skip(action, INTERRUPTED)

    def _end_of_one(self) -> bool:
        """Waits a moment, so that a signal of the main thread is soon seen."""
        try:
            event = self._ended.get(timeout=_TICK_S)
        except Empty:
            return False
        match event:
            case Finished():
                self._done[event.action.key] = event
            case Failed():
                self._failed[event.action.key] = event
            case Skipped():
                self._skipped[event.action.key] = event
        self.tell(event)
        return True

    def _work(self, action: Action) -> None:
        begun = time.monotonic()
        try:
            made = self._do(action)
        except AwsError as error:
            self._ended.put(self._failure(action, time.monotonic() - begun, error))
        except Exception as error:
            # Not seen before: said whole, the others go on.
            self._ended.put(
                Failed(
                    action,
                    time.monotonic() - begun,
                    f"unexpected {type(error).__name__}: {error}",
                    "run the command again; if it comes back, report it",
                )
            )
        else:
            self._ended.put(Finished(action, time.monotonic() - begun, made))

    def _failure(self, action: Action, seconds: float, error: AwsError) -> Failed | Skipped:
        from mad.deploy.cloud import errors

        if self._context.cancelled.is_set() and error.code == CANCELLED:
            return Skipped(action, INTERRUPTED)
        said = errors.explain(error)
        return Failed(action, seconds, said.sentence, said.remedy)

    def _do(self, action: Action) -> str | None:
        resource = self._resources[action.address.kind]
        context = replace(self._context, progress=lambda text: self.tell(Progress(action, text)))
        ids = self._context.ids
        found = action.found
        if action.verb == Verb.CREATE:
            ids[action.address] = made = resource.create(context, action.spec)
            return made
        if found is None:
            raise ValueError(f"{action.key}: nothing is there to {action.verb}")
        if action.verb == Verb.UPDATE:
            resource.update(context, found, action.spec)
        else:
            resource.delete(context, found)
            if ids.get(action.address) == found.id:
                del ids[action.address]
        return found.id


def check(plan: Plan) -> None:
    """Raises ValueError when an action waits for one that is not there, or for itself."""
    actions = {action.key: action for action in plan.actions}
    if len(actions) != len(plan.actions):
        raise ValueError("two actions of the plan have one key")
    done: set[str] = set()
    waiting = dict(actions)
    for action in plan.actions:
        if missing := sorted(action.after - actions.keys()):
            raise ValueError(f"{action.key} waits for {missing[0]}, which is not in the plan")
    while waiting:
        ready = [key for key, action in waiting.items() if action.after <= done]
        if not ready:
            raise ValueError(f"these wait for each other: {', '.join(sorted(waiting))}")
        done.update(ready)
        for key in ready:
            del waiting[key]
