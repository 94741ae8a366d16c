"""The real agent as its service manager, its user and a scraper see it."""

from __future__ import annotations

import json
import os
import pwd
import select
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser

LIMIT = 20.0
NOBODY_THERE = "http://127.0.0.1:1"


def read(text: str) -> Iterator[Metric]:
    return parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call, no-any-return]


class Manager:
    """What the service manager hears."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(LIMIT)
        path.chmod(0o777)

    def wait_for(self, wanted: str, times: int = 1) -> None:
        end = time.monotonic() + LIMIT
        while sum(said.startswith(wanted) for said in self.heard) < times:
            assert time.monotonic() < end, f"no {wanted!r} in {self.heard}"
            self.heard.append(self._socket.recv(4096).decode())

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    it = Manager(tmp_path / "notify")
    yield it
    it.close()


@contextmanager
def running(
    programs: dict[str, Path], *arguments: str, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [programs["mad-agent"], *arguments],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=LIMIT)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    assert select.select([process.stdout], [], [], LIMIT)[0]
    return process.stdout.readline().strip()


def check(programs: dict[str, Path], *arguments: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [programs["mad-agent"], *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    return done.returncode, done.stderr


def get(url: str) -> tuple[str, str]:
    with urllib.request.urlopen(url, timeout=LIMIT) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_the_manager_hears_of_the_first_sample_the_connection_and_the_end(
    programs: dict[str, Path], manager: Manager
) -> None:
    with running(programs, "--api", NOBODY_THERE, NOTIFY_SOCKET=str(manager.path)) as agent:
        manager.wait_for("READY=1")
        manager.wait_for("STATUS=not connected: ")
        assert first_line(agent) == "ready mad-agent"
        agent.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1", 2)
        agent.terminate()
        manager.wait_for("STOPPING=1")
        assert agent.wait(LIMIT) == 0
    assert not any("WATCHDOG" in said for said in manager.heard)
    assert manager.heard.index("READY=1") > 0, "status first: it was ready before the sample"


@pytest.mark.parametrize("name", ["mad-agent", "mad-api", "mad-proxy"])
def test_the_watchdog_is_fed(programs: dict[str, Path], manager: Manager, name: str) -> None:
    arguments = {
        "mad-agent": ["--api", NOBODY_THERE],
        "mad-api": ["--listen", "0"],
        "mad-proxy": ["--listen", "0", "--upstream", NOBODY_THERE],
    }[name]
    with running(
        {"mad-agent": programs[name]},
        *arguments,
        NOTIFY_SOCKET=str(manager.path),
        WATCHDOG_USEC="100000",
    ):
        manager.wait_for("WATCHDOG=1", 4)


def test_the_watchdog_of_another_process_is_not_fed(
    programs: dict[str, Path], manager: Manager
) -> None:
    with running(
        programs,
        "--api",
        NOBODY_THERE,
        NOTIFY_SOCKET=str(manager.path),
        WATCHDOG_USEC="1000",
        WATCHDOG_PID="1",
    ) as agent:
        manager.wait_for("READY=1")
        agent.terminate()
        manager.wait_for("STOPPING=1")
    assert "WATCHDOG=1" not in manager.heard


def test_metrics_are_what_a_strict_parser_takes(programs: dict[str, Path]) -> None:
    with running(programs, "--api", NOBODY_THERE, "--id", 'a"b', "--metrics", "0") as agent:
        ready = first_line(agent)
        assert ready.startswith("ready mad-agent http://127.0.0.1:")
        url = ready.split()[-1]
        kind, text = get(f"{url}/metrics")
        assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        families = {family.name: family for family in read(text)}
        info = families["mad_host"].samples[0]
        assert (info.name, info.labels["id"]) == ("mad_host_info", 'a"b')
        assert 0 <= families["mad_host_cpu_busy_ratio"].samples[0].value <= 1
        assert families["mad_host_memory_size_bytes"].samples[0].value > 1e6
        assert families["mad_agent_connected"].samples[0].value == 0
        assert families["mad_agent_samples"].type == "counter"
        assert families["mad_agent_samples"].samples[0].value >= 1
        assert json.loads(get(f"{url}/health")[1])["healthy"] is True
        threads = list(Path(f"/proc/{agent.pid}/task").iterdir())
        assert len(threads) <= 2, "the agent's own, and one that looks up names"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--metrics", "0.0.0.0:9000"], "--metrics: '0.0.0.0:9000' is not loopback"),
        (["--metrics", "x"], "--metrics: 'x' has no port"),
        (["--token-file", "/nowhere/token"], "--token-file: cannot read /nowhere/token"),
        (["--user", "nobody-at-all"], "--user: /etc/passwd has no 'nobody-at-all'"),
        (["--interval", "1ms"], "--interval"),
        (["--api", "http://host:99999"], "--api: 'http://host:99999' is no URL"),
        (["--path", "a?b"], "--path: 'a?b' must have no blank"),
        (["--region", "x" * 65], "--region: must have at most 64 bytes"),
        (["--tag", "a\nb"], "--tag: 'a\nb' must have 1 to 64 bytes of UTF-8"),
        (["--config", "/tmp"], "--config: /tmp is a directory"),
        (["--once", "--interval", "1ms"], "--interval"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    programs: dict[str, Path], arguments: list[str], named: str
) -> None:
    code, error = check(programs, "--check", *arguments, API_URL=NOBODY_THERE)
    assert code == 2
    assert named in error


def test_settings_come_from_the_file_and_the_environment(
    programs: dict[str, Path], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    token.chmod(0o600)
    config = tmp_path / "agent.toml"
    config.write_text(
        f'api = "{NOBODY_THERE}"\nid = "from-file"\nregion = "eu-1"\ntag = ["role:web", "prod"]\n'
        f'token_file = "{token}"\nmetrics = "127.0.0.1:0"\ninterval = "5s"\n'
    )
    assert check(programs, "--config", str(config), "--check") == (0, "")
    done = subprocess.run(
        [programs["mad-agent"], "--once", "--config", str(config)],
        env={**os.environ, "MAD_AGENT_ID": "from-environment", "MAD_AGENT_TAG": "a:1,b:2"},
        capture_output=True,
        check=True,
        timeout=LIMIT,
    )
    said = json.loads(done.stdout)
    assert said["id"] == "from-environment"
    assert said["interval_ms"] == 5000
    assert said["info"]["region"] == "eu-1"
    assert said["info"]["tags"] == ["a:1", "b:2"]
    token.chmod(0o644)
    code, error = check(programs, "--config", str(config), "--check")
    assert (code, "chmod 600" in error) == (2, True)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('api = "http//x"', "--api: 'http//x' is no URL"),
        ('tag = ["' + "x" * 65 + '"]', "--tag: "),
        ("metrics = 70000", "--metrics: '70000' has no port"),
        ('token_file = "/nowhere/token"', "--token-file: cannot read"),
        ('user = "nobody-at-all"', "--user: "),
    ],
)
def test_what_is_wrong_in_a_file_is_found_by_its_line(
    programs: dict[str, Path], tmp_path: Path, line: str, named: str
) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(f"# settings\n{line}\n")
    code, error = check(programs, "--config", str(config), "--check")
    assert code == 2
    assert error.startswith(f"mad-agent: {config}:2: {named}")


def test_what_is_wrong_in_the_environment_is_found_by_its_name(programs: dict[str, Path]) -> None:
    code, error = check(programs, "--check", API_URL="http//x")
    assert code == 2
    assert error.startswith("mad-agent: API_URL: --api: ")


def test_a_check_with_once_takes_no_sample(programs: dict[str, Path]) -> None:
    done = subprocess.run(
        [programs["mad-agent"], "--check", "--once"], capture_output=True, check=True, timeout=LIMIT
    )
    assert done.stdout == b""


@pytest.mark.parametrize("argument", ["--once", "--version", "--help"])
@pytest.mark.parametrize("output", [">/dev/full", ">&-"])
def test_what_nobody_can_have_read_is_a_failure(
    programs: dict[str, Path], argument: str, output: str
) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" {argument} {output}', programs["mad-agent"]],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 1
    assert done.stderr == "mad-agent: standard output cannot be written to\n"


def test_closed_standard_files_are_never_something_else(
    programs: dict[str, Path], manager: Manager
) -> None:
    with subprocess.Popen(
        ["sh", "-c", f'exec "$0" --api {NOBODY_THERE} <&- >&- 2>&-', programs["mad-agent"]],
        env={**os.environ, "NOTIFY_SOCKET": str(manager.path)},
    ) as agent:
        try:
            manager.wait_for("READY=1")
            files = [str(Path(f"/proc/{agent.pid}/fd/{n}").readlink()) for n in (0, 1, 2)]
            assert files == ["/dev/null"] * 3
            agent.terminate()
            assert agent.wait(LIMIT) == 0
        finally:
            agent.kill()


def test_strangers_on_the_port_of_metrics_neither_stop_samples_nor_fill_the_log(
    programs: dict[str, Path],
) -> None:
    with (
        running(programs, "--api", NOBODY_THERE, "--metrics", "0", "--interval", "1s") as agent,
        ExitStack() as strangers,
    ):
        url = first_line(agent).split()[-1]
        before = json.loads(get(f"{url}/health")[1])["samples"]
        host, port = url.removeprefix("http://").split(":")
        refused = 0
        for _ in range(60):
            one = strangers.enter_context(socket.create_connection((host, int(port)), LIMIT))
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
        for _ in range(10):
            try:
                get(f"{url}/health")
            except urllib.error.HTTPError as e:
                refused += e.code == 503
        assert refused == 10
        strangers.close()
        end = time.monotonic() + LIMIT
        while True:
            assert time.monotonic() < end
            try:
                if json.loads(get(f"{url}/health")[1])["samples"] > before + 1:
                    break
            except (urllib.error.HTTPError, ConnectionError):
                pass
        agent.terminate()
        assert "http.connection" not in agent.communicate(timeout=LIMIT)[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_goes_on_as_another_user_and_measures_the_same(programs: dict[str, Path]) -> None:
    def sources(*arguments: str) -> set[str]:
        done = subprocess.run(
            [programs["mad-agent"], "--once", *arguments],
            capture_output=True,
            check=True,
            timeout=LIMIT,
        )
        health = json.loads(done.stdout)["health"]
        assert health["err"] == []
        return set(health)

    assert sources("--user", "nobody") == sources()
    nobody = pwd.getpwnam("nobody")
    with running(programs, "--api", NOBODY_THERE, "--user", "nobody") as agent:
        first_line(agent)
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{agent.pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        assert set(status["Uid"].split()) == {str(nobody.pw_uid)}
        assert set(status["Gid"].split()) == {str(nobody.pw_gid)}
        assert status["Groups"].split() == [str(nobody.pw_gid)]
        assert status["NoNewPrivs"].strip() == "1"
        assert int(status["CapEff"], 16) == 0


def test_a_second_signal_ends_it_at_once(programs: dict[str, Path]) -> None:
    listener = socket.create_server(("127.0.0.1", 0))  # takes connections and never answers
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with listener, running(programs, "--api", url, "--drain-timeout", "60s") as agent:
        first_line(agent)
        agent.terminate()
        agent.terminate()
        assert agent.wait(LIMIT) == 0
