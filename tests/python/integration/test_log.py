"""What native threads log reaches Python's `logging`."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from socketio_kit import LIMIT, Seen, in_child

import mad
from mad import _log
from mad.socketio import AsyncClient, Client, Server

pytestmark = pytest.mark.usefixtures("module")


class Collected(logging.Handler):
    """Every record of the logger, as it is handled."""

    def __init__(self) -> None:
        super().__init__()
        self.records = Seen()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.add(record)

    def wait_for(self, event: str) -> logging.LogRecord:
        """The first record of that event."""
        count = 0
        while True:
            count += 1
            record = self.records.wait(count)[count - 1]
            if getattr(record, "event", "") == event:
                assert isinstance(record, logging.LogRecord)
                return record

    @property
    def events(self) -> list[str]:
        return [getattr(one, "event", one.getMessage()) for one in self.records.now]


@pytest.fixture
def log() -> Iterator[Collected]:
    """Of the logger `mad`, which is as verbose as it can be."""
    gc.collect()  # servers that earlier tests left in a cycle still log, and would be waited for
    handler = Collected()
    logger = logging.getLogger("mad")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


def open_session(url: str) -> None:
    with urllib.request.urlopen(url + "/socket.io/?EIO=4&transport=polling", timeout=LIMIT) as got:
        got.read()


def test_an_event_is_a_record_with_its_fields(log: Collected) -> None:
    with mad.ApiServer() as api:
        record = log.wait_for("fleet.api.started")
    assert (record.name, record.levelno) == ("mad", logging.INFO)
    assert record.__dict__["fields"]["url"] == api.url
    assert record.getMessage().startswith("fleet.api.started node=")
    assert record.getMessage().endswith(f" url={api.url}")


@pytest.mark.parametrize(
    ("make", "event", "level"),
    [
        (lambda: Server(), "engine.session.opened", logging.DEBUG),
        (lambda: mad.ApiServer(), "engine.session.opened", logging.DEBUG),
        (lambda: Server(max_connections=1), "http.connection.refused", logging.WARNING),
    ],
)
def test_levels_are_those_of_logging(log: Collected, make: Any, event: str, level: int) -> None:
    with make() as server, Client(server.url, transports=["websocket"]):
        if level == logging.WARNING:
            with pytest.raises(OSError):
                open_session(server.url)
        assert log.wait_for(event).levelno == level


def test_an_agent_that_finds_no_node_warns(log: Collected) -> None:
    with mad.Agent("http://127.0.0.1:1", id="lonely"):
        record = log.wait_for("fleet.agent.not_connected")
    assert record.levelno == logging.WARNING
    assert record.__dict__["fields"]["why"] in record.getMessage() or '"' in record.getMessage()


def test_clients_log_too(log: Collected) -> None:
    async def main(url: str) -> None:
        async with AsyncClient(url):
            pass

    with Server() as io:
        with Client(io.url):
            log.wait_for("engine.client.opened")
        before = len(log.records.now)
        asyncio.run(main(io.url))
        assert "engine.client.opened" in log.events[before:]


@pytest.mark.parametrize(
    ("level", "expected"),
    [(logging.INFO, ["fleet.api.started"]), (logging.WARNING, []), (logging.CRITICAL, [])],
)
def test_what_the_logger_does_not_want_is_not_told(
    log: Collected, level: int, expected: list[str]
) -> None:
    logging.getLogger("mad").setLevel(level)
    with mad.ApiServer() as api:
        open_session(api.url)
    assert log.events == expected


def test_a_level_that_was_set_after_the_server_was_made_counts(log: Collected) -> None:
    logging.getLogger("mad").setLevel(logging.ERROR)
    io = Server()
    logging.getLogger("mad").setLevel(logging.DEBUG)
    with io:
        open_session(io.url)
        log.wait_for("engine.session.opened")


def test_everything_is_told_when_stop_returns_and_no_thread_is_left(log: Collected) -> None:
    for _ in range(20):
        with Server() as io, Client(io.url):
            pass
        assert log.events.count("engine.session.opened") == log.events.count("engine.client.closed")
        assert not any(t.name == "mad-log" for t in threading.enumerate())
    assert log.events.count("engine.session.opened") == 20


def test_text_of_peers_forges_no_line() -> None:
    shown = [_log._shown(v) for v in ("plain", "two words", "a\nb", 'q"', "", "ü", "a=b", "\x1b[m")]
    assert shown == [
        "plain",
        '"two words"',
        '"a\\nb"',
        '"q\\""',
        '""',
        "ü",
        '"a=b"',
        '"\\u001b[m"',
    ]
    assert [_log._shown(v) for v in (1, 1.5, True, False)] == ["1", "1.5", "true", "false"]


def test_events_that_nobody_takes_in_time_are_counted(log: Collected) -> None:
    held, go = Seen(), threading.Event()

    class Holding(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not held.now:
                held.add(record)
                assert go.wait(LIMIT)

    holding = Holding()
    logging.getLogger("mad").addHandler(holding)
    try:
        with Server() as io:
            open_session(io.url)
            held.wait()
            for _ in range(1100):
                open_session(io.url)
            go.set()
        lost = [r for r in log.records.now if r.getMessage().startswith("log.lost")]
        assert lost  # once or more: sessions end, too, while the last of it is told
        assert {r.levelno for r in lost} == {logging.WARNING}
        told = log.events.count("engine.session.opened")
        assert told < 1101
        assert sum(int(r.getMessage().partition("=")[2]) for r in lost) >= 1101 - told
    finally:
        go.set()
        logging.getLogger("mad").removeHandler(holding)


@pytest.mark.usefixtures("log")
def test_a_handler_of_logging_may_use_the_server_that_logs() -> None:
    seen = Seen()

    class Sending(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if getattr(record, "event", "") == "engine.session.opened":
                io.emit("log", record.getMessage())
                seen(len(io.fetch_sockets_blocking()))

    sending = Sending()
    logging.getLogger("mad").addHandler(sending)
    try:
        with Server() as io, Client(io.url):
            assert seen.wait()[0] in (0, 1)
    finally:
        logging.getLogger("mad").removeHandler(sending)


def test_a_handler_that_fails_stops_no_other_event(
    log: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)

    class Failing(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            if "url" in record.getMessage():
                raise RuntimeError("no")
            return True

    failing = Failing()
    log.addFilter(failing)
    with mad.ApiServer() as api:
        open_session(api.url)
        log.wait_for("engine.session.opened")
    assert "fleet.api.started" not in log.events


HEAD = """
import logging, os, sys, threading, time
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(name)s %(message)s")
import mad
from mad.socketio import Client, Server
"""

ROWS = {
    "servers that nobody ends": """
