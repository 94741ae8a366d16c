"""What the verbs do, without a word to anybody: the command line and the tests call these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from mad.deploy.events import Listener, Note, PlanMade
from mad.deploy.plan.model import Change, Cost, Found, Observed, Plan
from mad.deploy.plan.specs import Address, InstanceSpec, Kind, SubnetSpec
from mad.deploy.stack.settings import Role, Stack

if TYPE_CHECKING:
    from mad.deploy.cloud.lease import Lease, Store
    from mad.deploy.cloud.resource import Context
    from mad.deploy.cloud.session import Aws
    from mad.deploy.engine import Outcome
    from mad.deploy.hosts.plain import Trust
    from mad.deploy.status import Status


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
    trust: Trust | None = None
    """Asks whether an unknown host key of a given machine is the right one; None: nobody can be
    asked."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the options of the command line add to the stack file."""

    refresh_images: bool = False
    allow_data_loss: bool = False
    create_default_vpc: bool = False


NO_WISHES = Wishes()


@dataclass(frozen=True, slots=True)
class Looked:
    """A plan, and what it was made from."""

    plan: Plan
    observed: Observed
    stack: Stack


Confirm = Callable[[Looked], bool]
"""Says whether to do what was shown (as the event `PlanMade`)."""
Then = Callable[["Context"], None]
"""What follows when everything is there, while the lock is still held: the hosts."""
Before = Callable[["Context", tuple[str, ...]], None]
"""What goes before machines are removed: their slots."""


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
    trust: Trust | None = None,
) -> Target:
    """Reads the stack file; asks AWS nothing yet. Raises StackError."""
    from mad.deploy.cloud.session import Aws
    from mad.deploy.stack.load import load

    stack = load(file, region=region)
    aws = Aws(stack.region, profile=profile, endpoint_url=endpoint_url)
    return Target(stack, aws, trust=trust)


def observe(given: Target, *, around: bool = True, images: bool = False) -> Observed:
    """All of the stack as it is now; `around`: with the VPC and zones a plan needs, `images`: with
    today's images and what the zones offer, too."""
    from mad.deploy.cloud import registry

    return registry.observe(given.aws, given.stack, around=around, images=images)


def plan_of(given: Target, wishes: Wishes = NO_WISHES) -> Looked:
    """What `up` would do. Takes no lock and changes nothing."""
    _needs_aws(given)
    return _plan(given, wishes, observe(given, images=True))


def up(
    given: Target,
    listener: Listener,
    confirm: Confirm,
    wishes: Wishes = NO_WISHES,
    *,
    dry_run: bool = False,
    before: Before | None = None,
    then: Then | None = None,
) -> Result:
    """Makes the stack as its file says."""
    from mad.deploy.cloud import surroundings
    from mad.deploy.cloud.session import AwsError

    def look() -> Looked:
        try:
            observed = observe(given)
        except AwsError as error:
            if error.code != "NoDefaultVpc" or not wishes.create_default_vpc or dry_run:
                raise
            vpc = surroundings.create_default_vpc(given.aws)
            listener(Note(f"made the default VPC of {given.stack.region}: {vpc}"))
            observed = observe(given)
        return _plan(given, wishes, observed)

    def agreed(looked: Looked) -> bool:
        check(looked, wishes)
        _ready(given, looked)
        return confirm(looked)

    return _change(given, "up", listener, agreed, look, dry_run, before=before, then=then)


def scale(
    given: Target,
    counts: Mapping[Role, int],
    listener: Listener,
    confirm: Confirm,
    wishes: Wishes = NO_WISHES,
    *,
    dry_run: bool = False,
    before: Before | None = None,
    then: Then | None = None,
) -> Result:
    """Writes the counts into the stack file once they are agreed to, then does as `up`. Raises
    StackError, before anything else happens, for counts that the file cannot have."""
    from mad.deploy.stack import edit

    _needs_aws(given)
    file = given.stack.file
    if file is None:
        raise OperationError("the stack was not read from a file", "name one with --stack")
    region = given.stack.region
    scaled = replace(given, stack=edit.with_counts(file, counts, region=region))

    def agreed(looked: Looked) -> bool:
        check(looked, wishes)
        _ready(scaled, looked)
        if not confirm(looked):
            return False
        edit.set_counts(file, counts, region=region)
        return True

    def look() -> Looked:
        return _plan(scaled, wishes, observe(scaled))

    result = _change(scaled, "scale", listener, agreed, look, dry_run, before=before, then=then)
    if result.looked.plan.empty and not dry_run:
        edit.set_counts(file, counts, region=region)
    return result


