"""The one error class of mad."""

from __future__ import annotations


class Error(Exception):
    """Something the native side could not do.

    `category` names the part it comes from (`mad.engine`, `system`, …), `code` is the number
    within it; together they identify the error, the text is for people."""

    def __init__(self, message: str, code: int, category: str) -> None:
        super().__init__(message)
        self.code = code
        self.category = category

    def __reduce__(self) -> tuple[type[Error], tuple[str, int, str]]:
        return type(self), (str(self), self.code, self.category)


class TimedOutError(Error, TimeoutError):
    """No answer in time. Also a `TimeoutError`."""


def make(message: str, code: int, category: str, timed_out: bool) -> Error:
    """The error that fits; called by the native side."""
    return (TimedOutError if timed_out else Error)(message, code, category)
