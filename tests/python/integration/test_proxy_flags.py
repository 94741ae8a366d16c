"""What mad-proxy makes of its flags, its file and its signals."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mad import _paths


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        return _paths.program("mad-proxy")
    except _paths.NotInstalledError as error:
        pytest.skip(str(error))


class Running:
    """A program that has said that it is ready."""

    def __init__(self, *command: object, folder: Path, **names: str) -> None:
        self.log_file = folder / f"log-{time.monotonic_ns()}"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                env=os.environ | names,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                pass_fds=[int(fd) for fd in names.pop("PASS", "").split()],
            )
        assert self.process.stdout
        words = self.process.stdout.readline().split()
        assert words[:1] == ["ready"], self.log
        self.url = words[2]
        self.port = int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def await_log(self, text: str, times: int = 1) -> None:
        wait_until(lambda: self.log.count(text) >= times, lambda: self.log)

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(30)


def wait_until(condition: Callable[[], bool], tell: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, tell()
        time.sleep(0.02)


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    all_of_them: list[Running] = []

    def run(*command: object, **names: str) -> Running:
        all_of_them.append(Running(*command, folder=tmp_path, **names))
        return all_of_them[-1]

    yield run
    for one in all_of_them:
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def node(programs: dict[str, Path], start: Start) -> Running:
    return start(programs["mad-api"], "--listen", "0")


def ask(path: str, target: str, method: str = "GET") -> Any:
    """One question over a unix socket."""

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(10)
            self.sock.connect(path)

    connection = Connection("localhost")
    connection.request(method, target)
    answer = connection.getresponse().read()
    connection.close()
    return json.loads(answer)


def names_of(path: str) -> list[str]:
    return sorted(u["name"] for u in ask(path, "/upstreams")["upstreams"])


ONE = ["--upstream", "http://127.0.0.1:1"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], ["--upstream", "--discover", "--admin"]),
        (["--upstream", "nonsense"], ["--upstream", "nonsense", "http://HOST:PORT"]),
        (["--upstream", "http://h/path"], ["--upstream", "path"]),
        (["--upstream", "http://h:1?weight=0"], ["--upstream", "weight"]),
        ([*ONE, *ONE], ["--upstream", "127.0.0.1-1", "NAME=URL"]),
        (["--discover", "http://h"], ["--discover", "rediss"]),
        ([*ONE, "--redis-password-file", "f"], ["--redis-password-file", "--discover"]),
        (["--discover", "redis://h", "--redis-password-file", "/none"], ["/none"]),
        ([*ONE, "--affinity", "cookie"], ["--affinity", "cookie", "sid,cookie,hash"]),
        ([*ONE, "--trust", "10.0.0.0/33"], ["--trust", "10.0.0.0/33", "10.0.0.0/8"]),
        ([*ONE, "--health", "ready"], ["--health", "slash"]),
        ([*ONE, "--path", "/socket.io"], ["--path", "/socket.io/"]),
        ([*ONE, "--web", "ftp://h"], ["--web", "http://"]),
        ([*ONE, "--admin", "0.0.0.0:1"], ["--admin", "unix:PATH"]),
        ([*ONE, "--admin", "unix:"], ["--admin", "path"]),
        ([*ONE, "--admin", "here"], ["--admin", "port"]),
        ([*ONE, "--admin-token-file", "f"], ["--admin-token-file", "--admin"]),
        (["--admin", "1", "--admin-token-file", "/none"], ["--admin-token-file", "/none"]),
        ([*ONE, "--cookie-secret-file", "/none"], ["--cookie-secret-file", "/none"]),
        ([*ONE, "--cookie-secret-file", "SHORT"], ["--cookie-secret-file", "16"]),
        ([*ONE, "--redirect", "0"], ["--redirect", "--tls-cert"]),
        ([*ONE, "--tls-cert", "f"], ["--tls-cert", "--tls-key"]),
        ([*ONE, "--tls-key", "f"], ["--tls-key", "--tls-cert"]),
        ([*ONE, "--tls-cert", "/none", "--tls-key", "/none"], ["--tls-cert", "/none"]),
        ([*ONE, "--listen", "0.0.0.0:0"], ["--listen", "--anonymous"]),
        ([*ONE, "--listen", "x"], ["--listen", "port"]),
        ([*ONE, "--ca-file", "/none"], ["--ca-file", "/none"]),
        ([*ONE, "--threads", "257"], ["--threads"]),
        ([*ONE, "--max-payload", "1"], ["--max-payload"]),
        ([*ONE, "--drain-over", "soon"], ["--drain-over", "soon", "25s"]),
        ([*ONE, "--health-interval", "1ms"], ["--health-interval", "100ms"]),
        ([*ONE, "--colour", "red"], ["--colour"]),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(
    program: Path, tmp_path: Path, arguments: list[str], says: list[str]
) -> None:
    (tmp_path / "short").write_text("15 characters..\n")
    told = [str(tmp_path / "short") if word == "SHORT" else word for word in arguments]
    done = subprocess.run(
        [program, "--listen", "0", "--check", *told]
        if "--listen" not in told
        else [program, "--check", *told],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    for word in says:
        assert word in done.stderr


def test_a_file_says_the_same_and_is_named_with_its_line(program: Path, tmp_path: Path) -> None:
    file = tmp_path / "proxy.toml"
    file.write_text('upstream = ["a=http://h:1", "b=http://h:2"]\naffinity = "hash"\n')
    check = [str(program), "--config", str(file), "--check"]
    assert subprocess.run(check, check=False, timeout=30).returncode == 0
    file.write_text('upstream = ["a=http://h:1"]\nupsteam = 1\n')
    done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert f"{file}:2: upsteam" in done.stderr


def test_upstreams_come_from_the_environment_too(
    program: Path, start: Start, tmp_path: Path
) -> None:
    admin = str(tmp_path / "admin")
    start(
        program,
        *("--listen", "0", "--admin", f"unix:{admin}"),
        MAD_PROXY_UPSTREAM="a=http://127.0.0.1:1,b=http://127.0.0.1:2",
    )
    assert names_of(admin) == ["a", "b"]


def test_a_session_goes_through_and_the_end_is_clean(
    program: Path, start: Start, node: Running
) -> None:
    proxy = start(program, "--listen", "0", "--upstream", node.url)
    with urllib.request.urlopen(
        proxy.url + "/socket.io/?EIO=4&transport=polling", timeout=10
    ) as answer:
        assert answer.read().startswith(b'0{"sid"')
    assert proxy.end() == 0


def test_a_reload_reads_the_whole_file_and_a_bad_one_changes_nothing(
    program: Path, start: Start, node: Running, tmp_path: Path
) -> None:
    admin, file = str(tmp_path / "admin"), tmp_path / "proxy.toml"
    file.write_text(f'upstream = ["a={node.url}", "b={node.url}?weight=3"]\n')
    proxy = start(program, "--listen", "0", "--config", file, "--admin", f"unix:{admin}")
    assert names_of(admin) == ["a", "b"]

    file.write_text(f'upstream = ["b={node.url}?weight=5", "c={node.url}"]\n')
    proxy.signal(signal.SIGHUP)
    wait_until(lambda: names_of(admin) == ["b", "c"], lambda: proxy.log)
    assert ask(admin, "/upstreams/b")["weight"] == 5

    file.write_text('upstream = ["d=nonsense"]\n')
    proxy.signal(signal.SIGHUP)
    proxy.await_log("program.reload.failed")
    assert "nonsense" in proxy.log
    assert names_of(admin) == ["b", "c"]

    file.write_text(f'upstream = ["b={node.url}"]\nthreads = 7\n')
    proxy.signal(signal.SIGHUP)
    proxy.await_log("proxy.reload.ignored")
    wait_until(lambda: names_of(admin) == ["b"])
    assert "--threads" in proxy.log
    assert "--listen" not in proxy.log  # its port was the kernel's choice, and still is


@pytest.mark.parametrize(
    ("flag", "then"),
    [
        ("listen", '"127.0.0.1:1"'),
        ("threads", "7"),
        ("admin", '"127.0.0.1:1"'),
        ("handover", '"elsewhere"'),
        ("discover", '"redis://127.0.0.1:2"'),
        ("log_level", '"debug"'),
    ],
)
def test_what_a_reload_cannot_change_is_named_with_what_to_do(
    program: Path, start: Start, tmp_path: Path, flag: str, then: str
) -> None:
    file = tmp_path / "proxy.toml"
    now = {"listen": '"0"', "discover": '"redis://127.0.0.1:1"', "max_payload": "2000"}

    def write(values: dict[str, str]) -> None:
        file.write_text("".join(f"{name} = {value}\n" for name, value in values.items()))

    write(now)
    proxy = start(program, "--config", file, "--upstream", "http://127.0.0.1:1")
    write(now | {flag: then, "max_payload": "3000"})
    proxy.signal(signal.SIGHUP)
    proxy.await_log("program.reloaded")
    named = [line for line in proxy.log.splitlines() if "proxy.reload.ignored" in line]
    assert len(named) == 1, proxy.log
    assert "--" + flag.replace("_", "-") in named[0]
    assert "--handover" in named[0]
    # Said each time until it is so again.
    write(now)
    proxy.signal(signal.SIGHUP)
    proxy.await_log("program.reloaded", 2)
    assert proxy.log.count("proxy.reload.ignored") == 1
    body = b"x" * 2001
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    connection.request("POST", "/socket.io/?EIO=4&transport=polling&sid=x", body=body)
    with connection.getresponse() as answer:
        assert answer.status == 413
    connection.close()


# As a service manager does: the socket is descriptor 3 of the process that it names.
PASSING = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_socket_that_was_passed_is_served(program: Path, start: Start, node: Running) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        fd = listening.fileno()
        proxy = start(
            *(sys.executable, "-c", PASSING, fd, program, "--upstream", node.url),
            PASS=str(fd),
        )
    assert proxy.port == port
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
        assert answer.status == 200


def certificate(folder: Path, name: str) -> tuple[str, str]:
    cert, key = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return cert, key


def subject_of(port: int, name: str) -> bytes:
    """The certificate that a client gets who asks for that name."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname=name) as wire,
    ):
        assert wire.selected_alpn_protocol() == "http/1.1"
        assert wire.version() in ("TLSv1.3", "TLSv1.2")
        return wire.getpeercert(binary_form=True) or b""


