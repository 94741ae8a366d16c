"""Writes seeds/fuzz_session_*/golden-*: the recorded exchanges of ../conformance/golden as scripts.

What a script may say is in session_script.hpp. Run it again when the recordings change:
`python tests/fuzz/make_session_seeds.py`.
"""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ESCAPE = b"\xf5"
MOST_BYTES = 3000  # of one seed: short ones run fast

Event = dict[str, Any]


def frame(opcode: int, payload: bytes, masked: bool) -> bytes:
    """A websocket frame; a mask of zeros leaves the text as it is."""
    bit = 0x80 if masked else 0
    head = bytes([0x80 | opcode])
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    else:
        head += bytes([bit | 126]) + len(payload).to_bytes(2, "big")
    return head + (bytes(4) if masked else b"") + payload


def bytes_of(event: Event) -> bytes:
    """The body of what was recorded."""
    if "hex" in event:
        return bytes.fromhex(event["hex"])
    return str(event.get("text", "")).encode()


def wire_of(event: Event, masked: bool) -> bytes | None:
    """What was sent, or nothing when it was no sending."""
    match event["kind"]:
        case "http-request" | "http-response":
            body = bytes_of(event)
            fields = [(n, v) for n, v in event["headers"] if n.lower() != "transfer-encoding"]
            if event["kind"] == "http-response" and not any(
                n.lower() == "content-length" for n, _ in fields
            ):
                fields.append(("Content-Length", str(len(body))))
            lines = [event["line"], *(f"{n}: {v}" for n, v in fields)]
            return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
        case "ws-text":
            return frame(1, bytes_of(event), masked)
        case "ws-binary":
            return frame(2, bytes_of(event), masked)
        case "ws-close":
            code = event.get("code")
            return frame(8, code.to_bytes(2, "big") if code else b"", masked)
        case "raw-unparsed":
            return bytes_of(event)
    return None


def named(raw: bytes, ids: list[str]) -> bytes:
    """Session ids are others in each run: `$0` is the first one."""
    for i, sid in enumerate(ids[:8]):
        raw = raw.replace(sid.encode(), f"${i}".encode())
    return raw


def session_ids(events: list[Event]) -> list[str]:
    """In the order in which the server gave them."""
    found: list[str] = []
    for e in events:
        text = str(e.get("text", ""))
        at = text.find('0{"sid":"')
        if e.get("dir") == "s2c" and at >= 0 and (at == 0 or text[at - 1] != "4"):
            found.append(text[at + 9 :].split('"')[0])
    return found


class Script:
    """Collects what peers send, by the numbers they have in a script."""

    def __init__(self, steer: int, peers: int) -> None:
        self.out = bytearray([steer])
        self.peers = peers
        self.who: dict[int, int] = {}

    def say(self, connection: int, raw: bytes) -> bool:
        """False: it is long enough."""
        if connection not in self.who:
            self.who[connection] = len(self.who)
            if len(self.who) > self.peers:
                again = self.who[connection] % self.peers
                self.out += ESCAPE + b"%d" % again + ESCAPE + b"x"
        self.out += (
            ESCAPE + b"%d" % (self.who[connection] % self.peers) + raw.replace(ESCAPE, ESCAPE * 2)
        )
        return len(self.out) < MOST_BYTES


def server_seed(events: list[Event], steer: int) -> bytes:
    """What clients have sent, for a server of ours."""
    ids = session_ids(events)
    script = Script(steer, 4)
    for e in events:
        raw = wire_of(e, masked=True) if e.get("dir") == "c2s" and "conn" in e else None
        if raw is not None and not script.say(e["conn"], named(raw, ids)):
            break
    return bytes(script.out)


def client_seed(events: list[Event], steer: int) -> bytes:
    """What servers have answered, for a client of ours; connections in the order of its calls."""
    script = Script(steer, 8)
    for e in events:
        raw = wire_of(e, masked=False) if e.get("dir") == "s2c" and "conn" in e else None
        if raw is None:
            continue
        head, accept, rest = raw.partition(b"Sec-WebSocket-Accept: ")
        if accept:
            raw = head + accept + b"$a" + rest[28:]
        if not script.say(e["conn"], raw):
            break
    return bytes(script.out)


def proxy_seed(events: list[Event], steer: int) -> bytes:
    """Both sides, for a proxy between them: clients 0 to 3, nodes 4 to 7."""
    script = Script(steer, 4)
    nodes: dict[int, int] = {}
    for e in events:
        if "conn" not in e:
            continue
        raw = wire_of(e, masked=e["dir"] == "c2s")
        if raw is None:
            continue
        if e["dir"] == "c2s":
            nodes.setdefault(e["conn"], len(nodes))
            more = script.say(e["conn"], raw)
        else:
            node = 4 + nodes.get(e["conn"], 0)
            if node > 7:
                break
            script.out += ESCAPE + b"%d" % node + raw.replace(ESCAPE, ESCAPE * 2)
            more = len(script.out) < MOST_BYTES
        if not more:
            break
    return bytes(script.out)


def bulk(*parts: bytes) -> bytes:
    """An array of bulk strings."""
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def redis_seed(events: list[Event]) -> bytes:
    """Messages as Redis would have passed them on, behind its greeting."""
    hello = b"*4\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
    confirmed = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
    out = b"\x00" + ESCAPE + b"0" + hello + ESCAPE + b"1" + hello + confirmed
    replies = (
        b"$-1\r\n",
        b"+OK\r\n",
        b":1\r\n:2\r\n",
        b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:2\r\n",
    )
    for n, reply in enumerate(replies):
        out += ESCAPE + b"a" + bytes([n]) + ESCAPE + b"0" + reply
    out += ESCAPE + b"1"
    for e in events:
        if e["kind"] != "redis-cmd" or len(out) > MOST_BYTES:
            continue
        if e["cmd"].upper() in ("PUBLISH", "SPUBLISH"):
            out += bulk(b"message", b"news", bytes_of(e["args"][1])).replace(ESCAPE, ESCAPE * 2)
    return out


def write(target: str, name: str, script: bytes) -> None:
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"golden-{name}").write_bytes(script)


def main() -> None:
    for path in sorted((HERE.parent / "conformance" / "golden").glob("*.json")):
        events: list[Event] = json.loads(path.read_text())
        name = path.stem
        if name.startswith("redis-"):
            write("fuzz_session_redis", name, redis_seed(events))
        if not any("conn" in e for e in events):
            continue
        steer = 2 if "recovery" in name else 4 if "deflate" in name else 0
        write("fuzz_session_server", name, server_seed(events, steer))
        write("fuzz_session_proxy", name, proxy_seed(events, 0))
        old = 4 if name.startswith(("a-", "b-")) or "eio3" in name else 0
        write("fuzz_session_client", name, client_seed(events, old | ("-ws" in name)))


if __name__ == "__main__":
    main()
