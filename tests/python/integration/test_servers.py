"""The servers inside this process: start, stop, and everything that may happen in between."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from socketio_kit import Seen

import mad
from mad.socketio import Client

pytestmark = pytest.mark.usefixtures("module")


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def port_of(server: mad.ApiServer) -> int:
    return int(server.url.rpartition(":")[2])


def in_child(code: str) -> str:
    """Runs code in an interpreter of its own, which must end well and soon."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "index.html").write_text("<!doctype html><title>a page</title>")
    monkeypatch.setenv("MAD_CONSOLE_DIR", str(tmp_path))
    return tmp_path


def test_a_node_is_alive_while_the_block_runs() -> None:
    with mad.ApiServer() as api:
        assert api.running
        assert json.loads(get(api.url + "/health"))["healthy"] is True
    assert not api.running
    with pytest.raises(OSError):
        get(api.url + "/health")


def test_the_page_is_told_where_the_node_is(page: Path) -> None:
    with mad.ApiServer() as api, mad.WebServer(api.url) as web:
        assert json.loads(get(web.url + "/config.json"))["api_url"] == api.url
        assert get(web.url + "/") == (page / "index.html").read_bytes()


def test_an_agent_appears_on_its_node_and_leaves_it() -> None:
    def agents(api: mad.ApiServer) -> int:
        lines = get(api.url + "/metrics").decode().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("mad_agents ")))

    with mad.ApiServer() as api:
        came, went = Seen(), Seen()
        console = Client(api.url)
        console.on("web_client_update", lambda record: came(record["id"]))
        console.on("web_client_disconnect", lambda id: went(id))
        console.on("load_clients", came)
        with console:
            console.emit("web_connected")
            assert came.wait() == [[]]
            with mad.Agent(api.url, id="here", interval=1) as agent:
                assert (agent.url, agent.id) == (api.url, "here")
                assert came.wait(2)[1] == "here"
                assert agents(api) == 1
            assert went.wait() == ["here"]
            assert agents(api) == 0


def test_an_origin_that_is_allowed_is_told_so() -> None:
    origin = "http://console.test:8081"
    with mad.ApiServer(cors_origins=[origin]) as api:
        asked = urllib.request.Request(
            api.url + "/socket.io/?EIO=4&transport=polling", headers={"Origin": origin}
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == origin


def test_a_port_that_is_taken_is_an_error_with_code_and_category() -> None:
    with mad.ApiServer() as first, pytest.raises(mad.Error) as caught:
        mad.ApiServer(port_of(first)).start()
    assert (caught.value.code, caught.value.category) == (98, "system")


def test_an_agent_without_a_name_has_the_machines_own() -> None:
    first, second = (mad.Agent("http://127.0.0.1:1") for _ in range(2))
    assert first.id == second.id != ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"api_url": "nonsense"}, "nonsense"),
        ({"api_url": "http://127.0.0.1:1", "interval": 0.5}, "interval"),
        ({"api_url": "http://127.0.0.1:1", "interval": float("nan")}, "interval"),
        ({"api_url": "http://127.0.0.1:1", "tags": ["x" * 65]}, "tag"),
    ],
)
def test_an_agents_settings_are_judged(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(mad.Error, match=says) as caught:
        mad.Agent(**arguments)
    assert caught.value.code == 22


def test_an_agent_waits_for_its_node_and_stops_without_one() -> None:
    with mad.Agent("http://127.0.0.1:1", id="alone") as agent:
        assert agent.running
        started = time.monotonic()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("listen", ["nonsense", "example.test:80", 70000])
def test_an_address_that_is_none_is_refused(listen: str | int) -> None:
    with pytest.raises((ValueError, mad.Error)):
        mad.ApiServer(listen)


def test_a_page_needs_a_console_and_an_address(page: Path) -> None:
    with pytest.raises(mad.Error):
        mad.WebServer("nonsense")
    (page / "index.html").unlink()
    with pytest.raises(FileNotFoundError):
        mad.WebServer("http://127.0.0.1:3000")


def test_stopping_twice_does_nothing_and_starting_twice_is_an_error() -> None:
    api = mad.ApiServer().start()
    with pytest.raises(mad.Error):
        api.start()
    api.stop()
    api.stop()
    with pytest.raises(mad.Error):
        api.start()


def test_a_server_that_is_forgotten_ends() -> None:
    api = mad.ApiServer().start()
    url = api.url
    del api
    gc.collect()
    with pytest.raises(OSError):
        get(url + "/health")


def test_the_interpreter_ends_with_servers_still_running() -> None:
    said = in_child("import mad; api = mad.ApiServer().start(); print(api.running)")
    assert said == "True\n"


def test_a_child_made_by_fork_leaves_the_parents_server_alone() -> None:
    said = in_child(
        """
import gc, os, urllib.request, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads: that is the point
import mad
api = mad.ApiServer().start()
child = os.fork()
if child == 0:
    print("child", api.running, flush=True)
    api.stop()
    del api
    gc.collect()
    os._exit(0)
os.waitpid(child, 0)
print("parent", api.running, urllib.request.urlopen(api.url + "/health").status)
"""
    )
    assert said == "child False\nparent True 200\n"


def test_servers_may_be_started_and_stopped_from_any_thread() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                with mad.ApiServer() as api:
                    get(api.url + "/health")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_no_descriptor_is_left_behind() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with mad.ApiServer():
        pass
    before = count()
    for _ in range(5):
        with mad.ApiServer() as api:
            get(api.url + "/health")
    assert count() <= before


def test_the_readmes_example_runs(page: Path) -> None:
    del page
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    example = readme.split("```python\n")[1].split("```")[0].replace("8081", "0")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        input="\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "open http://127.0.0.1:" in done.stdout


def start_and_stop() -> None:
    with mad.ApiServer():
        pass


@pytest.mark.parametrize("call", [mad.sample, start_and_stop])
def test_other_threads_run_while_a_call_waits(call: Callable[[], object]) -> None:
    """No thread is made to give way here, so another one runs only if the call lets it."""
    ran = threading.Event()
    go = threading.Event()

    def other() -> None:
        go.wait(20)
        ran.set()

    thread = threading.Thread(target=other)
    before = sys.getswitchinterval()
    thread.start()
    sys.setswitchinterval(1000)
    try:
        go.set()
        for _ in range(100):
            call()
            if ran.is_set():
                break
        seen = ran.is_set()
    finally:
        sys.setswitchinterval(before)
    thread.join(20)
    assert seen