def destroy(
    given: Target, listener: Listener, confirm: Confirm, *, dry_run: bool = False
) -> Result:
    """Removes all of the stack, and looks whether anything is left."""
    from mad.deploy.cloud import last_run
    from mad.deploy.plan import planner

    def look() -> Looked:
        observed = observe(given, around=False)
        return Looked(planner.destroy_plan(observed), observed, given.stack)

    result = _change(given, "destroy", listener, confirm, look, dry_run, look_after=False)
    if dry_run or result.declined or (result.outcome and result.outcome.interrupted):
        return result
    left = observe(given, around=False)
    if not left.found and left.last:
        last_run.forget(given.aws, given.stack.name)
    return replace(result, left=left.found)


def drift(given: Target) -> Looked:
    """The part of a plan that is there because somebody else changed things."""
    looked = plan_of(given)
    changed = tuple(action for action in looked.plan.actions if action.drift)
    keys = frozenset(action.key for action in changed)
    kept = tuple(replace(action, after=action.after & keys) for action in changed)
    return replace(looked, plan=Plan(kept))


def adopt(given: Target, address: Address, id: str, listener: Listener) -> tuple[Change, ...]:
    """Takes a resource that exists into the stack, by tagging it; gives what the next `up` will
    change of it. Raises AdoptError when it does not fit."""
    from mad.deploy.cloud import adopt as adopting
    from mad.deploy.cloud.lock import Lock, store_of
    from mad.deploy.cloud.resource import Context

    _needs_aws(given)
    store = store_of(given.aws, given.stack)
    who = given.aws.identity().arn
    with Lock(store, op="adopt", who=who, listener=listener, on_lost=given.cancelled.set) as lock:
        context = Context(
            given.aws, given.stack, lock.lease, observe(given), cancelled=given.cancelled
        )
        return adopting.adopt(context, address, id)


def cost(given: Target) -> Cost:
    """Of the stack as its file has it; asks AWS nothing."""
    from mad.deploy.plan import cost as prices
    from mad.deploy.plan.desired import desired
    from mad.deploy.plan.model import Surroundings, Zone

    region = given.stack.region
    zones = tuple(Zone(f"{region}{letter}", None) for letter in "abc")
    used = {given.stack.machines(role).type for role in Role}
    offered = {type: frozenset(zone.name for zone in zones) for type in used}
    around = Surroundings("", region, "vpc-0", zones, offered=offered)
    specs = desired(given.stack, Observed((), around), "ssh-ed25519 unknown")
    return prices.cost(specs, region)


def status(given: Target) -> Status:
    """What is there, and where it is reached."""
    from mad.deploy import status as told

    if given.stack.hosts is not None:
        return told.of_hosts(given.stack)
    return status_of(given, observe(given, around=False))


def status_of(given: Target, observed: Observed) -> Status:
    """The same out of what was observed already."""
    from mad.deploy import status as told

    lease = holder(given)
    seen = told.of(given.stack, observed)
    if lease is None:
        return seen
    return replace(seen, held_by=f"`{lease.op}` by {lease.who} on {lease.host}")


def holder(given: Target) -> Lease | None:
    """Who holds the lock."""
    with _store(given) as store:
        written = store.read()
    return written.lease if written else None


@contextmanager
def _store(given: Target) -> Iterator[Store]:
    """Where the lock of a stack is."""
    from mad.deploy.cloud.lock import store_of

    if given.stack.hosts is None:
        yield store_of(given.aws, given.stack)
        return
    from mad.deploy.hosts.ground import store_on_hosts

    with store_on_hosts(given) as store:
        yield store


def export_terraform(given: Target) -> str:
    """The stack in Terraform's language, with `import` blocks for what is there."""
    from mad.deploy.export.terraform import render

    _needs_aws(given)
    return render(given.stack, observe(given, images=True))


def unlock(given: Target) -> Lease | None:
    """Breaks the lock; gives whose it was."""
    from mad.deploy.cloud import lock

    with _store(given) as store:
        return lock.unlock(store)


def _needs_aws(given: Target) -> None:
    if given.stack.hosts is not None:
        raise OperationError(
            "the machines of this stack are those of [hosts]: there is nothing to make at AWS",
            "remove [hosts] from the stack file to let machines be made",
        )


def _plan(given: Target, wishes: Wishes, observed: Observed) -> Looked:
    from mad.deploy.cloud import registry
    from mad.deploy.plan import planner
    from mad.deploy.stack.keys import read_public_key

    stack = given.stack
    key = read_public_key(stack)
    if not observed.surroundings.offered and (
        wishes.refresh_images or _slots_lack(stack, observed)
    ):
        # Which zones have a type is only asked for when a machine will be made.
        zones = [one.spec.zone for one in observed.found if isinstance(one.spec, SubnetSpec)]
        around = registry.look(given.aws, stack, images=True, own_zones=zones)
        observed = replace(observed, surroundings=around)
    plan = planner.plan(stack, observed, key, refresh_images=wishes.refresh_images)
    return Looked(plan, observed, stack)


