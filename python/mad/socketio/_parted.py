"""What is kept of sockets that may come back: connection state recovery."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from mad.socketio._settings import Recovery

if TYPE_CHECKING:
    from mad.socketio._socket import Socket

# As the native side has it: a peer that was sent away, or left, does not come back.
_MAY_RETURN = frozenset(
    {
        "transport error",
        "transport close",
        "forced close",
        "ping timeout",
        "server shutting down",
        "forced server close",
    }
)


class Parted:
    """The `data` of sockets that are away: it may hold what only Python can keep. Their ids, rooms
    and what they miss are kept by the native side."""

    def __init__(self, settings: Recovery) -> None:
        self.skip_middlewares = settings.skip_middlewares
        self._seconds = settings.max_disconnection_duration
        self._most = settings.max_sessions
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()

    def keep(self, sock: Socket, reason: str) -> None:
        """It has gone. Its `disconnect` handler may still change the data."""
        if reason not in _MAY_RETURN:
            return
        now = time.monotonic()
        with self._lock:
            self._kept[sock.id] = now, sock.data
            self._kept.move_to_end(sock.id)
            while self._kept:
                since, _ = next(iter(self._kept.values()))
                if len(self._kept) <= self._most and now - since <= self._seconds:
                    break
                self._kept.popitem(last=False)

    def take(self, sid: str) -> dict[str, Any] | None:
        """The data of one that has come back; it may do so again."""
        with self._lock:
            kept = self._kept.get(sid)
        return None if kept is None else dict(kept[1])
