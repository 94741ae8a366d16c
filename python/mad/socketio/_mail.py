"""What servers and clients do with the letters of their native side."""

from __future__ import annotations

from typing import Protocol

from mad.socketio import _letters
from mad.socketio._lanes import Calls, Letter, LoopLane


class Sender(Protocol):
    """A native side that wants to know how much of what it sent has been dealt with."""

    def handled(self, events: int) -> None: ...


class Recipient:
    """Deals with batches of letters, in the thread or on the loop whose inbox they came from."""

    _native: Sender
    _calls: Calls

    def deliver(self, letters: list[Letter], loop: LoopLane | None) -> None:
        """Called by the lanes."""
        handled = 0
        for letter in letters:
            kind = letter[0]
            if kind == _letters.EVENT:
                handled += self._on_event(letter, loop)
            elif kind in (_letters.ANSWER, _letters.ANSWERS):
                self._calls.settle(letter)
            else:
                self._on_other(letter, loop)
        if handled:
            self._native.handled(handled)

    def _on_event(self, letter: Letter, loop: LoopLane | None) -> int:
        """How many events are dealt with: 0 when a coroutine has begun, which says so itself."""
        raise NotImplementedError

    def _on_other(self, letter: Letter, loop: LoopLane | None) -> None:
        """Everything but events and answers."""
        raise NotImplementedError
