"""What the verbs do, without a word to anybody: the command line and the tests call these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from mad.deploy.events import Listener, Note, PlanMade
from mad.deploy.plan.model import Cost, Found, Observed, Plan
from mad.deploy.plan.specs import Address, InstanceSpec, Kind
from mad.deploy.stack.settings import Role, Stack

if TYPE_CHECKING:
    from mad.deploy.cloud.lease import Lease
    from mad.deploy.cloud.lock import Lock
    from mad.deploy.cloud.session import Aws
    from mad.deploy.engine import Outcome
    from mad.deploy.status import Status

Confirm = Callable[["Looked"], bool]
"""Shows what would be done, and says whether to do it."""


class OperationError(Exception):
    """A command that cannot be done as it was asked for: a sentence, and what to do."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Target:
    """A stack and the way to it."""

    stack: Stack
    aws: Aws
    cancelled: Event = field(default_factory=Event)
    """Set by whoever wants the command to stop."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the options of the command line add to the stack file."""

    refresh_images: bool = False
    allow_data_loss: bool = False
    create_default_vpc: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """A plan, and what it was made from."""

    plan: Plan
    observed: Observed
    stack: Stack


@dataclass(frozen=True, slots=True)
class Result:
    """How a command that changes things ended."""

    looked: Looked
    outcome: Outcome | None = None
    """None: nothing was to be done, or it was not wanted (`dry_run`, a no to the question)."""
    declined: bool = False
    status: Status | None = None
    """As it is afterwards, where all went well."""
    left: tuple[Found, ...] = ()
    """After `destroy`: what is still there."""

    @property
    def ok(self) -> bool:
        return (self.outcome is None or self.outcome.ok) and not self.left


def target(
    file: Path,
    *,
    region: str | None = None,
    profile: str | None = None,
    endpoint_url: str | None = None,
) -> Target:
    """Reads the stack file; asks AWS nothing yet. Raises StackError."""
    from mad.deploy.cloud.session import Aws
    from mad.deploy.stack.load import load

    stack = load(file, region=region)
    return Target(stack, Aws(stack.region, profile=profile, endpoint_url=endpoint_url))


def observe(given: Target) -> Observed:
    """All of the stack as it is now."""
    from mad.deploy.cloud import registry

    return registry.observe(given.aws, given.stack)


def plan_of(given: Target, wishes: Wishes = Wishes()) -> Looked:
    """What `up` would do. Takes no lock and changes nothing."""
    return _plan(given, wishes, observe(given))


def up(
    given: Target,
    listener: Listener,
    confirm: Confirm,
    wishes: Wishes = Wishes(),
    *,
    dry_run: bool = False,
) -> Result:
    """Makes the stack as its file says."""
    return _change(given, "up", listener, confirm, lambda: _up_plan(given, wishes), dry_run)


def destroy(
    given: Target, listener: Listener, confirm: Confirm, *, dry_run: bool = False
) -> Result:
    """Removes all of the stack, and looks whether anything is left."""
    raise NotImplementedError


def scale(
    given: Target,
    counts: Mapping[Role, int],
    listener: Listener,
    confirm: Confirm,
    wishes: Wishes = Wishes(),
    *,
    dry_run: bool = False,
) -> Result:
    """Writes the counts into the stack file once they are agreed to, then does as `up`."""
    raise NotImplementedError


def drift(given: Target) -> Looked:
    """The part of a plan that is there because somebody else changed things."""
    raise NotImplementedError


def adopt(given: Target, address: Address, id: str, listener: Listener) -> None:
    """Takes a resource that exists into the stack, by tagging it."""
    raise NotImplementedError


def cost(given: Target) -> Cost:
    """Of the stack as its file has it; asks AWS nothing."""
    raise NotImplementedError


def status(given: Target) -> Status:
    """What is there, and where it is reached."""
    raise NotImplementedError


def unlock(given: Target) -> Lease | None:
    """Breaks the lock; gives whose it was."""
    from mad.deploy.cloud import lock

    return lock.unlock(given.aws, given.stack)
