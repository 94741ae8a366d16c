"""Websocket frames that no client sends, cut anywhere."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest
import wire
from wire import close_frame, frame, text

ECHOED = "a probe that must be answered"


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    pieces: tuple[bytes | float, ...]
    close: tuple[int | None, ...]
    """Codes of which one is said; None: no close frame, the connection just ends."""


def bad(name: str, *pieces: bytes | float, close: int = 1002) -> Case:
    return Case(name, pieces, (close,))


LATIN = "é".encode()
EURO = "€".encode()
FACE = "😀".encode()
WRONG_UTF8 = (
    *(
        b"\x80",
        b"\xbf",
        b"\xc0\xaf",
        b"\xc1\xbf",
        b"\xe0\x80\xaf",
        b"\xe0\x9f\xbf",
        b"\xf0\x80\x80\xaf",
    ),
    *(
        b"\xf0\x8f\xbf\xbf",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
    ),
    *(
        b"\xfe",
        b"\xff",
        b"\xc3",
        b"\xe2\x82",
        b"\xf0\x9f\x98",
        b"\xc3(",
        b"\xe2(\xa1",
        b"\xf0(\x8c\xbc",
    ),
)

CASES = (
    *(bad(f"RSV {rsv}", frame(b"2", rsv=rsv)) for rsv in range(1, 8)),
    *(
        bad(f"opcode {opcode}", frame(b"2", opcode))
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    ),
    bad("no mask", frame(b"2", masked=False)),
    bad("no mask on a ping", frame(b"", 9, masked=False)),
    bad("no mask on a close", frame(b"", 8, masked=False)),
    bad("a continuation of nothing", frame(b"2", 0)),
    bad("an end of nothing", frame(b"2", 0, fin=False)),
    bad("a new message inside another", frame(b"4", fin=False), frame(b"2")),
    bad("a binary message inside a text", frame(b"4", fin=False), frame(b"2", 2)),
    *(
        bad(f"control {opcode} in fragments", frame(b"a", opcode, fin=False))
        for opcode in (8, 9, 10)
    ),
    *(bad(f"control {opcode} of 126 bytes", frame(b"a" * 126, opcode)) for opcode in (8, 9, 10)),
    *(
        bad(f"control {opcode} with a long length", frame(b"a", opcode, form=2))
        for opcode in (8, 9, 10)
    ),
    bad("16 bits for a small length", frame(b"2", form=2)),
    bad("64 bits for a small length", frame(b"2", form=8)),
    bad("64 bits for a middling length", frame(b"2" * 200, form=8)),
    bad("the top bit of a length", frame(b"", length=1 << 63, form=8)),
    bad("more than a message may have", frame(b"", length=1_000_001, form=8), close=1009),
    bad("2^62 bytes", frame(b"", length=1 << 62, form=8), close=1009),
    bad(
        "too much in fragments",
        frame(b"4" * 600_000, fin=False),
        frame(b"4" * 600_000, 0),
        close=1009,
    ),
    bad("a close of one byte", frame(b"\x03", 8)),
    *(
        bad(f"close code {code}", close_frame(code))
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    ),
    bad("a close reason that is not UTF-8", close_frame(1000, b"\xff"), close=1007),
    *(bad(f"text {data!r}", frame(b'42["' + data + b'"]'), close=1007) for data in WRONG_UTF8),
    *(
        bad(
            f"text {data!r} in fragments",
            frame(b'42["', fin=False),
            frame(data, 0, fin=False),
            frame(b'"]', 0),
            close=1007,
        )
        for data in WRONG_UTF8[:8]
    ),
    bad("a character that never ends", frame(b'42["' + FACE[:2]), close=1007),
    *(
        Case(f"close {code} is answered", (close_frame(code),), (code,))
        for code in (1000, 1001, 1002, 1003, 1007, 1011, 1012, 3000, 4999)
    ),
    Case("a close without code is answered", (close_frame(None),), (1000, 1005)),
    Case("nothing after a close counts", (close_frame(1000) + frame(b"2", rsv=7),), (1000,)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "bytewise"])
def test_a_frame_that_ends_the_connection(port: int, case: Case, cut: bool) -> None:
    pieces = case.pieces
    if cut:
        whole = b"".join(piece for piece in pieces if isinstance(piece, bytes))
        if len(whole) > 2_000:
            pytest.skip("would take long and is the same as others")
        pieces = tuple(bytes([b]) for b in whole)
    with wire.open_websocket(port) as session:
        wire.put(session, *pieces)
        answer = wire.take(session)
    assert answer.closed
    assert wire.Frames(answer.data).close in case.close


def halves(data: bytes) -> list[tuple[bytes, ...]]:
    return [(data[:i], data[i:]) for i in range(1, len(data))]


FINE = (
    ("a ping", (frame(b"x", 9),)),
    ("a ping of 125 bytes", (frame(b"x" * 125, 9),)),
    ("a pong nobody asked for", (frame(b"x", 10),)),
    ("a ping between fragments", (frame(b'42["a', fin=False), frame(b"", 9), frame(b'"]', 0))),
    ("a hundred pings", (frame(b"x", 9) * 100,)),
    (
        "empty fragments",
        (frame(b'42["a"]', fin=False), frame(b"", 0, fin=False) * 100, frame(b"", 0)),
    ),
    (
        "fragments of a byte",
        (
            frame(b"4", fin=False)
            + b"".join(frame(bytes([b]), 0, fin=False) for b in b'2["a"')
            + frame(b"]", 0),
        ),
    ),
    ("frames that lie in one segment", (text('42["a"]') * 200,)),
    ("a mask of zeros", (frame(b'42["a"]', mask=b"\0\0\0\0"),)),
    *(
        (
            f"{char.decode()} cut at {len(first)}",
            (frame(b'42["' + first, fin=False), frame(rest + b'"]', 0)),
        )
        for char in (LATIN, EURO, FACE)
        for first, rest in halves(char)
    ),
    *(
        (f"a frame cut at {at}", (text('42["a"]')[:at], 0.02, text('42["a"]')[at:]))
        for at in range(1, len(text('42["a"]')))
    ),
)


@pytest.mark.parametrize("pieces", [one[1] for one in FINE], ids=[one[0] for one in FINE])
def test_a_frame_that_is_odd_and_right(port: int, pieces: tuple[bytes | float, ...]) -> None:
    with wire.open_websocket(port) as session:
        wire.put(session, *pieces, text('420["web_connected",{"v":2}]'))
        answer = wire.take(session)
    assert any(packet.startswith("430[") for packet in wire.Frames(answer.data).texts), answer.data[
        :300
    ]
    assert not answer.closed


def test_frames_in_the_segment_of_the_upgrade_are_served(port: int) -> None:
    with wire.dial(port) as session:
        wire.put(
            session,
            wire.request(wire.WEBSOCKET, *wire.UPGRADE)
            + text("40")
            + text('420["web_connected",{"v":2}]'),
        )
        answer = wire.take(session)
    frames = wire.Frames(answer.body)
    assert any(packet.startswith("40{") for packet in frames.texts)
    assert any(packet.startswith("430[") for packet in frames.texts)


def test_garbage_in_the_segment_of_the_upgrade_ends_that_one(port: int) -> None:
    with wire.dial(port) as session:
        wire.put(session, wire.request(wire.WEBSOCKET, *wire.UPGRADE) + frame(b"2", rsv=7))
        answer = wire.take(session)
    assert answer.closed
    assert wire.Frames(answer.body).close == 1002


def test_200_000_fragments_of_a_byte_end_the_connection_or_cost_little(port: int) -> None:
    with wire.open_websocket(port) as session:
        wire.put(session, frame(b"4", fin=False), frame(b"2", 0, fin=False) * 200_000)
        wire.put(session, struct.pack("!BB", 0x88, 0x80) + b"\0\0\0\0")
        answer = wire.take(session)
    assert answer.closed
