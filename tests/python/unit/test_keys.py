"""What terminals send, as keys."""

from __future__ import annotations

import os
import pty

import pytest

from mad.cli.keys import Keys, split


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("", []),
        ("q", ["q"]),
        ("ab", ["a", "b"]),
        ("\x1b[A\x1b[B", ["up", "down"]),
        ("\x1bOA", ["up"]),
        ("\x1b[5~j", ["pageup", "j"]),
        ("\x1b", ["escape"]),
        ("\x1bq", ["escape", "q"]),
        ("\x1b[1;5Cx", ["x"]),
        ("\r\n", ["enter", "enter"]),
        ("\x7f\x08", ["backspace", "backspace"]),
        ("\x03", ["q"]),
        ("é", ["é"]),
    ],
)
def test_keys_have_names(typed: str, keys: list[str]) -> None:
    assert split(typed) == keys


def test_a_terminal_gives_its_keys_one_by_one_and_its_end_is_a_q() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as stream, Keys(stream) as keys:
        os.write(ours, b"a\x1b[B")
        assert [keys.next(5), keys.next(5), keys.next(0.01)] == ["a", "down", None]
        os.write(ours, b"\x04")
        assert keys.next(5) == "q"
    os.close(ours)
