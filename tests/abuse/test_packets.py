"""Socket.IO packets that no client sends: the session ends, nothing of them reaches a handler."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import pytest
import wire
from wire import HANDSHAKE, frame, posted, request, text

PROBE = '420["web_connected",{"v":2}]'
"""What a node answers with `430[`."""

CLOSED = b"\x88\x00"
"""A close frame without a code, as the reference ends a session that breaks the protocol."""

Packet = str | bytes
"""Text, or an attachment."""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    packets: tuple[Packet, ...]
    connected: bool = True
    """Sent after the session has joined `/`."""


def wrong(name: str, *packets: Packet) -> Case:
    return Case(name, packets)


def before(name: str, *packets: Packet) -> Case:
    return Case(name, packets, connected=False)


def placeholder(number: object) -> str:
    return json.dumps({"_placeholder": True, "num": number})


def binary(count: object, *numbers: object) -> str:
    return f'45{count}-["x",{",".join(placeholder(n) for n in numbers)}]'


def nested(depth: int) -> str:
    return '42["x",' + "[" * depth + "]" * depth + "]"


def members(count: int) -> str:
    return '42["x",{' + ",".join(f'"{i}":0' for i in range(count)) + "}]"


WRONG_TEXTS = (
    *("4", "49", "47", "4x", "4-1", "4 2[]", "4\x00", "4é", "48[]", "4:", "4[]"),
    *(
        "42{}",
        "42[]",
        "42[null]",
        "42[true]",
        '42[{"a":1}]',
        '42[["a"]]',
        "42{",
        "42[",
        '42["a"',
        '42["a",',
        '42["a",]',
    ),
    *(
        '42["a"]]',
        '42["a"]x',
        '42["a"]["b"]',
        "42'a'",
        '42["a" "b"]',
        '42["a":1]',
        "42nul",
        "42null",
        "42true",
        '42"a"',
    ),
    *(
        '42["a",+1]',
        '42["a",01]',
        '42["a",.5]',
        '42["a",1.]',
        '42["a",1e]',
        '42["a",0x1]',
        '42["a",NaN]',
        '42["a",Infinity]',
        '42["a",-]',
        '42["a",1e999]',
    ),
    *('42["a","\\x"]', '42["a","\\u12"]', '42["a","\n"]', '42["a","\x01"]', '42["a","\t"]'),
    *(
        '42["a",undefined]',
        '42["a",/*b*/1]',
        '42["a",{a:1}]',
        '42["a",{"b":}]',
        '42["a",{"b"}]',
        '42["a",{"b":1,}]',
        '42["a",{,}]',
        '42["a",{1:1}]',
    ),
    *(
        '42abc["a"]',
        '42-1["a"]',
        '421.5["a"]',
        '42+1["a"]',
        '42/nope,["a"]',
        '42/nope,1["a"]',
        "42//,[]",
        '42/a["a"]',
    ),
    *(
        "431{}",
        '431"a"',
        "431null",
        "43abc[]",
        "43/nope,1[]",
        "41{}",
        "41[]",
        "41/nope,",
        "411",
        "41x",
    ),
    *(
        '44{"message":"x"}',
        "44",
        '44"x"',
        "44/nope,",
        "40",
        "40{}",
        '40{"token":"again"}',
        "40[]",
        '40"x"',
        "40null",
        "401",
        "40{",
        "40{}x",
    ),
    *(
        f'42["{name}"]'
        for name in (
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "newListener",
            "removeListener",
        )
    ),
    *(
        '45["a"]',
        '45-["a"]',
        '450-["a"]',
        '45-1-["a"]',
        '4511-["a"]',
        '45999999999999999999-["a"]',
        '45x-["a"]',
        '451.5-["a"]',
        '45+1-["a"]',
    ),
    *("461-{}", "460-[]", "46-[]", "4611-[]", "461", "451-", "451-1", "451-{}", "451-[]"),
)

WRONG = (
    *(wrong(repr(packet)[1:40], packet) for packet in WRONG_TEXTS),
    *(
        wrong(f"placeholder {number!r}", binary(1, number), b"a")
        for number in ("0", None, -1, 1, 1.5, 1e20, [0], {"a": 0}, "__proto__", True, 2**53)
    ),
    wrong("a placeholder without a number", '451-["x",{"_placeholder":true}]', b"a"),
    wrong("text where an attachment is awaited", binary(1, 0), '42["a"]'),
    wrong("text between attachments", binary(2, 0, 1), b"a", '42["a"]'),
    wrong("an event of attachments inside another", binary(1, 0), binary(1, 0)),
    wrong("an attachment that nobody awaits", b"a"),
    wrong("an attachment too many", binary(1, 0), b"a", b"b"),
    wrong("eleven attachments", binary(11, *range(11)), *(b"a" for _ in range(11))),
    wrong(
        "attachments larger than a message may be", binary(2, 0, 1), b"a" * 600_000, b"a" * 600_000
    ),
    wrong("nesting of 66", nested(66)),
    wrong("nesting of 1,000", nested(1_000)),
    wrong("nesting of 400,000", nested(400_000)),
    wrong("objects 1,000 deep", '42["x",' + '{"a":' * 1_000 + "1" + "}" * 1_000 + "]"),
    wrong("brackets without end", '42["x",' + "[" * 400_000),
    wrong("65 arguments", '42["x"' + ",1" * 65 + "]"),
    wrong("100,000 arguments", '42["x"' + ",1" * 100_000 + "]"),
    wrong("an answer of 100,000 arguments", "431[" + ",".join(["1"] * 100_000) + "]"),
    wrong("4,097 members", members(4_097)),
    wrong("60,000 members", members(60_000)),
    wrong("4,097 members in the auth object", "40" + members(4_097)[7:-1]),
    wrong("an event name of 257 bytes", '42["' + "x" * 257 + '"]'),
    wrong("an event name of 900 kB", '42["' + "x" * 900_000 + '"]'),
    wrong("a namespace of 900 kB", "42/" + "x" * 900_000 + ",[]"),
    wrong("an id of 65 bits", '4218446744073709551616["x"]'),
    wrong("an answer to an id of 65 bits", "4318446744073709551616[1]"),
    wrong("an id of 900 kB", "42" + "9" * 900_000 + '["x"]'),
    before("an event before CONNECT", '42["a"]'),
    before("an answer before CONNECT", "431[]"),
    before("DISCONNECT before CONNECT", "41"),
    before("an attachment before CONNECT", b"a"),
    before("an event of attachments before CONNECT", binary(1, 0), b"a"),
    before("CONNECT_ERROR before CONNECT", '44{"message":"x"}'),
    before("rubbish before CONNECT", "4~"),
    *(
        before(f"CONNECT with {auth!r}", "40" + auth)
        for auth in ("[]", '"x"', "null", "true", "{", "{}x", "{a:1}", "{'a':1}")
    ),
    before("CONNECT with nesting of 1,000", '40{"a":' + "[" * 1_000 + "]" * 1_000 + "}"),
)


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_over_websocket_the_session_ends(port: int, case: Case) -> None:
    with wire.open_websocket(port, connect=case.connected) as session:
        for packet in case.packets:
            wire.put(session, text(packet) if isinstance(packet, str) else frame(packet, 2))
        wire.put(session, text(PROBE))
        answer = wire.take(session, until=CLOSED)
        wire.put(session, wire.close_frame(None))
        assert wire.take(session).closed
    frames = wire.Frames(answer.data)
    assert frames.close == 1005, answer.data[:300]
    assert not any(packet.startswith("43") for packet in frames.texts)


def body_of(packets: tuple[Packet, ...]) -> bytes:
    return b"\x1e".join(
        packet.encode() if isinstance(packet, str) else b"b" + base64.b64encode(packet)
        for packet in packets
    )


@pytest.mark.parametrize(
    "case",
    [case for case in WRONG if len(body_of(case.packets)) < 950_000],
    ids=lambda case: case.name,
)
def test_over_polling_the_session_ends(port: int, case: Case) -> None:
    sid = wire.open_polling(port, connect=case.connected)
    target = f"{HANDSHAKE}&sid={sid}"
    body = body_of((*case.packets, PROBE))
    sent = wire.said(port, posted(target, body, "Connection: close"))
    assert sent.status == 200, sent.data[:200]
    for _ in range(3):  # what was owed, and the end
        polled = wire.said(port, request(target, "Connection: close"))
        if polled.status == 400:
            break
    assert json.loads(polled.body)["code"] == 1
    assert b"430[" not in polled.body


FINE: tuple[tuple[str, tuple[Packet, ...]], ...] = (
    ("an unknown event", ('42["nobody-listens",{"a":1}]',)),
    ("an event named error", ('42["error",{"a":1}]',)),
    ("an event named connection", ('42["connection"]',)),
    ("an event named __proto__", ('42["__proto__",{"a":1}]',)),
    ("an event named constructor", ('42["constructor"]',)),
    ("an event named toString", ('42["toString"]',)),
    ("an empty event name", ('42[""]',)),
    ("an event name of 256 bytes", ('42["' + "x" * 256 + '"]',)),
    ("a number for a name", ("42[1]",)),
    ("an event without payload", ("42",)),
    ("an answer without payload", ("43",)),
    ("an answer nobody asked for", ("4312[1]",)),
    ("an event of a namespace without name and payload", ("42/",)),
    ("the largest id", ('4218446744073709551615["nobody-listens"]',)),
    ("half of a pair", ('42["a","\\ud800","\\udc00"]',)),
    ("blanks behind", ('42["a"] ',)),
    ("blanks in JSON", ('42 [ "a" , { } ]',)),
    ("blanks around", ('42[ "a" ]',)),
    ("keys __proto__", ('42["a",{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}]',)),
    ("keys twice", ('42["a",{"b":1,"b":2}]',)),
    ("60 levels", (nested(60),)),
    ("63 arguments", ('42["x"' + ",1" * 63 + "]",)),
    ("4,096 members", (members(4_096),)),
    ("escapes", ('42["a","\\u0000\\ud83d\\ude00\\/\\b"]',)),
    ("numbers", ('42["a",-0,1e308,123456789012345678901234567890,1E-400]',)),
    ("900 kB of text", ('42["a","' + "x" * 900_000 + '"]',)),
    ("100 kB of quotes", ('42["a","' + '\\"' * 50_000 + '"]',)),
    ("an attachment", (binary(1, 0), b"abc")),
    ("an empty attachment", (binary(1, 0), b"")),
    ("one attachment twice", (binary(1, 0, 0), b"abc")),
    ("an attachment nobody names", ('451-["x",1]', b"abc")),
    ("ten attachments", (binary(10, *range(10)), *(b"a" for _ in range(10)))),
    ("a placeholder in a plain event", ('42["x",' + placeholder(5) + "]",)),
    ("an unknown namespace", ("40/nope,",)),
    ("an unknown namespace without comma", ("40/nope",)),
    ("a namespace of 300 bytes", ("40/" + "x" * 300 + ",",)),
    ("a namespace __proto__", ("40/__proto__,",)),
    ("a namespace with a query", ("40/nope?token=1,{}",)),
    ("a thousand namespaces", tuple(f"40/n{i}," for i in range(1_000))),
)


@pytest.mark.parametrize("packets", [one[1] for one in FINE], ids=[one[0] for one in FINE])
def test_what_is_odd_and_right_harms_nothing(port: int, packets: tuple[Packet, ...]) -> None:
    with wire.open_websocket(port) as session:
        for packet in packets:
            wire.put(session, text(packet) if isinstance(packet, str) else frame(packet, 2))
        wire.put(session, text(PROBE))
        answer = wire.take(session, until=b"430[")
    said = wire.Frames(answer.data).texts
    assert any(packet.startswith("430[") for packet in said), answer.data[:300]
    refused = sum(isinstance(packet, str) and packet.startswith("40/") for packet in packets)
    assert sum(packet.startswith("44/") for packet in said) == refused


def test_a_refused_namespace_is_named(port: int) -> None:
    with wire.open_websocket(port) as session:
        wire.put(session, text("40/nope,"))
        answer = wire.take(session, until=b"44/nope")
    assert '44/nope,{"message":"Invalid namespace"}' in wire.Frames(answer.data).texts


@pytest.mark.parametrize(
    "record",
    [
        *(
            None,
            1,
            "x",
            [],
            True,
            {},
            {"id": 1},
            {"id": ""},
            {"id": None},
            {"id": "a\nb"},
            {"id": "a\x1b[31m"},
        ),
        *(
            {"id": "x" * 129},
            {"id": ["x"]},
            {"id": "x\u0000"},
            {"id": "fat", "v": 2, "fill": "x" * 17_000},
        ),
    ],
    ids=lambda record: repr(record)[:32],
)
def test_a_record_that_is_wrong_is_dropped_and_told(port: int, record: object) -> None:
    """The session goes on: the packet is right, what it says is not."""
    with wire.open_websocket(port) as session:
        wire.put(session, text("421" + json.dumps(["client_connected", record])), text(PROBE))
        answer = wire.take(session, until=b"430[")
    said = wire.Frames(answer.data).texts
    told = [packet for packet in said if packet.startswith("431[")]
    assert len(told) == 1, said
    assert "error" in json.loads(told[0][3:])[0]
    listed = [packet for packet in said if packet.startswith("430[")]
    assert "fat" not in listed[0]
