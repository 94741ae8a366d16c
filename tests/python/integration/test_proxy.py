"""The sticky proxy inside this process, with real servers behind and real clients in front."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from socketio_kit import Seen, in_child, make_certificate

import mad
from mad.socketio import Client, Server

pytestmark = pytest.mark.usefixtures("module")

QUICK: dict[str, Any] = {"reconnection_delay": 0.05, "reconnection_delay_max": 0.1}


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def wait_until(condition: Callable[[], bool], what: str = "", limit: float = 20) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@contextlib.contextmanager
def named_servers(*names: str) -> Iterator[dict[str, Server]]:
    """Servers that answer `who` with their name."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for name in names:
            server = servers[name] = Server()
            server.on("who", lambda _, name=name: name)
            stack.enter_context(server)
        yield servers


def who(client: Client) -> str | None:
    """Where it is; None while it is nowhere."""
    try:
        return str(client.call("who", timeout=5)) if client.connected else None
    except mad.Error:
        return None


def one(proxy: mad.Proxy, name: str) -> mad.Upstream:
    return next(u for u in proxy.upstreams if u.name == name)


def test_a_page_and_its_sockets_have_one_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>a page</title>")
    monkeypatch.setenv("MAD_CONSOLE_DIR", str(tmp_path))
    with (
        mad.ApiServer() as api,
        mad.WebServer() as web,
        mad.Proxy([api], web=web) as proxy,
        mad.Agent(proxy.url, id="here", interval=1),
    ):
        assert get(proxy.url + "/") == (tmp_path / "index.html").read_bytes()
        assert json.loads(get(proxy.url + "/config.json"))["api_url"] == ""
        listed = Seen()
        console = Client(proxy.url)
        console.on("web_client_update", lambda record: listed(record["id"]))
        with console:
            console.emit("web_connected")
            assert listed.wait()[0] == "here"
        (node,) = proxy.upstreams
        assert (node.url, node.state, node.weight) == (api.url, "up", 1)
        wait_until(lambda: proxy.upstreams[0].handshakes == 2)  # counts are gathered each second
        with pytest.raises(urllib.error.HTTPError) as hidden:
            get(proxy.url + "/metrics")
        hidden.value.close()
        assert hidden.value.code == 404
    with pytest.raises(OSError):
        get(proxy.url + "/health")


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
def test_a_session_stays_on_its_server(transports: list[str]) -> None:
    with named_servers("a", "b", "c") as servers, mad.Proxy(servers) as proxy:
        assert [u.name for u in proxy.upstreams] == ["a", "b", "c"]
        with contextlib.ExitStack() as stack:
            clients = [
                stack.enter_context(Client(proxy.url, transports=transports)) for _ in range(9)
            ]
            homes = [client.call("who") for client in clients]
            for _ in range(5):
                assert [client.call("who") for client in clients] == homes
            assert set(homes) == {"a", "b", "c"}, "no server has more than its part"
            wait_until(lambda: sum(u.sessions for u in proxy.upstreams) == 9)
        if transports != ["polling"]:  # those are let go when they have not asked for long enough
            wait_until(lambda: sum(u.sessions for u in proxy.upstreams) == 0)
        wait_until(lambda: sum(u.handshakes for u in proxy.upstreams) == 9)
        assert all(u.errors == u.sessions_gone == 0 for u in proxy.upstreams)


def test_the_address_alone_decides_with_hash() -> None:
    with (
        named_servers("a", "b") as servers,
        mad.Proxy(servers, affinity="hash") as proxy,
        contextlib.ExitStack() as stack,
    ):
        wait_until(lambda: {u.state for u in proxy.upstreams} == {"up"})
        clients = [stack.enter_context(Client(proxy.url)) for _ in range(6)]
        assert len({client.call("who") for client in clients}) == 1


def test_a_drained_servers_sessions_move_and_then_it_may_go() -> None:
    with (
        named_servers("a", "b") as servers,
        mad.Proxy({"a": servers["a"]}, drain_grace=0, drain_over=1) as proxy,
    ):
        gone = Seen()
        client = Client(proxy.url, **QUICK)
        client.on("disconnect", gone)
        with client:
            assert client.call("who") == "a"
            with pytest.raises(mad.Error) as refused:
                proxy.remove("a")
            assert refused.value.category == "mad.proxy.pool"
            proxy.add("b", servers["b"])
            wait_until(lambda: one(proxy, "b").state in {"up", "slow_start"})
            proxy.drain("a")
            assert one(proxy, "a").state == "draining"
            gone.wait()
            wait_until(lambda: who(client) == "b")
            wait_until(lambda: one(proxy, "a").state == "drained")
            proxy.remove("a")
            assert [u.name for u in proxy.upstreams] == ["b"]
            assert client.call("who") == "b"


def test_a_drain_can_be_taken_back() -> None:
    with named_servers("a") as servers, mad.Proxy(servers) as proxy:
        proxy.drain("a")
        assert one(proxy, "a").state in {"draining", "drained"}
        proxy.undrain("a")
        with Client(proxy.url) as client:
            assert client.call("who") == "a"
        proxy.rebalance()


def test_force_cuts_the_sessions_of_a_server() -> None:
    with named_servers("a", "b") as servers, mad.Proxy({"a": servers["a"]}) as proxy:
        client = Client(proxy.url, transports=["websocket"], **QUICK)
        with client:
            assert client.call("who") == "a"
            proxy.add("b", servers["b"])
            proxy.remove("a", force=True)
            wait_until(lambda: who(client) == "b")


def test_the_sessions_of_a_server_that_dies_go_on_at_the_others() -> None:
    with named_servers("a", "b") as servers, mad.Proxy(servers) as proxy:
        client = Client(proxy.url, **QUICK)
        with client:
            home = client.call("who")
            servers[home].stop()
            other = "b" if home == "a" else "a"
            wait_until(lambda: who(client) == other)
            wait_until(lambda: one(proxy, home).state == "down")


