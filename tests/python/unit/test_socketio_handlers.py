"""What handlers are called with, and what becomes of what they give."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from mad._errors import DisconnectedError, Error, TimedOutError, make
from mad.socketio._errors import ConnectError, ConnectionRefusedError
from mad.socketio._handlers import answers, make_handler, unpack


class Callables:
    def method(self, a: Any) -> None: ...

    async def __call__(self, a: Any) -> None: ...


async def coroutine(a: Any, b: Any = 1) -> None: ...


@pytest.mark.parametrize(
    ("function", "given", "fits"),
    [
        (lambda: None, (1, 2), ()),
        (lambda a: a, (1, 2), (1,)),
        (lambda a: a, (), None),
        (lambda a, b=2: (a, b), (1,), (1,)),
        (lambda a, b=2: (a, b), (1, 2, 3), (1, 2)),
        (lambda *all_: all_, (1, 2, 3), (1, 2, 3)),
        (lambda a, *rest: (a, rest), (), None),
        (lambda a, *, key=None: (a, key), (1, 2), (1,)),
        (Callables().method, (1, 2), (1,)),
        (Callables(), (1, 2), (1,)),
        (functools.partial(coroutine, 0), (1, 2), (1,)),
        (coroutine, (1, 2, 3), (1, 2)),
        (dict.fromkeys, ([1], 2), ([1], 2)),
        (print, (1, 2), (1, 2)),
    ],
)
def test_a_handler_gets_as_many_arguments_as_it_takes(
    function: Callable[..., Any], given: tuple[Any, ...], fits: tuple[Any, ...] | None
) -> None:
    assert make_handler(function, "x").fit(given) == fits


@pytest.mark.parametrize(
    ("function", "is_coroutine"),
    [
        (lambda: None, False),
        (coroutine, True),
        (functools.partial(coroutine, 1), True),
        (Callables(), True),
        (Callables().method, False),
        (print, False),
    ],
)
def test_coroutines_are_known(function: Callable[..., Any], is_coroutine: bool) -> None:
    assert make_handler(function, "x").coroutine is is_coroutine


@pytest.mark.parametrize(
    ("value", "args"),
    [(None, ()), (1, (1,)), ((), ()), ((1, 2), (1, 2)), ([1, 2], ([1, 2],)), (False, (False,))],
)
def test_a_tuple_is_several_arguments_and_none_is_none(value: Any, args: tuple[Any, ...]) -> None:
    assert answers(value) == args


@pytest.mark.parametrize(("args", "value"), [((), None), ((1,), 1), ((1, 2), (1, 2)), ((0,), 0)])
def test_one_argument_is_itself(args: tuple[Any, ...], value: Any) -> None:
    assert unpack(args) == value


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("no", {"a": 1}),
        ConnectError("no", 3, "mad.engine", True, [1]),
        make("late", 17, "mad.socketio", 1, [1, "x"]),
        make("gone", 18, "mad.socketio", 2),
        make("bad", 2, "system"),
    ],
)
def test_errors_are_of_one_class_and_can_be_pickled(error: Error) -> None:
    assert isinstance(error, Error)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert (str(back), vars(back)) == (str(error), vars(error))


def test_errors_are_also_those_that_python_has_for_it() -> None:
    assert isinstance(make("late", 17, "mad.socketio", 1), TimeoutError)
    assert isinstance(make("gone", 18, "mad.socketio", 2), DisconnectedError)
    assert type(make("bad", 2, "system")) is Error
    assert issubclass(TimedOutError, Error)
    assert issubclass(ConnectError, ConnectionError)
