"""Looks at everything that a run depends on, before the first write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from mad.deploy.cloud import doctor_account as account
from mad.deploy.cloud import doctor_here as here
from mad.deploy.cloud import doctor_stack, surroundings
from mad.deploy.cloud.checks import Check, Level, fail, ok
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.cost import cost
from mad.deploy.plan.desired import desired
from mad.deploy.plan.model import Observed, Surroundings
from mad.deploy.stack.load import load
from mad.deploy.stack.mistakes import StackError
from mad.deploy.stack.settings import Role, Stack

AT_ONCE = 8
Look = Callable[[], Check | Iterable[Check]]


def checks(
    path: Path, connect: Callable[[Stack], Aws], *, region: str | None = None
) -> tuple[Check, ...]:
    """All checks of the stack in `path`, in the order people read them. Writes nothing (EC2 is
    asked by `DryRun`). A stack file that does not load is a check that fails; what needs none of it
    is still looked at. `connect` makes the way to AWS, with the command line's profile and
    endpoint; `region` goes before the file's. Raises nothing that AWS or the file system may
    say."""
    try:
        stack = load(path, region=region)
    except StackError as error:
        return (*here.stack_file(path, error), *here.tools())
    first = [ok("stack file", f"{path}: {stack.name}"), *here.tools(), *here.keys(stack)]
    if stack.hosts is not None:
        return (*first, ok("AWS", "not used: the machines are those of [hosts]"))
    aws = connect(stack)
    return (*first, *_at_aws(aws, stack))


def obstacles(aws: Aws, stack: Stack) -> tuple[Check, ...]:
    """Those checks that fail, for `up`: asked when something is to be made, before the first
    write. Empty: nothing known stands in the way."""
    found = (*here.tools(), *here.keys(stack), *_at_aws(aws, stack))
    return tuple(check for check in found if check.level == Level.FAIL)


def _at_aws(aws: Aws, stack: Stack) -> tuple[Check, ...]:
    try:
        who = aws.identity()
    except AwsError as error:
        return (account.refused("credentials", error),)
    found: list[Check] = [ok("credentials", f"{who.arn} in account {who.account}")]
    around = _around(aws, stack, found)
    looks: list[tuple[str, Look]] = [
        ("clock", partial(account.clock, aws)),
        ("region", partial(account.region, aws)),
        ("elastic IPs", partial(account.elastic_ips, aws, stack)),
        ("vCPUs", partial(account.vcpus, aws, stack)),
        ("names", partial(doctor_stack.collisions, aws, stack)),
        ("permissions", partial(account.permissions, aws, stack, around)),
    ]
    if around.zones:
        looks.insert(2, ("network", partial(doctor_stack.network, stack, around)))
    if around.architectures:
        looks += [
            ("instance types", partial(doctor_stack.instance_types, stack, around)),
            ("images", partial(doctor_stack.images, aws, stack, around)),
            ("budget", partial(_budget, stack, around)),
            ("programs", partial(_programs, around)),
        ]
    return (*found, *_asked(looks))


def _around(aws: Aws, stack: Stack, found: list[Check]) -> Surroundings:
    """What the stack would stand in, as far as it can be known; `found` grows by what cannot."""
    used = [stack.machines(role) for role in Role if stack.machines(role).count]
    try:
        return surroundings.look(
            aws,
            stack,
            for_types={machines.type for machines in used},
            for_images={machines.image for machines in used},
        )
    except AwsError as error:
        name = {"DescribeInstanceTypes": "instance types", "GetParameters": "images"}
        sure = account.denied(error) or error.code.startswith(("Invalid", "NoDefault", "NoSub"))
        found.append(account.refused(name.get(error.operation, "network"), error, sure=sure))
    try:
        return surroundings.look(aws, stack)
    except AwsError:
        return Surroundings(aws.identity().account, aws.region)


def _asked(looks: list[tuple[str, Look]]) -> Iterator[Check]:
    """All at once, answered in their order."""

    def ask(name: str, look: Look) -> tuple[Check, ...]:
        try:
            found = look()
            return (found,) if isinstance(found, Check) else tuple(found)
        except AwsError as error:
            # Only a no is one; what failed by chance is tried again when it is needed.
            return (account.refused(name, error, sure=account.denied(error)),)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for answer in [pool.submit(ask, name, look) for name, look in looks]:
            yield from answer.result()


def _budget(stack: Stack, around: Surroundings) -> Check:
    """The whole stack, as if nothing of it were there."""
    specs = desired(stack, Observed((), around), "ssh-ed25519 none")
    monthly = cost(specs, stack.region).monthly_usd
    sentence = f"${monthly:,.2f} a month at list prices"
    if stack.monthly_usd is None:
        return ok("budget", f"{sentence}; no limit is set")
    if monthly > stack.monthly_usd:
        return fail(
            "budget",
            f"{sentence}, and [limits] allows ${stack.monthly_usd:,.2f}",
            "raise `monthly_usd`, or write fewer or smaller machines",
        )
    return ok("budget", f"{sentence}, of ${stack.monthly_usd:,.2f} allowed")


def _programs(around: Surroundings) -> Iterator[Check]:
    return here.programs(frozenset(around.architectures.values()))
