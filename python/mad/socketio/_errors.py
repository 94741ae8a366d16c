"""What goes wrong with connections."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any

from mad._errors import Error, make

CATEGORY = "mad.socketio"


class ConnectionRefusedError(Error, builtins.ConnectionRefusedError):
    """Raised by a `connect` handler or a middleware: the peer may not connect. It is told `message`
    and `data` (what JSON can say; no bytes)."""

    def __init__(self, message: str = "refused", data: Any = None) -> None:
        super().__init__(message, 0, CATEGORY)
        self.data = data

    def __reduce__(self) -> Any:
        return type(self), (str(self), self.data)


class ConnectError(Error, builtins.ConnectionError):
    """A client could not connect. `refused`: the server said so, and `data` is what came with it;
    such an attempt is not made again by itself."""

    def __init__(
        self, message: str, code: int, category: str, refused: bool = False, data: Any = None
    ) -> None:
        super().__init__(message, code, category)
        self.refused = refused
        self.data = data

    def __reduce__(self) -> Any:
        return type(self), (str(self), self.code, self.category, self.refused, self.data)


def error_of(described: tuple[str, int, str, int], answers: Iterable[Any] = ()) -> Error:
    """The error that a letter tells of."""
    return make(*described, answers)
