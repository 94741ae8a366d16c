"""A new release takes over from the one before it on one host: both run for a while behind the same
socket. Started as systemd does it, and under load all the time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from instances_kit import LIMIT, Load, Poller, Role, closing, fetch, wait_until
from socketio_kit import Seen

import mad
from mad.local.redis import find_server
from mad.socketio import Client

pytestmark = pytest.mark.usefixtures("module")
QUICK: dict[str, Any] = {"reconnection_delay": 0.05, "reconnection_delay_max": 0.2}


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = find_server()
    if server is None:
        pytest.skip("no redis-server: apt-get install redis-server")
    path = tmp_path_factory.mktemp("redis") / "redis.sock"
    process = subprocess.Popen(
        [server, "--port", "0", "--unixsocket", str(path), "--save", "", "--loglevel", "warning"],
        cwd=path.parent,
    )
    try:
        wait_until(path.exists, "no redis")
        yield f"unix://{path}"
    finally:
        process.kill()
        process.wait()


class Consoles:
    """Clients of either transport that ask all the time, and count what goes wrong."""

    def __init__(self, load: Load, url: str) -> None:
        self.errors = Seen()
        self.gone = Seen()
        self.connects = self.dropped = 0
        self.clients = [self._client(url, way) for way in ("polling", "websocket")]
        for client, way in zip(self.clients, ("polling", "websocket"), strict=True):
            load.add(f"a console that is on {way}", partial(self._ask, client), 0.02)

    def _client(self, url: str, transport: str) -> Client:
        client = Client(url, transports=[transport], **QUICK)

        @client.on("connect")
        def connected() -> None:
            self.connects += 1

        client.on("connect_error", self.errors)
        client.on("client_state", lambda said: self.gone(said) if said["to"] == "offline" else None)
        client.connect(timeout=LIMIT)
        return client

    def _ask(self, client: Client) -> None:
        """Once it is connected: between two instances it is on its way for a moment."""
        wait_until(lambda: client.connected, "it does not come back")
        try:
            client.call("web_connected", {"v": 2}, timeout=LIMIT)
        except mad.Error:
            self.dropped += 1  # it had been asked when its session ended

    def close(self) -> None:
        for client in self.clients:
            client.disconnect()


def await_sessions(pollers: list[Poller], each: int) -> None:
    wait_until(lambda: all(one.sessions == each for one in pollers), f"they have not had {each}")


def api(folder: Path, programs: dict[str, Path], redis: str) -> Role:
    flags = ["--redis", redis, "--node-id", folder.name, "--drain-timeout", "6s"]
    return Role(folder / "api", programs["mad-api"], *flags)


def test_nodes_take_over_from_each_other_under_load(
    tmp_path: Path, programs: dict[str, Path], redis: str
) -> None:
    role = api(tmp_path, programs, redis)
    load = Load()
    pollers = [Poller(role.port) for _ in range(3)]
    with closing(role):
        blue = role.start("1")
        blue.await_ready()
        consoles = Consoles(load, role.url)
        try:
            load.add("a look at its health", partial(fetch, role.port, "/health"))
            for number, poller in enumerate(pollers):
                load.add(f"a session that polls, {number}", poller.step)
            load.goes_on()
            for name in ("2", "3"):
                green = role.start(name)
                green.await_ready()
                # Both: each says by its own socket who it is.
                assert blue.ready()["instance"] != green.ready()["instance"]
                assert blue.ready()["tag"] != green.ready()["tag"]
                load.goes_on()
                before = [one.sessions for one in pollers]
                assert before == [int(name) - 1] * 3, "a session did not survive the other instance"
                for one in pollers:
                    one.may_end = True
                blue.stop()
                blue.await_drain()
                load.goes_on()
                blue.wait()
                assert not blue.socket.exists()
                # Each session that was there has come to the new one, and had to but once.
                await_sessions(pollers, int(name))
                for one in pollers:
                    one.may_end = False
                assert green.ready()["status"] == 200
                load.goes_on()
                blue = green
            assert consoles.errors.now == []
            assert consoles.connects == 6
            assert consoles.dropped <= 4
        finally:
            load.end()
            consoles.close()
        assert load.failures == []
        blue.stop()
        blue.wait()
        assert [path.name for path in role.folder.glob("*.sock")] == []


def test_a_node_that_dies_beside_the_other_takes_its_own_sessions_alone(
    tmp_path: Path, programs: dict[str, Path], redis: str
) -> None:
    role = api(tmp_path, programs, redis)
    load = Load()
    with closing(role):
        blue = role.start("1")
        blue.await_ready()
        poller = Poller(role.port)
        poller.step()
        # A release that is never to serve: it is killed while it answers half of the requests.
        green = role.start("2")
        green.await_ready()
        load.add("a session that polls", poller.step)
        try:
            load.goes_on()
            # What is in its hands in that moment goes with it, so the load stands still for it.
            load.end()
            green.process.kill()
            green.process.wait()
            again = Load()
            again.add("a session that polls", poller.step)
            again.add("a look at its health", partial(fetch, role.port, "/health"))
            try:
                again.goes_on(100)
            finally:
                again.end()
            assert again.failures == []
        finally:
            load.end()
        assert load.failures == []
        assert poller.sessions == 1


def test_pages_are_served_through_a_swap(
    tmp_path: Path, programs: dict[str, Path], console: Path
) -> None:
    flags = ["--root", str(console), "--api-url", "http://127.0.0.1:1", "--anonymous"]
    role = Role(tmp_path / "web", programs["mad-web"], *flags)
    load = Load()
    with closing(role):
        blue = role.start("1")
        blue.await_word("READY=1")
        for path in ("/", "/config.json"):
            load.add(path, partial(fetch, role.port, path))
        try:
            load.goes_on()
            for name in ("2", "3"):
                green = role.start(name)
                green.await_word("READY=1")
                assert green.ready()["status"] == 200
                blue.stop()
                load.goes_on()
                blue.wait()
                load.goes_on()
                blue = green
        finally:
            load.end()
        assert load.failures == []


def test_a_proxy_hands_over_to_the_next_under_load(
    tmp_path: Path, programs: dict[str, Path], redis: str
) -> None:
    nodes = api(tmp_path, programs, redis)
    run = tmp_path / "proxy"
    flags = ["--upstream", f"node={nodes.url}", "--handover", str(run / "handover.sock")]
    role = Role(run, programs["mad-proxy"], *flags, "--drain-timeout", "5s", "--anonymous")
    load = Load()
    pollers = [Poller(role.port) for _ in range(3)]
    with closing(role, nodes):
        node = nodes.start("1")
        node.await_ready()
        blue = role.start("1")
        blue.await_ready()
        consoles = Consoles(load, role.url)
        try:
            load.add("a look at the node's health", partial(fetch, role.port, "/health"))
            for number, poller in enumerate(pollers):
                load.add(f"a session that polls, {number}", poller.step)
            load.goes_on()
            for name in ("2", "3"):
                green = role.start(name)
                green.await_ready()
                load.goes_on()
                # It gave everything away, and has nothing more to do.
                blue.wait()
                load.goes_on()
                blue = green
            # No session was begun anew, the websockets neither.
            assert [one.sessions for one in pollers] == [1, 1, 1]
            assert consoles.errors.now == []
            assert consoles.connects == 2
            assert consoles.dropped == 0
        finally:
            load.end()
            consoles.close()
        assert load.failures == []


def test_an_agent_is_replaced_and_never_away(
    tmp_path: Path, programs: dict[str, Path], redis: str
) -> None:
    nodes = api(tmp_path, programs, redis)
    flags = ["--api", nodes.url, "--id", "host-1", "--interval", "1s"]
    agents = Role(tmp_path / "client", programs["mad-agent"], *flags, listens=False)
    with closing(agents, nodes):
        node = nodes.start("1")
        node.await_ready()
        states, told = Seen(), Seen()
        page, old = Client(nodes.url, **QUICK), Client(nodes.url, **QUICK)
        page.on("client_state", lambda said: states(said["to"]))
        old.on("web_client_update", lambda record: told("update " + record["id"]))
        old.on("web_client_disconnect", lambda id: told("disconnect " + id))
        with page, old:
            page.call("web_connected", {"v": 2}, timeout=LIMIT)
            old.emit("web_connected")
            blue = agents.start("1")
            blue.await_word("READY=1")
            blue.await_word("STATUS=connected")
            told.wait(1)
            for name in ("2", "3"):
                green = agents.start(name)
                blue.await_word("STATUS=another instance speaks")
                green.await_word("STATUS=connected")
                told.wait(len(told.now) + 3)
                assert node.number("mad_agents") == 1
                blue.stop()
                blue.wait()
                told.wait(len(told.now) + 3)
                assert node.number("mad_agents") == 1
                blue = green
            # A release that is taken back.
            green = agents.start("4")
            blue.await_word("STATUS=another instance speaks")
            wait_until(lambda: told.now.count("disconnect host-1") == 3, "it does not speak")
            green.stop()
            green.wait()
            told.wait(len(told.now) + 3)
            assert node.number("mad_agents") == 1
            all_told = told.now
            for number, said in enumerate(all_told):
                # A page of the original takes the old record out and puts the new one in, at once.
                assert said == "update host-1" or all_told[number + 1] == "update host-1"
            assert all_told.count("disconnect host-1") == 4
            assert "offline" not in states.now
            # The last one says that it leaves.
            blue.stop()
            blue.wait()
            wait_until(lambda: "offline" in states.now, "the host is not offline")
        assert not list(agents.folder.glob("*.agent"))


def test_a_fleet_moves_to_the_next_node_and_nobody_is_away(
    tmp_path: Path, programs: dict[str, Path], redis: str
) -> None:
    """Two hundred agents of a node that is replaced; a page of the original looks at another."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    nodes, others = api(tmp_path / "a", programs, redis), api(tmp_path / "b", programs, redis)
    told = Seen()
    with closing(nodes, others):
        blue, other = nodes.start("1"), others.start("1")
        blue.await_ready()
        other.await_ready()
        words = ["--api", nodes.url, "--agents", "200", "--interval", "1s", "--steady", "100"]
        fleet = subprocess.Popen([programs["mad-synthetic"], *words], stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: other.number("mad_fleet_agents") == 200, "not all are there")
            page = Client(others.url)
            page.on("web_client_update", lambda record: told(("update", record["id"])))
            page.on("web_client_disconnect", lambda id: told(("gone", id)))
            with page:
                page.emit("web_connected")
                green = nodes.start("2")
                green.await_ready()
                blue.stop()
                blue.wait()
                wait_until(lambda: green.number("mad_agents") == 200, "not all have moved")
                wait_until(lambda: other.number("mad_fleet_agents") == 200, "some are lost")
                told.wait(len(told.now) + 50)
            all_told = told.now
            gone = [number for number, (what, _) in enumerate(all_told) if what == "gone"]
            assert len(gone) == 200
            # Each is put in the place of its old record in the same moment.
            for number in gone:
                assert all_told[number + 1] == ("update", all_told[number][1])
        finally:
            fleet.terminate()
            fleet.wait(LIMIT)


def test_what_is_wrong_with_an_instance_is_said(programs: dict[str, Path], tmp_path: Path) -> None:
    def said(program: str, *arguments: str) -> str:
        done = subprocess.run(
            [programs[program], *arguments], capture_output=True, text=True, timeout=LIMIT
        )
        assert done.returncode == 2
        return done.stderr

    agent = ("--api", "http://127.0.0.1:1")
    assert "--instance: 'A B' is no name" in said("mad-agent", *agent, "--instance", "A B")
    assert "--instance-dir needs --instance" in said("mad-agent", *agent, "--instance-dir", "/")
    nowhere = ("--instance", "1", "--instance-dir", str(tmp_path / "none"))
    assert "there is no folder" in said("mad-agent", *agent, *nowhere)
    assert "there is no folder" in said("mad-api", "--listen", "0", *nowhere)
