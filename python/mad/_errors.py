"""The errors of mad: one class, and what is worth catching by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Error(Exception):
    """Something the native side could not do.

    `category` names the part it comes from (`mad.engine`, `system`, …), `code` is the number
    within it; together they identify the error, the text is for people."""

    def __init__(self, message: str, code: int, category: str) -> None:
        super().__init__(message)
        self.code = code
        self.category = category

    def __reduce__(self) -> Any:
        return type(self), (str(self), self.code, self.category)


class _NoAnswerError(Error):
    def __init__(self, message: str, code: int, category: str, answers: Iterable[Any] = ()) -> None:
        super().__init__(message, code, category)
        self.answers = list(answers)
        """When many were asked: the answers of the others."""

    def __reduce__(self) -> Any:
        return type(self), (str(self), self.code, self.category, self.answers)


class TimedOutError(_NoAnswerError, TimeoutError):
    """No answer in time. Also a `TimeoutError`. When many were asked, `answers` has those that
    came."""


class DisconnectedError(_NoAnswerError):
    """Who was asked has gone without an answer. When many were asked, `answers` has those of the
    others."""


def make(
    message: str, code: int, category: str, kind: int = 0, answers: Iterable[Any] = ()
) -> Error:
    """The error that fits; called by the native side. bindings/letters.hpp has the same kinds."""
    if kind == 0:
        return Error(message, code, category)
    return (TimedOutError if kind == 1 else DisconnectedError)(message, code, category, answers)
