"""What is secret is told to nobody: not in a log at its most talkative, not in answers, not in
process lists. Everything runs, with secrets that cannot be mistaken, shown rightly and wrongly."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import socketio  # type: ignore[import-untyped]
from security_kit import BIN, LIMIT_S, Program, program, secret_file

MARK = "PLANTED"


def planted(name: str) -> str:
    """A secret of 40 characters that no honest text has in it."""
    return f"{MARK}-{name}-".ljust(40, "x")


AGENT, VIEWER, ADMIN, WRONG = map(planted, ("agent", "viewer", "admin", "wrong"))
LINKS, REDIS, WEBHOOK, COOKIE, ADMIN_SOCKET = map(
    planted, ("links", "redis", "hook", "cookie", "proxy")
)


@dataclass(slots=True)
class System:
    """Everything that runs, and what it was told and has told."""

    programs: list[Program]
    folder: Path
    answers: list[bytes] = field(default_factory=list)
    sids: list[str] = field(default_factory=list)
    notices: list[bytes] = field(default_factory=list)


def ask(system: System, port: int, target: str, method: str = "GET", **fields: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    names = {name.replace("_", "-"): value for name, value in fields.items()}
    connection.request(method, target, headers=names)
    answer = connection.getresponse()
    system.answers.append(bytes(str(answer.getheaders()), "utf-8") + answer.read())
    connection.close()
    return answer.status


async def visit(system: System, port: int, auth: dict[str, str] | None, **fields: str) -> bool:
    """Whether a client of Socket.IO is let in; by websocket and by polling."""
    welcome = True
    for transport in ("websocket", "polling"):
        client = socketio.AsyncClient(reconnection=False)
        try:
            await client.connect(
                f"http://127.0.0.1:{port}", auth=auth, headers=fields, transports=[transport]
            )
            system.sids.append(str(client.eio.sid))
            await client.emit("web_connected", {"v": 2})
            await asyncio.sleep(0.2)
        except socketio.exceptions.ConnectionError as error:
            system.answers.append(repr(error.args).encode())
            welcome = False
        await client.disconnect()
    return welcome


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[int]:
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server (apt-get install redis-server)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    config = secret_file(
        folder, "redis.conf", f"port {port}\nbind 127.0.0.1\nrequirepass {REDIS}\nsave ''\n"
    )
    process = subprocess.Popen(["redis-server", config], stdout=subprocess.DEVNULL, cwd=folder)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(LIMIT_S)


@contextlib.contextmanager
def webhook(system: System) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            system.notices.append(str(self.headers).encode() + body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


TOKENS = f"""
link_key = "{LINKS}"
[[token]]
name = "agents"
role = "agent"
token = "{AGENT}"
[[token]]
name = "wall"
role = "viewer"
token = "{VIEWER}"
[[token]]
name = "boss"
role = "admin"
token = "{ADMIN}"
"""


def bearer(token: str) -> str:
    return f"Bearer {token}"


def show_everything(system: System, api: Program, proxy: Program, admin: Path) -> None:
    """Shows each secret where it belongs, where it does not, and in wrong forms."""
    for port in (api.port, proxy.port):
        assert asyncio.run(visit(system, port, {"token": VIEWER}))
        assert asyncio.run(visit(system, port, None, Authorization=bearer(ADMIN)))
        assert not asyncio.run(visit(system, port, {"token": WRONG}))
        assert not asyncio.run(visit(system, port, {"token": VIEWER + "y"}))
        assert not asyncio.run(visit(system, port, None, Authorization=bearer(WRONG)))
        basic = base64.b64encode(f"me:{WRONG}".encode()).decode()
        for value in (bearer(VIEWER), bearer(WRONG), f"Basic {basic}", WRONG, f"bearer  {WRONG}"):
            ask(system, port, "/api/v1/clients", Authorization=value)
        for query in (f"token={VIEWER}", f"token={WRONG}", f"access_token={ADMIN}"):
            ask(system, port, f"/socket.io/?EIO=4&transport=polling&{query}")
            ask(system, port, f"/api/v1/clients?{query}")
            ask(system, port, f"/none/{query}")
        ask(
            system,
            port,
            "/socket.io/?EIO=4&transport=polling",
            Cookie=f"mad_node={WRONG}; s={WRONG}",
        )
        ask(system, port, f"/socket.io/?EIO=4&transport={WRONG}")
        ask(system, port, "/api/v1/mutes", "POST", Authorization=bearer(WRONG))
        ask(system, port, "/metrics", Authorization=bearer(ADMIN))
        for target in ("/health", "/ready", "/metrics", "/api/v1/session"):
            ask(system, port, target)
    for token in (ADMIN_SOCKET, WRONG):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(admin))
            peer.sendall(
                f"GET /upstreams HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer(token)}\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            while data := peer.recv(65_536):
                system.answers.append(data)


@pytest.fixture(scope="module", params=["text", "json"])
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Everything has been shown, and most of it has been refused."""
    folder = tmp_path_factory.mktemp("secrets")
    system = System([], folder)
    loud = ("--log-level", "debug", "--log-format", request.param)

    def file(name: str, text: str) -> str:
        return secret_file(folder, name, text + "\n")

    with contextlib.ExitStack() as stack:
        redis_port = stack.enter_context(redis(folder))
        hook = stack.enter_context(webhook(system))
        at_redis = ("--redis", f"redis://127.0.0.1:{redis_port}")

        def start(name: str, *flags: str, listens: bool = True) -> Program:
            made = stack.enter_context(program(folder, name, *loud, *flags, listens=listens))
            system.programs.append(made)
            return made

        api = start(
            "mad-api", *at_redis, "--tokens", file("tokens.toml", TOKENS),
            "--redis-password-file", file("redis", REDIS),
            "--webhook", f"http://127.0.0.1:{hook}/",
            "--webhook-secret-file", file("hook", WEBHOOK),
        )  # fmt: skip
        start("mad-api", *at_redis, "--redis-password-file", file("redis2", WRONG))
        admin = folder / "admin.sock"
        proxy = start(
            "mad-proxy", "--upstream", f"http://127.0.0.1:{api.port}",
            "--cookie-secret-file", file("cookie", COOKIE),
            "--admin", f"unix:{admin}", "--admin-token-file", file("admin", ADMIN_SOCKET),
        )  # fmt: skip
        url = f"http://127.0.0.1:{proxy.port}"
        for name, token in (("right", AGENT), ("wrong", WRONG)):
            flags = ("--api", url, "--id", name, "--interval", "1s")
            start("mad-agent", *flags, "--token-file", file(name, token), listens=False)
        until = time.monotonic() + LIMIT_S
        while ask(system, proxy.port, "/health") != 200:
            assert time.monotonic() < until
            time.sleep(0.1)
        time.sleep(2)  # agents come, or are refused
        show_everything(system, api, proxy, admin)
        yield system