def test_without_an_upstream_it_says_when_to_come_again() -> None:
    with mad.Proxy() as proxy:
        assert proxy.upstreams == []
        with pytest.raises(urllib.error.HTTPError) as nobody:
            get(proxy.url + "/socket.io/?EIO=4&transport=polling")
        nobody.value.close()
        assert (nobody.value.code, nobody.value.headers["Retry-After"]) == (503, "2")


def test_upstreams_are_urls_lists_and_dicts() -> None:
    assert [u.url for u in mad.Proxy(["http://10.0.0.5:3000"]).upstreams] == [
        "http://10.0.0.5:3000"
    ]
    told = mad.Proxy(["x=http://10.0.0.5:3000?weight=3", "http://10.0.0.6:3000"]).upstreams
    assert [(u.name, u.weight, u.state) for u in told] == [
        ("x", 3, "unknown"),
        ("10.0.0.6-3000", 1, "unknown"),
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"upstreams": ["nonsense"]}, "nonsense"),
        ({"upstreams": {"a b": "http://10.0.0.5:3000"}}, "name"),
        ({"web": "ftp://10.0.0.5"}, "http"),
        ({"affinity": "luck"}, "affinity"),
        ({"trust": ["everybody"]}, "trust"),
        ({"drain_over": -1}, "drain_over"),
        ({"cookie_secret": b"short"}, "cookie_secret"),
        ({"tls_cert": "only.pem"}, "go together"),
        ({"listen": "example.test:80"}, "listen"),
    ],
)
def test_settings_are_judged(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(mad.Error, match=says) as caught:
        mad.Proxy(**arguments)
    assert caught.value.code == 22


def test_one_url_is_no_list() -> None:
    with pytest.raises(TypeError, match="list"):
        mad.Proxy("http://10.0.0.5:3000")


def test_a_server_that_has_not_started_has_no_address() -> None:
    with pytest.raises(ValueError, match="start it"):
        mad.Proxy([mad.ApiServer()])


@pytest.mark.parametrize("call", ["remove", "drain", "undrain"])
def test_an_upstream_that_nobody_knows_is_an_error(call: str) -> None:
    with mad.Proxy() as proxy, pytest.raises(mad.Error) as caught:
        getattr(proxy, call)("nobody")
    assert caught.value.category == "mad.proxy.pool"


def test_calls_after_its_end_are_errors() -> None:
    proxy = mad.Proxy().start()
    proxy.stop()
    with pytest.raises(mad.Error):
        proxy.start()
    with pytest.raises(mad.Error):
        _ = proxy.upstreams
    with pytest.raises(mad.Error):
        proxy.add("a", "http://10.0.0.5:3000")
    proxy.stop()


def test_it_may_be_asked_while_another_thread_ends_it() -> None:
    for _ in range(10):
        proxy = mad.Proxy(["http://127.0.0.1:1"]).start()
        asked = threading.Event()

        def ask(proxy: mad.Proxy = proxy, asked: threading.Event = asked) -> None:
            with contextlib.suppress(mad.Error):
                while True:
                    assert len(proxy.upstreams) == 1
                    proxy.drain("127.0.0.1-1")
                    asked.set()

        thread = threading.Thread(target=ask)
        thread.start()
        assert asked.wait(20)
        proxy.stop()
        thread.join(20)
        assert not thread.is_alive()


def test_other_threads_run_while_it_waits_for_its_clients() -> None:
    """Nobody is made to give way here, so `ran` is set only if `stop` lets others run."""
    ran = threading.Event()
    with named_servers("a") as servers:
        proxy = mad.Proxy(servers).start()
        with Client(proxy.url, reconnection=False):
            before = sys.getswitchinterval()
            thread = threading.Thread(target=ran.set)
            sys.setswitchinterval(1000)
            try:
                thread.start()
                proxy.stop(drain=0.2)
                seen = ran.is_set()
            finally:
                sys.setswitchinterval(before)
            thread.join(20)
    assert seen


def test_no_descriptor_is_left_behind() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def once() -> None:
        with mad.ApiServer() as api, mad.Proxy([api]) as proxy, Client(proxy.url):
            pass

    once()
    before = count()
    for _ in range(5):
        once()
    assert count() <= before


def test_the_interpreter_ends_with_a_proxy_still_running() -> None:
    said = in_child(
        """
import mad
api = mad.ApiServer().start()
proxy = mad.Proxy([api]).start()
client = mad.socketio.Client(proxy.url)
client.connect()
print(client.connected)
"""
    )
    assert said == "True\n"


def test_a_child_made_by_fork_leaves_it_alone() -> None:
    said = in_child(
        """
import gc, os, urllib.request, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads: that is the point
import mad
proxy = mad.Proxy().start()
child = os.fork()
if child == 0:
    print("child", proxy.running, flush=True)
    proxy.stop()
    del proxy
    gc.collect()
    os._exit(0)
os.waitpid(child, 0)
print("parent", proxy.running, urllib.request.urlopen(proxy.url + "/health").status)
"""
    )
    assert said == "child False\nparent True 200\n"


def test_it_speaks_tls_in_front_and_behind(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    with (
        Server(tls_cert=str(cert), tls_key=str(key)) as behind,
        mad.Proxy([behind], tls_cert=cert, tls_key=key, ca_file=cert) as proxy,
    ):
        behind.on("who", lambda _: "behind")
        assert proxy.url.startswith("https://")
        for transports in (["polling"], ["websocket"]):
            with Client(proxy.url, ca_file=str(cert), transports=transports) as client:
                assert client.call("who") == "behind"
