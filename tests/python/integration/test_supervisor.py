"""`mad up` with stand-ins for the native programs: order, arguments, endings."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from process_kit import is_alive, wait_gone

from mad.local import runtime

StandIns = Callable[..., Path]
DEAF = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", name, flush=True)
while True:
    time.sleep(0.05)
"""


@contextlib.contextmanager
def up(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mad", "up", "--listen", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # a line that is read from the pipe hides no other one
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def next_line(process: subprocess.Popen[bytes], limit: float = 20) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], limit)[0], "nothing was printed"
    return process.stdout.readline().decode()


def finish(process: subprocess.Popen[bytes], limit: float = 30) -> tuple[str, str]:
    out, error = process.communicate(timeout=limit)
    return out.decode(), error.decode()


def ready(process: subprocess.Popen[bytes]) -> dict[str, object]:
    said: dict[str, object] = json.loads(next_line(process))
    assert said["event"] == "ready"
    return said


def started(folder: Path, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{name}.started").read_text().splitlines()]


def wait_until(condition: Callable[[], bool], limit: float = 10) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_programs_know_each_other(stand_ins: StandIns) -> None:
    folder = stand_ins()
    with up("--json") as process:
        said = ready(process)
        names = ("api", "web", "proxy", "agent")
        (api,), (web,), (proxy,), (agent,) = (started(folder, f"mad-{n}") for n in names)
        assert api["arguments"] == ["--listen", "127.0.0.1:0"]
        assert web["arguments"] == [
            *("--listen", "127.0.0.1:0", "--api-url", ""),
            *("--root", str(folder / "console")),
        ]
        assert proxy["arguments"] == [
            *("--upstream=node-1=http://127.0.0.1:4000", "--web", "http://127.0.0.1:4000"),
            *("--admin", said["admin"]),
        ]
        assert (proxy["listen_fds"], proxy["listen_pid"]) == ("1", str(proxy["pid"]))
        assert api["listen_fds"] is None
        assert agent["arguments"] == ["--api", said["proxy"]]
        assert said["console"] == said["proxy"]
        assert said["api"] == "http://127.0.0.1:4000"


def test_the_proxys_admin_socket_is_where_others_of_this_user_look(
    stand_ins: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins(mad_proxy=LISTENS_FOR_ITS_ADMIN)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime.running_admins() == []
    left_behind = runtime.folder() / "proxy-1.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left_behind))
    with up("--json") as process:
        admin = Path(str(ready(process)["admin"]).removeprefix("unix:"))
        assert admin == tmp_path / "mad" / f"proxy-{process.pid}.sock"
        assert admin.parent.stat().st_mode & 0o777 == 0o700
        assert not left_behind.exists()
        assert runtime.running_admins() == [admin]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not admin.exists()


def test_a_folder_that_others_may_write_to_is_refused(
    stand_ins: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "mad").mkdir(mode=0o755)
    with up() as process:
        _, error = finish(process)
        assert process.returncode == 1
    assert "mode 0700" in error


LISTENS_FOR_ITS_ADMIN = """
import socket
admin = socket.socket(socket.AF_UNIX)
admin.bind(sys.argv[sys.argv.index("--admin") + 1].removeprefix("unix:"))
admin.listen()
print("ready", name, "http://127.0.0.1:4000", flush=True)
while True:
    time.sleep(0.05)
"""
TELLS_ITS_REDIS = """
print(os.environ["MAD_API_REDIS"], file=sys.stderr, flush=True)
print("ready", name, "http://127.0.0.1:4000", flush=True)
while True:
    time.sleep(0.05)
"""
REDIS = """
print("1:M * Ready to accept connections unix", flush=True)
while True:
    time.sleep(0.05)
"""


def words(value: object) -> list[str]:
    assert isinstance(value, list)
    return value


def test_several_nodes_share_a_redis_of_their_own(stand_ins: StandIns) -> None:
    folder = stand_ins(redis_server=REDIS)
    with up("--json", "--nodes", "3", "--agents", "4") as process:
        said = ready(process)
        assert len(words(said["nodes"])) == 3
        (server,) = started(folder, "redis-server")
        configuration = Path(words(server["arguments"])[0])
        assert configuration.stat().st_mode & 0o777 == 0o600
        assert configuration.parent.stat().st_mode & 0o777 == 0o700
        rules = dict(line.split(" ", 1) for line in configuration.read_text().splitlines())
        assert (rules["port"], rules["unixsocketperm"]) == ("0", "700")
        password_file = configuration.parent / "password"
        assert password_file.stat().st_mode & 0o777 == 0o600
        assert password_file.read_text() == rules["requirepass"]
        assert len(rules["requirepass"]) >= 24
        nodes = started(folder, "mad-api")
        assert len(nodes) == 3
        for node in nodes:
            assert words(node["arguments"])[-4:] == [
                *("--redis", f"unix://{rules['unixsocket']}"),
                *("--redis-password-file", str(password_file)),
            ]
        assert len(started(folder, "mad-agent")) == 1
        (others,) = started(folder, "mad-synthetic")
        assert words(others["arguments"])[-2:] == ["--agents", "3"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert (folder / "stopped").read_text().split()[-1] == "redis-server"
    assert not configuration.parent.exists()


def test_a_redis_that_exists_is_not_in_the_arguments(stand_ins: StandIns) -> None:
    folder = stand_ins(mad_api=TELLS_ITS_REDIS, redis_server=REDIS)
    url = "redis://:secret@localhost/1"
    with up("--nodes", "2", "--redis", url, "--verbose") as process:
        for _ in range(7):
            next_line(process)
        process.send_signal(signal.SIGTERM)
        out, error = finish(process)
    assert f"mad-api: {url}" in error
    assert "secret" not in out
    assert not (folder / "redis-server.started").exists()
    for node in started(folder, "mad-api"):
        assert "secret" not in str(node["arguments"])


def test_without_a_redis_server_it_says_what_to_install(
    stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stand_ins()
    monkeypatch.setenv("PATH", str(folder))
    with up("--nodes", "2") as process:
        _, error = finish(process)
        assert process.returncode == 2
    assert "apt-get install redis-server" in error


def test_people_see_the_console_address_last(stand_ins: StandIns) -> None:
    stand_ins()
    with up() as process:
        lines = [next_line(process) for _ in range(6)]
        assert lines[-1].startswith("console    http://127.0.0.1:")
        assert lines[0].startswith("mad-api    http://127.0.0.1:4000 (pid ")
        process.send_signal(signal.SIGINT)
        out, _ = finish(process)
        assert out == ""


def test_all_agents_but_the_first_are_made_up(stand_ins: StandIns) -> None:
    folder = stand_ins()
    with up("--json", "--agents", "500") as process:
        said = ready(process)
        (real,) = started(folder, "mad-agent")
        (others,) = started(folder, "mad-synthetic")
        assert words(real["arguments"]) == ["--api", said["proxy"]]
        assert words(others["arguments"]) == ["--api", said["proxy"], "--agents", "499"]


@pytest.mark.parametrize("agents", [0, 1])
def test_without_need_nothing_is_made_up(stand_ins: StandIns, agents: int) -> None:
    folder = stand_ins()
    with up("--json", "--agents", str(agents)) as process:
        ready(process)
        assert (folder / "mad-agent.started").exists() == (agents == 1)
        assert not (folder / "mad-synthetic.started").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_them_all_in_order(stand_ins: StandIns, number: signal.Signals) -> None:
    folder = stand_ins()
    with up("--json") as process:
        ready(process)
        process.send_signal(number)
        assert process.wait(20) == 0
    stopped = (folder / "stopped").read_text().split()
    assert stopped[:2] == ["mad-agent", "mad-proxy"]
    assert sorted(stopped[2:]) == ["mad-api", "mad-web"]


def test_children_have_sessions_of_their_own(stand_ins: StandIns) -> None:
    folder = stand_ins()
    with up("--json") as process:
        ready(process)
        for name in ("mad-api", "mad-agent", "mad-proxy", "mad-web"):
            (child,) = started(folder, name)
            assert child["session"] == child["pid"]


def test_children_die_with_it_however_it_dies(stand_ins: StandIns) -> None:
    folder = stand_ins(mad_api=DEAF)
    with up("--json") as process:
        ready(process)
        pids = [started(folder, f"mad-{n}")[0]["pid"] for n in ("api", "web", "proxy", "agent")]
        assert all(is_alive(pid) for pid in pids)
        process.kill()
        wait_gone(pids)


def test_a_second_signal_does_not_wait(stand_ins: StandIns) -> None:
    stand_ins(mad_api=DEAF)
    with up("--json") as process:
        ready(process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        before = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(20)
        assert time.monotonic() - before < 3


def test_a_program_that_dies_is_reported_with_its_last_lines(stand_ins: StandIns) -> None:
    folder = stand_ins(
        mad_agent="""
print("ready", name, flush=True)
for number in range(50):
    print("line", number, file=sys.stderr)
time.sleep(0.5)
sys.exit(7)
"""
    )
    with up() as process:
        out, error = finish(process)
        assert process.returncode == 1
    assert "mad-agent ended with exit code 7" in error
    assert "line 49" in error
    assert "line 29" not in error
    assert sorted((folder / "stopped").read_text().split()) == ["mad-api", "mad-proxy", "mad-web"]
    assert "console" in out


def test_a_program_that_never_starts_is_reported(stand_ins: StandIns) -> None:
    stand_ins(mad_web="sys.exit('cannot read the console')")
    with up("--json") as process:
        out, _ = finish(process)
        assert process.returncode == 1
    (line,) = out.splitlines()
    said = json.loads(line)
    assert (said["event"], said["name"]) == ("died", "mad-web")
    assert said["log"] == ["cannot read the console"]


def test_a_killed_program_is_reported_by_its_signal(stand_ins: StandIns) -> None:
    folder = stand_ins()
    with up() as process:
        next_line(process)
        (api,) = started(folder, "mad-api")
        wait_until(lambda: (folder / "mad-agent.started").exists())
        os.kill(int(str(api["pid"])), signal.SIGKILL)
        _, error = finish(process)
        assert process.returncode == 1
    assert "mad-api was ended by signal 9" in error


def test_of_several_nodes_the_others_go_on_until_the_last_one_dies(stand_ins: StandIns) -> None:
    folder = stand_ins(redis_server=REDIS)
    with up("--json", "--nodes", "2") as process:
        said = ready(process)
        first, second = started(folder, "mad-api")
        os.kill(int(str(first["pid"])), signal.SIGKILL)
        lost = json.loads(next_line(process))
        assert lost == {
            **{"event": "lost", "name": "mad-api", "pid": first["pid"]},
            **{"url": words(said["nodes"])[0], "ending": "was ended by signal 9"},
            **{"nodes_left": 1, "log": ["starting"]},
        }
        assert not (folder / "stopped").exists()
        os.kill(int(str(second["pid"])), signal.SIGKILL)
        died = json.loads(next_line(process))
        assert (died["event"], died["name"]) == ("died", "mad-api")
        assert process.wait(20) == 1
    assert (folder / "stopped").read_text().split()[0] == "mad-agent"


def test_a_port_that_is_taken_is_named(stand_ins: StandIns) -> None:
    stand_ins()
    with up("--json") as process:
        port = str(ready(process)["console"]).rsplit(":", 1)[1]
        second = subprocess.run(
            [sys.executable, "-m", "mad", "up", "--listen", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    assert second.returncode == 2
    assert f"--listen 127.0.0.1:{port}: Address already in use" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--listen", "0.0.0.0:1"], "everybody"),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_usage_ends_with_2(stand_ins: StandIns, arguments: list[str], says: str) -> None:
    stand_ins()
    with up(*arguments) as process:
        _, error = finish(process)
        assert process.returncode == 2
    assert says in error
