"""`mad.socketio.Emitter` against what the emitters of Node have sent, and against a Redis."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from mad.socketio import Emitter
from mad.socketio._packed import pack
from mad.socketio._publisher import Publisher

_GOLDEN = Path(__file__).parents[2] / "conformance" / "golden"


def _recorded(name: str) -> list[tuple[str, bytes]]:
    def raw(arg: dict[str, str]) -> bytes:
        return bytes.fromhex(arg["hex"]) if "hex" in arg else arg["text"].encode()

    records = json.loads((_GOLDEN / f"{name}.json").read_text())
    return [
        (record["args"][0]["text"], raw(record["args"][1]))
        for record in records
        if record.get("dir") == "emitter->redis"
    ]


def test_it_sends_what_the_emitter_of_node_sends() -> None:
    sent: list[tuple[str, bytes]] = []
    out = Emitter(lambda channel, message: sent.append((channel, message)))
    out.emit("all", 1)
    out.to("room1").emit("r", b"\x01")
    out.of("/chat").to(["a", "b"]).except_("c").volatile.emit("x")
    out.in_("room1").sockets_join("z")
    out.in_("room1").sockets_leave("z", "w")
    out.in_("room1").disconnect_sockets(True)
    out.server_side_emit("sse", "e")
    assert sent == _recorded("redis-adapter-8")


def test_with_compat_it_sends_what_the_old_one_sends() -> None:
    sent: list[tuple[str, bytes]] = []
    out = Emitter(lambda channel, message: sent.append((channel, message)), compat=True)
    out.emit("all", 1)
    out.to("room1").emit("r", b"\x01")
    out.of("chat").to("a").to("b").emit("x")
    out.volatile.emit("v")
    assert sent == _recorded("redis-socket.io-redis-5.2")
    with pytest.raises(RuntimeError, match="no requests"):
        out.sockets_join("x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "c0"),
        (127, "7f"),
        (128, "cc80"),
        (65536, "ce00010000"),
        (2**32, "cf0000000100000000"),
        (2**64, "cb43f0000000000000"),
        (-32, "e0"),
        (-33, "d0df"),
        (-32769, "d2ffff7fff"),
        (-(2**63), "d38000000000000000"),
        (2.0, "02"),
        (-0.0, "00"),
        (1.5, "cb3ff8000000000000"),
        ("h\u00e9", "a368c3a9"),
        ("x" * 32, "d920" + "78" * 32),
        (b"\x01", "c40101"),
        ([True, [], {}], "93c39080"),
        ({"a": 1}, "81a16101"),
        (list(range(16)), "dc0010" + "".join(f"{n:02x}" for n in range(16))),
    ],
)
def test_values_are_packed_in_their_smallest_form(value: Any, expected: str) -> None:
    assert pack(value).hex() == expected


@pytest.mark.parametrize("value", [object(), {1: 2}, {1, 2}])
def test_what_cannot_be_sent_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        pack(value)


@pytest.mark.parametrize("name", ["connect", "disconnect", "newListener"])
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        Emitter(lambda _channel, _message: None).emit(name)


@pytest.mark.parametrize("url", ["http://localhost", "localhost", "redis://localhost/x"])
def test_a_wrong_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError):
        Publisher(url)


class _Redis:
    """Says what it was told to, once for each command, and ends connections when asked."""

    def __init__(self, *answers: bytes | None) -> None:
        self._answers = list(answers)
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._answers:
            connection, _ = self._listener.accept()
            with connection:
                while self._answers:
                    heard = connection.recv(65536)
                    if not heard:
                        break
                    self.heard.append(heard)
                    answer = self._answers.pop(0)
                    if answer is None:
                        break
                    connection.sendall(answer)

    def end(self) -> None:
        self._thread.join(10)
        self._listener.close()


def test_a_publisher_says_who_it_is_and_connects_again() -> None:
    redis = _Redis(b"+OK\r\n", b"+OK\r\n", b":2\r\n", None, b"+OK\r\n", b"+OK\r\n", b":3\r\n")
    publish = Publisher(f"redis://me:p%40ss@127.0.0.1:{redis.port}/1")
    assert publish("channel", b"\x00\r\n") == 2
    assert publish("channel", b"again") == 3
    publish.close()
    redis.end()
    assert redis.heard[0] == b"*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$4\r\np@ss\r\n"
    assert redis.heard[1] == b"*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n"
    assert redis.heard[2] == b"*3\r\n$7\r\nPUBLISH\r\n$7\r\nchannel\r\n$3\r\n\x00\r\n\r\n"
    assert redis.heard[3] == redis.heard[6]


def test_an_error_of_redis_is_raised_with_its_words() -> None:
    redis = _Redis(b"-NOPERM this user has no permissions\r\n")
    publish = Publisher(f"redis://127.0.0.1:{redis.port}")
    with pytest.raises(Exception, match="NOPERM this user"):
        publish("channel", b"x")
    publish.close()
    redis.end()
