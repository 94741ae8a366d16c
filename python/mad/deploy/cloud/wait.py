"""The one loop that waits for AWS."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from mad.deploy.cloud.session import AwsError

if TYPE_CHECKING:
    from mad.deploy.cloud.resource import Context

T = TypeVar("T")

FIRST_S = 0.5
LONGEST_S = 10.0


def until(
    check: Callable[[], T | None],
    *,
    context: Context,
    what: str | Callable[[], str],
    deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], bool] | None = None,
) -> T:
    """Asks `check` until it gives something else than None or False, ever more seldom, and says
    after each time what is waited for and how long already. `pause` waits and tells whether the run
    was interrupted. Raises AwsError: `TimedOut` after `deadline_s`, `Cancelled` once the context
    is cancelled."""
    wait = pause or context.cancelled.wait
    began = clock()
    step = FIRST_S
    while True:
        answer = check()
        if answer is not None and answer is not False:
            return answer
        now = clock() - began
        text = what if isinstance(what, str) else what()
        if now >= deadline_s:
            raise AwsError("mad", "wait", "TimedOut", f"{text}: not within {deadline_s:g} s")
        context.progress(f"{text}, {now:.0f} s")
        # Not all at the same moments: they were started together.
        jittered = step * random.uniform(0.8, 1.2)
        if wait(min(jittered, max(deadline_s - now, 0.01))):
            raise AwsError("mad", "wait", "Cancelled", text)
        step = min(step * 1.5, LONGEST_S)


def retry(
    do: Callable[[], T],
    codes: tuple[str, ...],
    *,
    context: Context,
    what: str | Callable[[], str],
    deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], bool] | None = None,
) -> T:
    """Does something again while AWS refuses it with one of `codes`. The last refusal is the error
    once `deadline_s` is over."""
    refusal: list[AwsError] = []

    def attempt() -> tuple[T] | None:
        try:
            return (do(),)
        except AwsError as error:
            if error.code not in codes:
                raise
            refusal[:] = [error]
            return None

    try:
        return until(
            attempt, context=context, what=what, deadline_s=deadline_s, clock=clock, pause=pause
        )[0]
    except AwsError as error:
        if error.code == "TimedOut" and refusal:
            raise refusal[0] from error
        raise
