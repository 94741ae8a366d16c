"""Bytes as they are put on the wire, and what came back. Nothing here knows what is right."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import struct
import time
from dataclasses import dataclass, field

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
LIMIT_S = 15.0
"""Nothing here takes longer unless it hangs."""


@dataclass(slots=True)
class Answer:
    """All that came until the peer closed, or nothing more came for a while."""

    data: bytes = b""
    closed: bool = False
    """The peer has ended the connection."""

    @property
    def status(self) -> int | None:
        """Of the first answer; None when there is none."""
        words = self.data.split(b"\r\n", 1)[0].split(b" ")
        return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/1.") else None

    @property
    def statuses(self) -> list[int]:
        return [int(part[:3]) for part in self.data.split(b"HTTP/1.1 ")[1:]]

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]


def dial(port: int) -> socket.socket:
    wire = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def put(wire: socket.socket, *pieces: bytes | float) -> None:
    """Sends pieces one after the other; a number is a pause in seconds. A peer that has already
    closed does not matter: what it said is what is judged."""
    for piece in pieces:
        if isinstance(piece, float):
            time.sleep(piece)
            continue
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            wire.sendall(piece)


def take(
    wire: socket.socket, quiet_s: float = 0.4, limit_s: float = LIMIT_S, until: bytes = b""
) -> Answer:
    """Reads until the peer closes, `until` has come, or there was silence for `quiet_s` after
    something came (with `until`: for as long as the limit)."""
    if until:
        quiet_s = limit_s
    answer, end = Answer(), time.monotonic() + limit_s
    while (left := end - time.monotonic()) > 0 and not (until and until in answer.data):
        wire.settimeout(min(left, quiet_s if answer.data else left))
        try:
            more = wire.recv(65_536)
        except TimeoutError:
            if answer.data:
                break
            continue
        except ConnectionResetError:
            answer.closed = True
            break
        if not more:
            answer.closed = True
            break
        answer.data += more
    return answer


def said(port: int, *pieces: bytes | float, quiet_s: float = 0.4) -> Answer:
    """What a new connection is answered to these bytes."""
    with dial(port) as wire:
        put(wire, *pieces)
        return take(wire, quiet_s)


def frame(
    payload: bytes = b"",
    opcode: int = 1,
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    mask: bytes = b"\x01\x02\x03\x04",
    length: int | None = None,
    form: int | None = None,
) -> bytes:
    """A websocket frame. `length`: what is claimed; `form`: bytes of the length field (0, 2, 8)."""
    size = len(payload) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if masked else 0
    if form is None:
        form = 0 if size < 126 else 2 if size < 65_536 else 8
    if form == 0:
        head = struct.pack("!BB", first, bit | size)
    elif form == 2:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not masked:
        return head + payload
    repeated = mask * (len(payload) // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(payload, repeated, strict=False))


def text(packet: str) -> bytes:
    return frame(packet.encode())


def close_frame(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(b"" if code is None else struct.pack("!H", code) + reason, 8)


def request(
    target: str,
    *fields: str,
    method: str = "GET",
    version: str = "1.1",
    host: str | None = "localhost",
    body: bytes = b"",
) -> bytes:
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines.extend(fields)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def posted(target: str, body: bytes, *fields: str) -> bytes:
    return request(target, f"Content-Length: {len(body)}", *fields, method="POST", body=body)


UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    f"Sec-WebSocket-Key: {KEY}",
    "Sec-WebSocket-Version: 13",
)
HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


@dataclass(slots=True)
class Frames:
    """The frames of the server in some bytes."""

    data: bytes
    texts: list[str] = field(default_factory=list)
    close: int | None = None
    """The code of a close frame; 1005 for one without."""
    used: int = 0
    """Bytes that whole frames took."""

    def __post_init__(self) -> None:
        at = 0
        while len(self.data) - at >= 2:
            opcode, size = self.data[at] & 15, self.data[at + 1] & 127
            head = 2
            if size == 126:
                size, head = struct.unpack_from("!H", self.data, at + 2)[0], 4
            elif size == 127:
                size, head = struct.unpack_from("!Q", self.data, at + 2)[0], 10
            if len(self.data) < at + head + size:
                break
            payload = self.data[at + head : at + head + size]
            if opcode == 1:
                self.texts.append(payload.decode())
            elif opcode == 8:
                self.close = struct.unpack("!H", payload[:2])[0] if size >= 2 else 1005
            at += head + size
        self.used = at


def open_websocket(port: int, connect: bool = True) -> socket.socket:
    """A session of namespace `/`, with all that the server says first already read."""
    wire = dial(port)
    put(wire, request(WEBSOCKET, *UPGRADE))
    seen = b""
    wanted = [b"\r\n\r\n", b'"maxPayload"']
    if connect:
        put(wire, text("40"))
        wanted.append(b'40{"sid"')
    until = time.monotonic() + LIMIT_S
    while not all(mark in seen for mark in wanted):
        if time.monotonic() > until:
            raise AssertionError(f"no session: {seen[:200]!r}")
        more = wire.recv(65_536)
        if not more:
            raise AssertionError(f"no session: {seen[:200]!r}")
        seen += more
    assert seen.startswith(b"HTTP/1.1 101 "), seen[:80]
    return wire


def open_polling(port: int, connect: bool = True) -> str:
    """The id of a polling session; connected to namespace `/`, with the answers read."""
    opened = said(port, request(HANDSHAKE, "Connection: close"))
    assert opened.status == 200, opened.data[:200]
    sid = opened.body.split(b'"sid":"')[1].split(b'"')[0].decode()
    if not connect:
        return sid
    target = f"{HANDSHAKE}&sid={sid}"
    assert said(port, posted(target, b"40", "Connection: close")).status == 200
    assert b"40{" in said(port, request(target, "Connection: close")).body
    return sid


def nonce() -> str:
    return base64.b64encode(os.urandom(16)).decode()
