"""Handlers: what they take, and what becomes of what they raise."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LOG = logging.getLogger("mad.socketio")

Function = Callable[..., Any]
OnError = Callable[[BaseException, str, Any], None]

CATCH_ALL = "*"
RESERVED = frozenset({"connect", "disconnect", "connect_error"})


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """A function and the number of arguments it takes."""

    function: Function
    event: str
    coroutine: bool
    least: int
    most: int | None
    once: bool = False

    def fit(self, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """The arguments it is called with: those too many are left out, as in JavaScript. None
        when there are too few."""
        if len(values) < self.least:
            return None
        if self.most is not None and len(values) > self.most:
            return values[: self.most]
        return values


def is_coroutine(function: Function) -> bool:
    if inspect.iscoroutinefunction(function):
        return True
    call = getattr(type(function), "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(call)


def make_handler(function: Function, event: str, *, once: bool = False) -> Handler:
    if not callable(function):
        raise TypeError(f"the handler of {event!r} must be a function, not {function!r}")
    least, most = 0, None
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # something built in: it gets what comes
        parameters = ()  # type: ignore[assignment]
    else:
        places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        least = sum(p.default is p.empty for p in places)
        if not any(p.kind is p.VAR_POSITIONAL for p in parameters):
            most = len(places)
    return Handler(function, event, is_coroutine(function), least, most, once)


def answers(value: Any) -> tuple[Any, ...]:
    """What a handler returned, as the arguments of the answer: a tuple is several, None none."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def unpack(values: tuple[Any, ...]) -> Any:
    """The other way round."""
    if len(values) == 1:
        return values[0]
    return values or None


def report(on_error: OnError | None, error: BaseException, event: str, sock: Any) -> None:
    """Tells of an exception that left a handler. Nothing else comes of it."""
    LOG.error("the handler of %r failed", event, exc_info=(type(error), error, error.__traceback__))
    if on_error is None:
        return
    try:
        on_error(error, event, sock)
    except Exception:
        LOG.exception("on_error failed")
