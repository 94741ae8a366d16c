"""The holes that others had, by name. The healthy beside them must not notice."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable

import pytest
import wire
from wire import HANDSHAKE, UPGRADE, WEBSOCKET, frame, posted, request, text

PROBE = text('420["web_connected",{"v":2}]')


def serves(port: int) -> None:
    with wire.open_websocket(port) as session:
        wire.put(session, PROBE)
        assert b"430[" in wire.take(session, until=b"430[").data


def ends(port: int, *pieces: bytes, code: int = 1005) -> None:
    with wire.open_websocket(port) as session:
        wire.put(session, *pieces)
        answer = wire.take(session, until=b"\x88")
        answer.data += wire.take(session, limit_s=1).data
    assert wire.Frames(answer.data).close == code


def cve_2020_36048(port: int) -> None:
    """A polling body of 100 MB."""
    target = f"{HANDSHAKE}&sid={wire.open_polling(port)}"
    answer = wire.said(port, request(target, "Content-Length: 100000000", method="POST"))
    assert answer.status == 413
    assert answer.closed


def cve_2020_36049(port: int) -> None:
    """A count of attachments in the millions."""
    ends(port, text('4599999999-["x"]'))
    ends(port, text("45" + "9" * 500_000))


def cve_2021_32640(port: int) -> None:
    """Blanks in Sec-WebSocket-Protocol, which took quadratic time."""
    field = "Sec-WebSocket-Protocol: x" + " " * 15_000 + "x"
    answer = wire.said(port, request(WEBSOCKET, *UPGRADE, field))
    assert answer.status in (101, 400)


def cve_2022_2421(port: int) -> None:
    """A placeholder whose index is no number."""
    for number in ('"splice"', '"__proto__"', "null", "[0]", "-1", "0.5"):
        ends(port, text(f'451-["x",{{"_placeholder":true,"num":{number}}}]'), frame(b"a", 2))


def cve_2022_21676(port: int) -> None:
    """A bad frame between the upgrade and who listens to it."""
    with wire.dial(port) as peer:
        wire.put(peer, request(WEBSOCKET, *UPGRADE) + frame(b"x", 3, rsv=7))
        assert wire.take(peer).closed


def cve_2022_41940(port: int) -> None:
    """A reset at the same place."""
    for _ in range(20):
        with wire.dial(port) as peer:
            wire.put(peer, request(WEBSOCKET, *UPGRADE))
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def cve_2023_31125(port: int) -> None:
    """`transport=__proto__`."""
    for upgrade in ((), UPGRADE):
        answer = wire.said(port, request("/socket.io/?EIO=4&transport=__proto__", *upgrade))
        assert answer.status == 400


def cve_2023_32695(port: int) -> None:
    """An event name that is no string."""
    for name in ('{"toString":1}', "null", "[]", "true"):
        ends(port, text(f"42[{name}]"))


def cve_2024_37890(port: int) -> None:
    """So many fields that the one that asks for the upgrade was not kept."""
    answer = wire.said(port, request(WEBSOCKET, *(f"X{n}: 1" for n in range(2_000)), *UPGRADE))
    assert answer.status == 431
    assert answer.closed


def cve_2024_38355(port: int) -> None:
    """An event named `error`, which nobody listened to."""
    with wire.open_websocket(port) as session:
        wire.put(session, text('42["error",{"message":"x"}]'), PROBE)
        assert b"430[" in wire.take(session, until=b"430[").data


def cve_2026_33151(port: int) -> None:
    """Attachments without bound: what they announce is held back until all are in."""
    ends(port, text('4511-["x"' + ',{"_placeholder":true,"num":0}' * 11 + "]"))


def cve_2026_69185(port: int) -> None:
    """An event of attachments that has none."""
    ends(port, text('450-["x"]'))


def cve_2026_48779(port: int) -> None:
    """A message of fragments of one byte or of none."""
    with wire.open_websocket(port) as session:
        wire.put(session, frame(b"4", fin=False), frame(b"", 0, fin=False) * 100_000)
        wire.put(session, frame(b"2", 0, fin=False) * 100_000)
        wire.put(session, wire.close_frame(None))
        assert wire.take(session, until=b"\x88").data.count(b"\x88") >= 1


def cve_2026_45736(port: int) -> None:
    """Close frames that told of memory nobody had written: ours have a code at most."""
    for packets in (
        (frame(b"2", rsv=7),),
        (frame(b"\x03", 8),),
        (text("49"),),
        (wire.close_frame(1000, b"x" * 100),),
    ):
        with wire.open_websocket(port) as session:
            wire.put(session, *packets)
            data = wire.take(session, quiet_s=1).data
        at = data.rindex(b"\x88")
        assert data[at + 1] in (0, 2), data[at:]
        assert len(data) == at + 2 + data[at + 1]


def deep_records(port: int) -> None:
    """A record 20,000 deep, which ended the reference when it was sent on."""
    deep = '{"id":"deep","x":' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}"
    ends(port, text(f'42["client_connected",{deep}]'))
    target = f"{HANDSHAKE}&sid={wire.open_polling(port)}"
    body = f'42["client_connected",{deep}]'.encode()
    assert wire.said(port, posted(target, body, "Connection: close")).status == 200


def many_arguments(port: int) -> None:
    """100,000 arguments, which ended the reference by its stack."""
    ends(port, text('42["client_connected"' + ",1" * 100_000 + "]"))


KNOWN: tuple[Callable[[int], None], ...] = (
    cve_2020_36048,
    cve_2020_36049,
    cve_2021_32640,
    cve_2022_2421,
    cve_2022_21676,
    cve_2022_41940,
    cve_2023_31125,
    cve_2023_32695,
    cve_2024_37890,
    cve_2024_38355,
    cve_2026_33151,
    cve_2026_69185,
    cve_2026_48779,
    cve_2026_45736,
    deep_records,
    many_arguments,
)


@pytest.mark.parametrize("attack", KNOWN, ids=lambda attack: attack.__name__)
def test_what_felled_others(port: int, attack: Callable[[int], None]) -> None:
    attack(port)
    serves(port)


def test_huge_legal_packets_do_not_stop_the_others(port: int) -> None:
    """A megabyte of what is slowest to read: keys, escapes, digits, all within the limits."""
    slowest = (
        '42["x",' + json.dumps({f"{n:04}" * 20: n for n in range(4_096)}) + "]",
        '42["x","' + "\\u00e9" * 150_000 + '"]',
        '42["x",' + "9" * 900_000 + "]",
        '42["x",[' + ",".join(["1"] * 400_000) + "]]",
    )
    with wire.open_websocket(port) as session:
        begun = time.monotonic()
        for packet in slowest:
            wire.put(session, text(packet))
        wire.put(session, PROBE)
        answer = wire.take(session, until=b"430[", limit_s=30)
    assert b"430[" in answer.data or answer.closed
    assert time.monotonic() - begun < 30