io, api = Server().start(), mad.ApiServer().start()
agent = mad.Agent(api.url, id="x").start()
peer = Client(io.url).connect()
""",
    "a handler of logging that takes its time": """
class Slow(logging.Handler):
    def emit(self, record):
        time.sleep(0.01)
logging.getLogger("mad").addHandler(Slow())
io = Server().start()
for _ in range(20):
    Client(io.url).connect().close()
""",
    "an interpreter that ends while events come": """
import atexit
from mad import _hosting
atexit.unregister(_hosting._end_all)
io = Server().start()
peers = [Client(io.url).connect() for _ in range(10)]
""",
    "a fork": """
io = Server().start()
peer = Client(io.url).connect()
lines = sys.stdout
child = os.fork()
if child == 0:
    assert not any(t.name == "mad-log" for t in threading.enumerate())
    seen = []
    class Seen(logging.Handler):
        def emit(self, record):
            seen.append(record.event)
    logging.getLogger("mad").handlers = [Seen()]
    with Server() as mine:
        with Client(mine.url) as other:
            pass
    assert "engine.session.opened" in seen, seen
    del io, peer
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
io.on("x", lambda sock: 1)
assert peer.call("x") == 1
""",
    "things that are dropped": """
import gc
io = Server().start()
peer = Client(io.url).connect()
del io, peer
gc.collect()
with mad.ApiServer():
    pass
""",
    "things that were never started": """
io, peer, api = Server(), Client("http://127.0.0.1:1"), mad.ApiServer()
""",
}


@pytest.mark.parametrize("name", ROWS)
def test_it_ends_well(name: str) -> None:
    said = in_child(HEAD + ROWS[name])
    assert ("mad engine.session.opened" in said) == (name != "things that were never started")
