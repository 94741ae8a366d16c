"""Many sockets of a mad.socketio.Server at once: asked, found, moved and sent away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from socketio_kit import LIMIT, Seen

import mad
from mad.socketio import (
    Client,
    DisconnectedError,
    Namespace,
    RemoteSocket,
    Server,
    Socket,
    TimedOutError,
)

pytestmark = pytest.mark.usefixtures("module")


class Party:
    """A server and some clients, which answer `name` with theirs."""

    def __init__(self, io: Server, stack: ExitStack, names: str) -> None:
        self.io = io
        self.seen = {name: Seen() for name in names}
        self.clients: dict[str, Client] = {}
        io.on("join", lambda sock, *rooms: sock.join(*rooms))
        for name in names:
            client = Client(io.url, auth={"name": name})
            client.on("name", lambda *_, name=name: name)
            client.on("said", self.seen[name])
            self.clients[name] = stack.enter_context(client)
        self.ids = {name: client.sid() for name, client in self.clients.items()}
        self.clients["a"].call("join", "red", "blue")
        self.clients["b"].call("join", "red")


@pytest.fixture(params=[1, 2])
def party(request: pytest.FixtureRequest) -> Iterator[Party]:
    """On one network thread, and on two."""
    with Server(threads=request.param) as io, ExitStack() as stack:
        yield Party(io, stack, "abc")


def in_a_loop(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    async def main() -> Any:
        return await asyncio.wait_for(function(*args, **named), LIMIT)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("to", "skip", "who"),
    [
        (None, None, "abc"),
        ("red", None, "ab"),
        (["red", "blue"], None, "ab"),
        ("red", "blue", "b"),
        (None, "red", "c"),
        ([], None, ""),
        ("nobody", None, ""),
    ],
)
def test_everybody_who_is_meant_answers(party: Party, to: Any, skip: Any, who: str) -> None:
    io = party.io
    assert sorted(io.call_blocking("name", to=to, skip=skip)) == list(who)
    assert sorted(in_a_loop(io.call, "name", 1, b"2", to=to, skip=skip)) == list(who)
    assert {s.handshake.auth["name"] for s in io.fetch_sockets_blocking(to, skip)} == set(who)
    found = in_a_loop(io.fetch_sockets, to, skip)
    assert {s.id for s in found} == {party.ids[name] for name in who}


def test_who_is_meant_is_said_step_by_step(party: Party) -> None:
    everybody = party.io.everybody()
    assert sorted(everybody.call_blocking("name")) == ["a", "b", "c"]
    red = party.io.to("red")
    assert sorted(red.call_blocking("name")) == ["a", "b"]
    assert red.skip(party.ids["a"]).call_blocking("name") == ["b"]
    assert sorted(red.to(party.ids["c"]).call_blocking("name")) == ["a", "b", "c"]
    assert in_a_loop(red.skip("red").call, "name") == []
    red.emit("said", 1, compress=False)
    everybody.skip("red").emit("said", 2, volatile=True)
    everybody.emit("said", 3)
    assert [party.seen[name].wait(2) for name in "abc"] == [[1, 3], [1, 3], [2, 3]]


def test_an_answer_is_its_first_argument() -> None:
    answers = {"none": None, "several": (1, 2), "bytes": b"\x00\xff", "nested": {"b": [b"1", None]}}
    with Server() as io:
        for name, value in answers.items():
            peer = Client(io.url)
            peer.on("ask", lambda value=value: value)
            with peer:
                expected = 1 if name == "several" else value
                assert io.call_blocking("ask") == [expected]


@pytest.mark.parametrize("threads", [1, 2])
def test_answers_that_came_in_time_are_part_of_the_error(threads: int) -> None:
    with Server(threads=threads) as io, ExitStack() as stack:
        clients = [stack.enter_context(Client(io.url)) for _ in range(4)]
        for n, client in enumerate(clients[:3]):
            client.on("ask", lambda n=n: n)
        with pytest.raises(TimedOutError) as blocking:
            io.call_blocking("ask", timeout=0.3)
        with pytest.raises(TimeoutError) as waiting:
            in_a_loop(io.call, "ask", timeout=0.3)
    for caught in (blocking.value, waiting.value):
        assert isinstance(caught, TimedOutError)
        assert sorted(caught.answers) == [0, 1, 2]
        assert (caught.category, caught.code) == ("mad.socketio", blocking.value.code)


def test_somebody_who_leaves_owes_an_answer(party: Party) -> None:
    asked = Seen()

    @party.clients["c"].on("name")
    def name() -> None:
        asked(1)
        party.clients["c"].disconnect()

    with pytest.raises(DisconnectedError) as caught:
        party.io.call_blocking("name", timeout=0)
    assert isinstance(caught.value, mad.Error)
    assert sorted(caught.value.answers) == ["a", "b"]
    assert asked.now == [1]


def test_a_handler_asks_everybody_else(party: Party) -> None:
    @party.io.on("function")
    def function(sock: Socket) -> Any:
        return sorted(sock.to("red").call_blocking("name"))

    @party.io.on("coroutine")
    async def coroutine(sock: Socket) -> Any:
        return sorted(await party.io.call("name", skip=sock))

    assert party.clients["a"].call("function") == ["b"]
    assert party.clients["a"].call("coroutine") == ["b", "c"]


def test_sockets_that_were_found_are_copies_that_can_be_reached(party: Party) -> None:
    io = party.io
    thing = object()
    io.socket(party.ids["a"]).data["thing"] = thing
    (found,) = io.to("blue").fetch_sockets_blocking()
    assert isinstance(found, RemoteSocket)
    assert (found.id, found.namespace) == (party.ids["a"], "/")
    assert found.rooms == {"red", "blue", found.id}
    assert found.data == {"thing": thing}
    assert found.data is not io.socket(found.id).data
    assert found.handshake.address == "127.0.0.1"
    found.emit("said", "you")
    assert party.seen["a"].wait() == ["you"]
    assert found.call_blocking("name") == in_a_loop(found.call, "name") == "a"
    found.join("green", "grey")
    found.leave("red")
    assert io.rooms(found.id) == {"blue", "green", "grey", found.id}
    (again,) = in_a_loop(io.to("green").fetch_sockets)
    assert again.rooms == {"blue", "green", "grey", found.id}
    assert found.rooms == {"red", "blue", found.id}
    found.disconnect()
    assert party.clients["a"].wait(LIMIT)
    with pytest.raises(DisconnectedError):
        found.call_blocking("name")
    assert [party.seen[name].now for name in "bc"] == [[], []]


def test_the_sockets_of_a_room_are_moved_and_sent_away(party: Party) -> None:
    io = party.io
    io.sockets_join("green", "grey", to="red")
    io.to("green").skip("blue").sockets_leave("grey")
    io.sockets_leave("red", to="blue")
    io.sockets_join("nowhere", to=[])
    # What Python knows of the rooms is what the native side does with them.
    for room, members in (("green", "ab"), ("grey", "a"), ("red", "b"), ("nowhere", "")):
        expected = {party.ids[name] for name in members}
        assert {s.id for s in io.sockets(room=room)} == expected
        assert {s.id for s in io.fetch_sockets_blocking(room)} == expected
        assert sorted(io.call_blocking("name", to=room)) == list(members)
    io.disconnect_sockets(to="green", skip=party.ids["b"])
    assert party.clients["a"].wait(LIMIT)
    assert sorted(io.call_blocking("name")) == ["b", "c"]
    io.disconnect_sockets(close=True)
    lost = [party.clients[name] for name in "bc"]
    assert all(client.wait(LIMIT) or not client.connected for client in lost)


def test_a_namespace_has_its_own(party: Party) -> None:
    chat = Namespace("chat")
    party.io.register(chat)
    with Client(party.io.url + "/chat") as peer:
        peer.on("name", lambda: "chat")
        assert chat.everybody().call_blocking("name") == ["chat"]
        assert party.io.call_blocking("name", namespace="chat") == ["chat"]
        chat.everybody().sockets_join("red")
        assert chat.to("red").call_blocking("name") == ["chat"]
        assert {s.id for s in party.io.fetch_sockets_blocking(namespace="/chat")} == {peer.sid()}


def test_a_server_that_has_ended_asks_nobody() -> None:
    io = Server()
    for _ in range(2):
        with pytest.raises(DisconnectedError):
            io.call_blocking("x")
        with pytest.raises(DisconnectedError):
            io.fetch_sockets_blocking()
        with pytest.raises(DisconnectedError):
            io.server_side_call_blocking("x")
        if not io.url:
            io.start()
            io.stop()
    with pytest.raises(DisconnectedError):
        in_a_loop(io.call, "x")


def test_a_broadcast_that_is_awaited_ends_with_its_server() -> None:
    asked, ended = Seen(), Seen()
    hold = threading.Event()
    io = Server().start()
    peer = Client(io.url, reconnection=False).connect()

    @peer.on("ask")
    def ask() -> None:
        asked(1)
        hold.wait(LIMIT)

    def wait() -> None:
        with pytest.raises(DisconnectedError):
            io.call_blocking("ask", timeout=0)
        ended(1)

    waiting = threading.Thread(target=wait)
    waiting.start()
    asked.wait()
    io.stop(0)
    ended.wait()
    hold.set()
    waiting.join(LIMIT)
    peer.close()


def test_a_server_that_is_alone_has_no_other_nodes_to_ask(party: Party) -> None:
    io = party.io
    io.on_server_side("x", lambda: pytest.fail("it is no other node"))
    io.server_side_emit("x", 1, b"2")
    assert io.server_side_call_blocking("x", {"a": b"1"}) == []
    assert in_a_loop(io.server_side_call, "x", timeout=1) == []
    for event in ("connect", "connection", "new_namespace"):
        with pytest.raises(ValueError, match="reserved"):
            io.server_side_emit(event)


@pytest.mark.parametrize("coroutine", [False, True])
def test_a_handler_for_other_nodes_answers(coroutine: bool) -> None:
    class Answer:
        """What the native side gives for one that is wanted."""

        def __init__(self) -> None:
            self.sent = Seen()

        def send(self, *args: Any) -> None:
            self.sent.add(args)

    with Server() as io:

        @io.on_server_side("x")
        def function(*args: int) -> int:
            return sum(args)

        number = max(io._handlers)
        if coroutine:

            @io.on_server_side("x")
            async def coroutine_function(*args: int) -> int:
                return sum(args)

            assert number not in io._handlers
            number = max(io._handlers)
        answer = Answer()
        io.deliver(
            [(12, number, (1, 2), answer), (12, number, (3,), None), (12, 0, (), None)], None
        )
        assert answer.sent.wait() == [(3,)]