def check(looked: Looked, wishes: Wishes) -> None:
    """Raises OperationError for a plan that must not be done as it is: it loses data without leave,
    moves the stack to another VPC, or costs more than the stack file allows."""
    from mad.deploy.plan import planner
    from mad.deploy.plan.warnings import other_network, over_budget

    plan = looked.plan
    moved = other_network(plan, looked.observed)
    if moved is not None:
        raise OperationError(
            moved, "put [network] vpc back as it was, or destroy the stack before it is made anew"
        )
    refused = planner.refused(plan)
    if refused and not wishes.allow_data_loss:
        what = ", ".join(sorted({str(action.address) for action in refused}))
        raise OperationError(
            f"the plan loses the data of {what}",
            "give --allow-data-loss if that may be, or take the change out of the stack file",
        )
    said = over_budget(looked.stack, plan.after) if plan.after and not plan.empty else None
    if said is not None:
        raise OperationError(said, "raise monthly_usd under [limits], or ask for less")


def _ready(given: Target, looked: Looked) -> None:
    """Looks at what stands in the way of a stack of which nothing is there yet, before its first
    write. Raises OperationError with all of it."""
    from mad.deploy.cloud import doctor

    if looked.observed.found or looked.plan.empty:
        return
    found = doctor.obstacles(given.aws, given.stack)
    if found:
        raise OperationError(
            "; ".join(f"{check.name}: {check.sentence}" for check in found),
            "; ".join(dict.fromkeys(check.remedy for check in found)),
        )


def _slots_lack(stack: Stack, observed: Observed) -> bool:
    """Whether a machine will be made: a slot is empty, or what is in it is of another kind."""
    for role in Role:
        machines = stack.machines(role)
        right = {
            found.spec.name
            for found in observed.of(Kind.INSTANCE)
            if isinstance(found.spec, InstanceSpec)
            and found.spec.role == role
            and (found.spec.type, found.spec.image) == (machines.type, machines.image)
            and found.spec.disk_gib == machines.disk_gib
        }
        if any(f"{role}-{number}" not in right for number in range(machines.count)):
            return True
    return False


def _removed(plan: Plan) -> tuple[str, ...]:
    """Slots whose machines go."""
    from mad.deploy.plan.model import Verb

    return tuple(
        action.address.name
        for action in plan.actions
        if action.verb is Verb.DELETE and action.address.kind is Kind.INSTANCE
    )


def _remember(given: Target, looked: Looked) -> None:
    """Writes down what the stack consists of now, when that has changed."""
    from mad.deploy.cloud import last_run
    from mad.deploy.plan.model import Verb

    there = [found.address for found in looked.observed.found]
    for action in looked.plan.actions:
        if action.verb is Verb.DELETE:
            there.remove(action.address)
        elif action.verb is Verb.CREATE:
            there.append(action.address)
    if frozenset(there) != looked.observed.last:
        last_run.write(given.aws, given.stack.name, frozenset(there))


def _change(
    given: Target,
    op: str,
    listener: Listener,
    confirm: Confirm,
    look: Callable[[], Looked],
    dry_run: bool,
    *,
    look_after: bool = True,
    before: Before | None = None,
    then: Then | None = None,
) -> Result:
    """Lock, look, show, ask, do."""
    from mad.deploy import engine
    from mad.deploy import status as told
    from mad.deploy.cloud.lock import Lock, store_of
    from mad.deploy.cloud.resource import Context

    _needs_aws(given)
    if dry_run:
        looked = look()
        listener(PlanMade(looked.plan, looked.observed))
        return Result(looked)
    store = store_of(given.aws, given.stack)
    who = given.aws.identity().arn
    with Lock(store, op=op, who=who, listener=listener, on_lost=given.cancelled.set) as lock:
        looked = look()
        listener(PlanMade(looked.plan, looked.observed))
        if looked.plan.empty:
            if look_after:
                _remember(given, looked)
            if then is not None:
                then(
                    Context(
                        given.aws,
                        given.stack,
                        lock.lease,
                        looked.observed,
                        cancelled=given.cancelled,
                    )
                )
            after = told.of(given.stack, looked.observed) if look_after else None
            return Result(looked, status=after)
        if not confirm(looked):
            return Result(looked, declined=True)
        context = Context(
            given.aws, given.stack, lock.lease, looked.observed, cancelled=given.cancelled
        )
        going = _removed(looked.plan)
        if before is not None and going:
            before(context, going)
        outcome = engine.apply(looked.plan, context, listener, holds=lock.renew)
        if lock.lost.is_set():
            lock.renew()
        if not outcome.ok or not look_after:
            return Result(looked, outcome)
        _remember(given, looked)
        observed = observe(given, around=False)
        if then is not None:
            then(replace(context, observed=observed))
        return Result(looked, outcome, status=told.of(given.stack, observed))