def found(text: str) -> list[str]:
    """Where a secret stands, with what is before it."""
    text = text.replace("\n", " ")
    return [text[max(0, at - 60) : at + 24] for at in range(len(text)) if text.startswith(MARK, at)]


def test_the_search_finds_what_is_planted() -> None:
    assert found(f"a log\nwith {AGENT} in it") == [f"a log with {AGENT[:24]}"]


def test_what_was_shown_was_looked_at(told: System) -> None:
    """Else there would be nothing that could have been told."""
    logs = "".join(one.log.read_text() for one in told.programs)
    for event in ("engine.session.opened", "redis"):
        assert event in logs
    assert len(told.sids) >= 8
    assert any(b"401" in answer or b"token" in answer.lower() for answer in told.answers)


def test_no_secret_is_in_a_log(told: System) -> None:
    for one in told.programs:
        assert found(one.log.read_text()) == [], one.log.name


def test_no_secret_is_in_an_answer(told: System) -> None:
    for answer in told.answers:
        assert found(answer.decode(errors="replace")) == []


def test_no_secret_is_in_a_notice(told: System) -> None:
    for notice in told.notices:
        assert found(notice.decode(errors="replace")) == []


def test_no_secret_is_in_a_process_list(told: System) -> None:
    for one in told.programs:
        assert found(one.command_line) == []
        environment = Path(f"/proc/{one.process.pid}/environ").read_text()
        assert found(environment) == []


def test_ids_of_sessions_are_cut_in_logs(told: System) -> None:
    for one in told.programs:
        log = one.log.read_text()
        for sid in told.sids:
            assert sid[:7] not in log, one.log.name


def test_secrets_that_others_may_read_are_refused(tmp_path: Path) -> None:
    tokens = Path(secret_file(tmp_path, "tokens.toml", TOKENS))
    tokens.chmod(0o644)
    done = subprocess.run(
        [str(BIN / "mad-api"), "--tokens", str(tokens), "--check"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert "chmod" in done.stderr
    assert found(done.stderr + done.stdout) == []


@pytest.mark.parametrize(
    "text",
    [
        TOKENS.replace('role = "viewer"', 'role = "king"'),
        TOKENS + f'token = "{WRONG}"\n',
        TOKENS.replace(f'"{VIEWER}"', f'"{VIEWER}'),
        TOKENS.replace(VIEWER, AGENT),
        f'[[token]]\nname = "a"\nrole = "agent"\ntoken = "{MARK}"\n',
        json.dumps({"token": WRONG}),
    ],
    ids=[
        "a wrong role",
        "a token twice",
        "no end of a text",
        "the same token",
        "a short one",
        "JSON",
    ],
)
def test_a_wrong_file_of_tokens_is_told_of_without_them(tmp_path: Path, text: str) -> None:
    tokens = secret_file(tmp_path, "tokens.toml", text)
    done = subprocess.run(
        [str(BIN / "mad-api"), "--tokens", tokens, "--check"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert "tokens.toml" in done.stderr
    assert found(done.stderr + done.stdout) == []
