"""The loop that waits for AWS, without waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mad.deploy.cloud.names import (
    BALANCER_LIMIT,
    group_name,
    load_balancer_name,
    secret_name,
    secret_path,
    stack_name,
)
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.cloud.wait import retry, until
from mad.deploy.plan.model import Observed, Surroundings
from mad.deploy.stack.settings import Machines, Stack, Web


class World:
    """A clock that only moves while somebody waits, and what was said meanwhile."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []
        self.said: list[str] = []
        stack = Stack("x", "eu-west-2", Machines(1), Machines(1), Machines(1), Web(Machines(1)))
        self.context = Context(
            aws=Aws("eu-west-2"),
            stack=stack,
            lease="l",
            observed=Observed((), Surroundings("1", "eu-west-2")),
            progress=self.said.append,
        )

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.now += seconds
        return self.context.cancelled.is_set()

    def until(self, check: Callable[[], object], deadline_s: float = 1000.0) -> object:
        return until(
            check,
            context=self.context,
            what="starting",
            deadline_s=deadline_s,
            clock=self.clock,
            pause=self.pause,
        )

    def retry(self, do: Callable[[], object], deadline_s: float = 1000.0) -> object:
        return retry(
            do,
            ("Busy",),
            context=self.context,
            what="busy",
            deadline_s=deadline_s,
            clock=self.clock,
            pause=self.pause,
        )


@pytest.fixture
def world() -> World:
    return World()


def one_after_the_other(*given: object) -> Callable[[], object]:
    rest: Iterator[object] = iter(given)

    def answer() -> object:
        one = next(rest)
        if isinstance(one, Exception):
            raise one
        return one

    return answer


def refusal(code: str) -> AwsError:
    return AwsError("ec2", "X", code, "no")


def test_the_first_answer_ends_it_without_waiting(world: World) -> None:
    assert world.until(one_after_the_other("here")) == "here"
    assert (world.pauses, world.said) == ([], [])


def test_none_and_false_are_no_answers_and_zero_is_one(world: World) -> None:
    assert world.until(one_after_the_other(None, False, 0)) == 0
    assert len(world.pauses) == 2


def test_pauses_grow_to_a_longest_and_are_not_quite_alike(world: World) -> None:
    world.until(one_after_the_other(*[None] * 30, "here"))
    assert 0.4 <= world.pauses[0] <= 0.6
    assert all(8.0 <= one <= 12.0 for one in world.pauses[-10:])
    assert len(set(world.pauses[-10:])) > 1


def test_each_time_it_is_said_what_is_waited_for_and_how_long_already(world: World) -> None:
    world.until(one_after_the_other(*[None] * 12, "here"))
    assert world.said[0] == "starting, 0 s"
    assert len(world.said) == 12
    assert int(world.said[-1].split()[1]) > 10


def test_the_end_of_the_time_is_an_error_and_not_overslept(world: World) -> None:
    with pytest.raises(AwsError, match="starting: not within 30 s") as caught:
        world.until(lambda: None, deadline_s=30)
    assert caught.value.code == "TimedOut"
    assert 130.0 <= world.now < 131.0


def test_an_interruption_ends_it_at_the_next_pause(world: World) -> None:
    world.context.cancelled.set()
    with pytest.raises(AwsError) as caught:
        world.until(lambda: None)
    assert caught.value.code == "Cancelled"
    assert len(world.pauses) == 1


def test_an_interruption_does_not_lose_an_answer(world: World) -> None:
    world.context.cancelled.set()
    assert world.until(one_after_the_other("here")) == "here"


def test_what_is_refused_for_now_is_done_again(world: World) -> None:
    assert world.retry(one_after_the_other(refusal("Busy"), refusal("Busy"), None)) is None
    assert len(world.pauses) == 2


def test_another_refusal_ends_it(world: World) -> None:
    with pytest.raises(AwsError) as caught:
        world.retry(one_after_the_other(refusal("Busy"), refusal("Denied")))
    assert caught.value.code == "Denied"


def test_after_all_patience_the_refusal_itself_is_the_error(world: World) -> None:
    def refuse() -> object:
        raise refusal("Busy")

    with pytest.raises(AwsError) as caught:
        world.retry(refuse, deadline_s=60)
    assert caught.value.code == "Busy"


def test_an_interrupted_retry_says_so(world: World) -> None:
    world.context.cancelled.set()
    with pytest.raises(AwsError) as caught:
        world.retry(one_after_the_other(refusal("Busy")))
    assert caught.value.code == "Cancelled"


def test_names_at_aws() -> None:
    assert stack_name("x") == "mad-x"
    assert group_name("x", "api_lb") == "mad-x-api_lb"
    assert secret_path("x") == "/mad/x"
    assert secret_name("x", "redis-auth") == "/mad/x/redis-auth"


@pytest.mark.parametrize("length", [1, 23, 24, 25, 40, 60])
def test_a_load_balancers_name_fits_and_stays_its_own(length: int) -> None:
    stacks = ["s" * length, "s" * (length - 1) + "t", "s" * (length - 1) + "-u"]
    names = [load_balancer_name(stack, "web") for stack in stacks]
    assert len(set(names)) == 3
    for name in names:
        assert len(name) <= BALANCER_LIMIT
        assert name.startswith("mad-")
        assert name.endswith("-web")
        assert not name.endswith("--web")


def test_a_name_that_just_fits_is_left_as_it_is() -> None:
    assert load_balancer_name("s" * 24, "web") == f"mad-{'s' * 24}-web"