def test_the_name_picks_the_certificate_and_a_reload_brings_new_ones(
    program: Path, start: Start, tmp_path: Path
) -> None:
    pairs = [certificate(tmp_path, name) for name in ("a.example", "b.example")]
    der = [ssl.PEM_cert_to_DER_cert(Path(cert).read_text()) for cert, _ in pairs]
    flags = [word for cert, key in pairs for word in ("--tls-cert", cert, "--tls-key", key)]
    proxy = start(program, "--listen", "0", "--redirect", "0", *ONE, *flags)
    assert proxy.url.startswith("https://")
    assert subject_of(proxy.port, "a.example") == der[0]
    assert subject_of(proxy.port, "b.example") == der[1]
    assert subject_of(proxy.port, "c.example") == der[0]

    certificate(tmp_path, "b.example")
    proxy.signal(signal.SIGHUP)
    proxy.await_log("program.reloaded")
    wait_until(lambda: subject_of(proxy.port, "b.example") != der[1])
    Path(pairs[0][0]).write_text("no certificate\n")
    proxy.signal(signal.SIGHUP)
    proxy.await_log("program.reload.failed")
    assert subject_of(proxy.port, "a.example") == der[0]


def test_http_is_sent_on_to_https(program: Path, start: Start, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "localhost")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    proxy = start(
        program,
        *("--listen", "0", "--redirect", port, *ONE, "--tls-cert", cert, "--tls-key", key),
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/x?y", body=b"z", headers={"Host": "a.example:80"})
    answer = connection.getresponse()
    assert answer.status == 308
    assert answer.headers["Location"] == f"https://a.example:{proxy.port}/x?y"
    connection.close()


class Session:
    """A polling session over one connection that is kept, as Engine.IO 4 has it."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.sid = json.loads(self.get("")[1:])["sid"]
        assert self.post("40") == "ok"

    def path(self, more: str) -> str:
        return f"/socket.io/?EIO=4&transport=polling{more}"

    def get(self, more: str | None = None) -> str:
        self.connection.request("GET", self.path(f"&sid={self.sid}" if more is None else more))
        answer = self.connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
        return text

    def post(self, body: str) -> str:
        self.connection.request("POST", self.path(f"&sid={self.sid}"), body=body.encode())
        answer = self.connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
        return text


def websocket(port: int) -> socket.socket:
    """A websocket whose session is open."""
    wire = socket.create_connection(("127.0.0.1", port), 20)
    wire.sendall(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    seen = b""
    while b'"sid"' not in seen or not seen.endswith(b"}"):
        seen += wire.recv(4096)
    assert seen.startswith(b"HTTP/1.1 101 ")
    return wire


def talk(wire: socket.socket) -> None:
    """Connects to the namespace and hears that it has."""
    wire.sendall(b"\x81\x82\0\0\0\x0040")
    seen = b""
    while b'40{"sid"' not in seen:
        piece = wire.recv(4096)
        assert piece, "it was closed"
        seen += piece


def test_the_next_process_takes_over_and_nobody_notices(
    program: Path, start: Start, programs: dict[str, Path], tmp_path: Path
) -> None:
    nodes = [start(programs["mad-api"], "--listen", "0") for _ in range(2)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    admin = str(tmp_path / "admin")
    command = [
        *(program, "--listen", port, "--handover", tmp_path / "handover"),
        *("--admin", f"unix:{admin}", "--upstream", f"a={nodes[0].url}"),
    ]
    first = start(*command)
    added = http.client.HTTPConnection("localhost")  # by hand, in no list
    added.sock = socket.socket(socket.AF_UNIX)
    added.sock.connect(admin)
    added.request("PUT", "/upstreams/b", body=json.dumps({"url": nodes[1].url}))
    with added.getresponse() as answer:
        assert answer.status == 201
    added.close()
    wait_until(lambda: ask(admin, "/upstreams/b")["state"] in ("up", "slow_start"))

    running = [first]
    with ExitStack() as stack:
        polling = [Session(port) for _ in range(30)]
        for session in polling:
            stack.callback(session.connection.close)
        sockets = [stack.enter_context(websocket(port)) for _ in range(30)]
        for _ in range(2):  # the next, and its next
            running.append(start(*command))
            assert running[-1].port == port
            assert running[-2].process.wait(30) == 0, running[-2].log
            for session in polling:
                assert session.post('42["nothing"]') == "ok"  # over the connection it had
                session.connection.close()
                assert session.post('42["nothing"]') == "ok"  # over a new one
            assert names_of(admin) == ["a", "b"]
        for wire in sockets:
            talk(wire)
    assert running[-1].end() == 0
    assert not Path(admin).exists()
    assert not (tmp_path / "handover").exists()
