"""Who mad-api lets in: `--tokens`, `--anonymous`, `--identity-header`."""

from __future__ import annotations

import os
import queue
import select
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import mad.socketio

AGENT = "agent-token-0123456789abcdef"
VIEWER = "viewer-token-0123456789abcdef"
TOKENS = f"""\
[[token]]
name = "agents"
role = "agent"
token = "{AGENT}"

[[token]]
name = "wall"
role = "viewer"
token = "{VIEWER}"
"""


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    file = tmp_path / "tokens.toml"
    file.write_text(TOKENS)
    file.chmod(0o600)
    return file


def check(program: Path, *arguments: object, **names: str) -> subprocess.CompletedProcess[str]:
    """What the program says of that, without doing anything."""
    return subprocess.run(
        [str(word) for word in (program, "--check", *arguments)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ | names,
    )


@contextmanager
def running(program: Path, *arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program and its URL (the last word of its line, which an agent has none of)."""
    with subprocess.Popen(
        [str(word) for word in (program, *arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            words = process.stdout.readline().split()
            assert words[:1] == ["ready"], process.communicate(timeout=20)[1]
            yield process, words[-1]
        finally:
            process.terminate()


def status(url: str, token: str = "", path: str = "/metrics", **fields: str) -> int:
    """As somebody from elsewhere gets it."""
    headers = {"Host": "node.example"} | {k.replace("_", "-"): v for k, v in fields.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--listen", "0.0.0.0:0"], 2, "--tokens FILE, or --anonymous"),
        (["--listen", "0.0.0.0:0", "--anonymous"], 0, ""),
        (["--listen", "0.0.0.0:0", "--anonymous=agents"], 0, ""),
        (["--listen", "0.0.0.0:0", "--anonymous=false"], 2, "is not loopback"),
        (["--listen", "0.0.0.0:0", "--tokens", "TOKENS"], 0, ""),
        (["--anonymous=all"], 2, "--anonymous: 'all' is none of agents, true and false"),
        (["--tokens", "/nowhere"], 2, "--tokens: cannot read /nowhere"),
        (["--tokens", "/"], 2, "--tokens: / is no file"),
        (["--identity-header", "X-User"], 2, "--identity-header: nobody is named"),
        (["--identity-header", "X-User", "--trust", "none"], 2, "nobody is named"),
        (["--identity-header", "X-User", "--trust", "10.0.0.5"], 0, ""),
        (["--identity-header", "X User", "--trust", "10.0.0.5"], 2, "'X User' is no field name"),
        (["--identity-role-header", "X-Roles"], 2, "needs --identity-header"),
    ],
)
def test_flags_are_judged(
    programs: dict[str, Path], tokens: Path, arguments: list[str], code: int, said: str
) -> None:
    words = [str(tokens) if word == "TOKENS" else word for word in arguments]
    result = check(programs["mad-api"], *words)
    assert result.returncode == code, result.stderr
    assert said in result.stderr


def test_the_environment_and_the_file_say_it_too(
    programs: dict[str, Path], tokens: Path, tmp_path: Path
) -> None:
    api = programs["mad-api"]
    far = ("--listen", "0.0.0.0:0")
    assert check(api, *far, MAD_API_ANONYMOUS="agents").returncode == 0
    assert check(api, *far, MAD_API_TOKENS=str(tokens)).returncode == 0
    assert "MAD_API_ANONYMOUS" in check(api, MAD_API_ANONYMOUS="maybe").stderr
    settings = tmp_path / "api.toml"
    for line, code in [
        ('anonymous = "agents"', 0),
        ("anonymous = true", 0),
        ("anonymous = false", 2),
        (f'tokens = "{tokens}"', 0),
    ]:
        settings.write_text(line + "\n")
        assert check(api, *far, "--config", settings).returncode == code


def test_other_programs_are_open_or_not(programs: dict[str, Path]) -> None:
    assert check(programs["mad-web"], "--anonymous=agents").returncode == 2
    assert check(programs["mad-web"], "--tokens", "x").returncode == 2


def test_all_that_is_wrong_is_told_with_its_line_and_no_token(
    programs: dict[str, Path], tokens: Path
) -> None:
    secret = "hunter2-hunter2-hunter2"
    tokens.write_text(
        f"""\
link_key = "short"
[[token]]
name = "a"
role = "boss"
token = "hunter2"
[[token]]
role = "viewer"
token = "{secret}"
ids = ["x"]
filter = "cpu>"
expires = "soon"
[[token]]
name = "a"
role = "agent"
sha256 = "zz"
ids = []
[[token]]
name = "a"
role = "admin"
token = "{secret}"
colour = "red"
"""
    )
    result = check(programs["mad-api"], "--tokens", tokens)
    assert result.returncode == 2
    lines = [line.split(": ", 2) for line in result.stderr.removeprefix("mad-api: ").splitlines()]
    assert [(place.removeprefix(f"{tokens}:"), what) for place, what, *_ in lines] == [
        ("1", "link_key"),
        ("4", "role"),
        ("5", "token"),
        ("6", "name"),
        ("9", "ids and tags are for the role agent"),
        ("10", "filter"),
        ("11", "expires"),
        ("12", "name"),
        ("15", "sha256"),
        ("16", "ids"),
        ("17", "name"),
        ("20", "token"),
        ("21", "colour"),
    ]
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (TOKENS, 0o644, "chmod 600"),
        (TOKENS, 0o660, "chmod 600"),
        ("", 0o600, "no [[token]] is in it"),
        (f'[[token]\nname = "{AGENT}"', 0o600, "this is no TOML"),
        (f"[={AGENT}]", 0o600, "this is no TOML"),
        (f'token = "{AGENT}"', 0o600, "write [[token]] above each one"),
    ],
)
def test_a_file_that_is_none_is_refused(
    programs: dict[str, Path], tokens: Path, text: str, mode: int, said: str
) -> None:
    tokens.write_text(text)
    tokens.chmod(mode)
    result = check(programs["mad-api"], "--tokens", tokens)
    assert result.returncode == 2
    assert said in result.stderr
    assert AGENT not in result.stderr


def test_the_group_of_a_service_may_read_it(programs: dict[str, Path], tokens: Path) -> None:
    tokens.chmod(0o640)
    assert check(programs["mad-api"], "--tokens", tokens).returncode == 0


def test_expiry_is_a_date_or_a_moment(programs: dict[str, Path], tokens: Path) -> None:
    for written, good in [
        ("2099-01-01", True),
        ("2099-01-01T12:00:00Z", True),
        ("2099-01-01T12:00:00+02:00", True),
        ("2099-01-01T12:00:00", True),
        ("2000-01-01", False),
    ]:
        tokens.write_text(TOKENS + f"expires = {written}\n")
        with running(programs["mad-api"], "--listen", "127.0.0.1:0", "--tokens", tokens) as node:
            assert status(node[1], VIEWER) == (200 if good else 401), written


def test_a_reload_takes_the_file_whole_or_not_at_all(
    programs: dict[str, Path], tokens: Path
) -> None:
    with running(programs["mad-api"], "--listen", "127.0.0.1:0", "--tokens", tokens) as (api, url):
        assert status(url, VIEWER) == 200
        assert status(url, AGENT) == 403
        assert status(url) == 401
        client = mad.socketio.Client(url, auth={"token": VIEWER})
        gone: queue.Queue[str] = queue.Queue()
        client.on("disconnect", gone.put)
        client.connect()

        tokens.write_text(TOKENS.replace("viewer", "boss"))
        api.send_signal(signal.SIGHUP)
        await_word(api, "program.reload.failed")
        assert status(url, VIEWER) == 200
        assert gone.empty()

        tokens.write_text(TOKENS.replace(VIEWER, VIEWER + "-next"))
        api.send_signal(signal.SIGHUP)
        await_word(api, "program.reloaded")
        assert status(url, VIEWER) == 401
        assert status(url, VIEWER + "-next") == 200
        assert gone.get(timeout=20)
        client.close()


def await_word(process: subprocess.Popen[str], word: str) -> None:
    """Until the log has said it; no token is in what comes before."""
    assert process.stderr
    said = ""
    while word not in said:
        assert select.select([process.stderr], [], [], 20)[0], f"nothing of {word} in: {said}"
        part = os.read(process.stderr.fileno(), 65536)
        assert part, f"the end before {word}: {said}"
        said += part.decode()
    assert VIEWER not in said
    assert AGENT not in said


def test_an_agent_comes_in_with_its_token(
    programs: dict[str, Path], tokens: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text(AGENT + "\n")
    secret.chmod(0o600)
    with running(programs["mad-api"], "--listen", "127.0.0.1:0", "--tokens", tokens) as (_, url):
        client = mad.socketio.Client(url, auth={"token": VIEWER})
        seen: queue.Queue[str] = queue.Queue()
        client.on("web_client_update", lambda record: seen.put(record["id"]))
        client.connect()
        agent = (programs["mad-agent"], "--api", url, "--id", "host-1", "--token-file", secret)
        with running(*agent):
            assert seen.get(timeout=20) == "host-1"
        client.close()


def test_only_a_proxy_of_a_written_trust_names_people(
    programs: dict[str, Path], tokens: Path
) -> None:
    flags = ("--listen", "127.0.0.1:0", "--tokens", tokens, "--identity-header", "X-User")
    for trust, code in [(["loopback"], 200), (["192.0.2.1"], 401)]:
        words = [word for network in trust for word in ("--trust", network)]
        with running(programs["mad-api"], *flags, *words) as (_, url):
            assert status(url, X_User="ann") == code
            assert status(url) == 401


def test_a_proxy_hands_the_token_on(programs: dict[str, Path], tokens: Path) -> None:
    with running(programs["mad-api"], "--listen", "127.0.0.1:0", "--tokens", tokens) as (_, url):
        proxy = (programs["mad-proxy"], "--listen", "127.0.0.1:0", "--upstream", url)
        with running(*proxy) as (_, front):
            # Who shows nothing may still do so when it connects.
            for token, code in [(VIEWER, 200), ("wrong" * 5, 403), ("", 200)]:
                assert status(front, token, path="/socket.io/?EIO=4&transport=polling") == code
