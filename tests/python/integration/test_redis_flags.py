"""What mad-api makes of its flags for Redis, and says of those that are wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mad.local.redis import find_server

needs_redis = pytest.mark.skipif(
    not find_server(), reason="no redis-server: apt-get install redis-server"
)
SECRET = "sesame"


class Node:
    """A mad-api that runs until the block ends; then `log` is what it said."""

    def __init__(self, program: Path, arguments: tuple[str, ...], names: dict[str, str]) -> None:
        self._log = ""
        self._process = subprocess.Popen(
            [program, "--listen", "0", "--log-level", "debug", *arguments],
            env=os.environ | names,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Node:
        assert self._process.stdout
        word, _, self.url = self._process.stdout.readline().split()
        assert word == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self.log = self._process.communicate(timeout=30)[1]

    def ready(self) -> int:
        try:
            with urllib.request.urlopen(self.url + "/ready", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def await_ready(self) -> None:
        end = time.monotonic() + 20
        while self.ready() != 200:
            assert time.monotonic() < end, "never ready"
            time.sleep(0.02)


Start = Callable[..., Node]


@pytest.fixture
def start(programs: dict[str, Path]) -> Start:
    return lambda *arguments, **names: Node(programs["mad-api"], arguments, names)


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    """A Redis that wants the password."""
    server = find_server()
    assert server
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    told = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen([server, *told, "--requirepass", SECRET], stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("arguments", "names", "says"),
    [
        (["--redis", "redis:/h"], {}, ["--redis", "character 1", "redis://"]),
        (["--redis", "http://h"], {}, ["--redis", "character 1", "rediss"]),
        (["--redis", "redis://h:70000"], {}, ["--redis", "character", "1 to 65535"]),
        ([], {"MAD_API_REDIS": "redis://h:0x1"}, ["--redis", "1 to 65535"]),
        ([], {"REDIS_HOST": "h", "REDIS_PORT": "x"}, ["REDIS_PORT", "1 to 65535"]),
        (["--legacy-keys"], {}, ["--legacy-keys", "--redis URL"]),
        (["--redis-password-file", "f"], {}, ["--redis-password-file", "--redis URL"]),
        (
            ["--redis", "redis://h", "--redis-password-file", "/none"],
            {},
            ["--redis-password-file", "/none"],
        ),
        (
            ["--redis", "redis://h,i?cluster=1", "--legacy-keys"],
            {},
            ["--legacy-keys", "Cluster", "sentinels"],
        ),
        (["--redis", "redis://h", "--node-id", "a{b}"], {}, ["--node-id", "braces"]),
        (["--advertise", "http://10.0.0.5:3000"], {}, ["--advertise", "--redis URL"]),
        (["--redis", "redis://h", "--advertise", "10.0.0.5:3000"], {}, ["http://HOST:PORT"]),
        (["--redis", "redis://h", "--advertise", "http://a/b"], {}, ["http://HOST:PORT"]),
        (["--redis", "redis://h", "--advertise", "n=http://a?weight=2"], {}, ["--advertise"]),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(
    programs: dict[str, Path], arguments: list[str], names: dict[str, str], says: list[str]
) -> None:
    done = subprocess.run(
        [programs["mad-api"], "--listen", "0", *arguments],
        env=os.environ | names,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    for word in says:
        assert word in done.stderr


def test_a_port_alone_names_no_redis(start: Start) -> None:
    with start(REDIS_PORT="tcp://10.0.0.1:6379") as node:
        assert node.ready() == 200


@needs_redis
def test_a_password_file_is_read_at_each_connect(
    start: Start, redis_port: int, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    names = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis_port)}
    with start("--redis-password-file", str(file), **names) as node:
        node.await_ready()
    assert "fleet.share.joined" in node.log
    assert SECRET not in node.log
    file.write_text("guess\n")
    with start("--redis-password-file", str(file), **names) as node:
        assert node.ready() == 503
        file.write_text(SECRET)
    assert "guess" not in node.log


@needs_redis
def test_a_password_in_the_arguments_warns_and_is_masked(start: Start, redis_port: int) -> None:
    url = f"redis://:{SECRET}@127.0.0.1:{redis_port}"
    with start("--redis", url) as node:
        node.await_ready()
    assert "redis.password_in_arguments" in node.log
    assert "--redis-password-file" in node.log
    assert SECRET not in node.log
    with start(MAD_API_REDIS=url) as node:
        node.await_ready()
    assert "redis.password_in_arguments" not in node.log
    assert SECRET not in node.log


def test_a_password_is_masked_where_its_url_is_wrong(programs: dict[str, Path]) -> None:
    url = f"redis://user:{SECRET}@host:70000"
    done = subprocess.run(
        [programs["mad-api"], "--check", "--redis", url],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2
    assert SECRET not in done.stdout + done.stderr


@needs_redis
def test_a_node_is_announced_as_it_says_and_not_on_loopback(start: Start, redis_port: int) -> None:
    url = f"redis://:{SECRET}@127.0.0.1:{redis_port}"

    def announced() -> str:
        with socket.create_connection(("127.0.0.1", redis_port), 10) as wire:
            wire.sendall(f"AUTH {SECRET}\r\nGET mad:{{A}}:address\r\n".encode())
            with wire.makefile() as lines:
                assert lines.readline() == "+OK\n"
                assert lines.readline().startswith("$")
                return lines.readline()

    public = "https://node-a.example:8443"
    with start("--node-id", "A", "--advertise", public, MAD_API_REDIS=url) as node:
        node.await_ready()
        kept = json.loads(announced())
        with urllib.request.urlopen(node.url + "/ready", timeout=10) as answer:
            said = json.load(answer)
    assert kept["url"] == public
    assert not kept["draining"]
    for name in ("tag", "version", "instance"):
        assert kept[name] == said[name]
    for flags in ([], ["--advertise", "off"]):
        with start("--node-id", "A", *flags, MAD_API_REDIS=url) as node:
            node.await_ready()
            with socket.create_connection(("127.0.0.1", redis_port), 10) as wire:
                wire.sendall(f"AUTH {SECRET}\r\nEXISTS mad:{{A}}:address\r\n".encode())
                with wire.makefile() as lines:
                    assert [lines.readline().strip() for _ in range(2)] == ["+OK", ":0"]


@needs_redis
def test_nodes_of_the_original_are_kept_up_to_date_where_it_says_so(
    start: Start, redis_port: int
) -> None:
    url = f"redis://:{SECRET}@127.0.0.1:{redis_port}"

    def said(command: str) -> str:
        with socket.create_connection(("127.0.0.1", redis_port), 10) as wire:
            wire.sendall(f"AUTH {SECRET}\r\n{command}\r\n".encode())
            with wire.makefile() as lines:
                assert lines.readline() == "+OK\n"
                return lines.readline().strip()

    for flags, channels in ((["--legacy-keys"], ":1"), ([], ":0")):
        with start(*flags, MAD_API_REDIS=url) as node:
            node.await_ready()
            # Who shares with them hears what they say to their consoles.
            with socket.create_connection(("127.0.0.1", redis_port), 10) as wire:
                wire.sendall(f"AUTH {SECRET}\r\nPUBSUB NUMSUB socket.io#/#\r\n".encode())
                with wire.makefile() as lines:
                    answers = [lines.readline().strip() for _ in range(5)]
            assert answers[-1] == channels
        assert said("EXISTS mad:nodes") == ":0"
