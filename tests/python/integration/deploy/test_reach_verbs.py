"""`ssh`, `exec`, `logs`, `status` and `doctor` on hosts that are reached by real ssh."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from aws_local import Server
from plan_kit import stack
from sshd_kit import LIMIT_S, Site, Sshd, keygen, needs_sshd, until
from stack_kit import World
from terminal_kit import read_until, terminal
from typer.testing import CliRunner

from mad.cli.deploy import common
from mad.cli.deploy.app import app
from mad.deploy.cloud.session import Aws
from mad.deploy.hosts import doctor as machines
from mad.deploy.hosts import visit
from mad.deploy.hosts.model import Host
from mad.deploy.operations import Target
from mad.deploy.stack.settings import Role, Ssh
from mad.deploy.status import Outputs, Status

FEW = '[api]\ncount = 1\n[redis]\nurl = "redis://10.1.1.1"\n'
BEGUN = 1_790_000_000
JOURNAL = """\
#!/bin/sh
echo "$@" >> {folder}/asked
case "$*" in *--follow*)
    {late}
    trap '' PIPE
    while echo; do sleep 0.1; done
    touch {folder}/ended
    exit 0 ;;
esac
{early}
"""


def entry(second: int, text: str) -> str:
    told = {
        "__REALTIME_TIMESTAMP": str((BEGUN + second) * 1_000_000),
        "__CURSOR": f"c{second}",
        "MESSAGE": text,
        "PRIORITY": "6",
        "_SYSTEMD_UNIT": "mad-api@1.service",
    }
    return f"echo '{json.dumps(told)}'"


def journal(server: Sshd, early: list[tuple[int, str]], late: list[tuple[int, str]]) -> None:
    """What the host's journal has, and what comes while somebody follows it."""
    parts = {
        "early": "\n".join(entry(*one) for one in early),
        "late": "\n".join(entry(*one) for one in late),
    }
    server.program("journalctl", JOURNAL.format(folder=server.folder, **parts))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    needs_sshd()
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def hosts(site: Site, monkeypatch: pytest.MonkeyPatch) -> tuple[Host, ...]:
    """Two api hosts, and a proxy that is down."""
    found = (
        site.add(1).host("api-0"),
        site.add(2).host("api-1"),
        site.add(3, started=False).host("api_lb-0"),
    )
    serve(monkeypatch, site.key, found)
    return found


def serve(
    monkeypatch: pytest.MonkeyPatch,
    key: Path,
    hosts: tuple[Host, ...],
    runtime: Literal["native", "docker"] = "native",
) -> None:
    """Verbs find these hosts, whatever the stack file says."""
    addresses: dict[Role, tuple[str, ...]] = {Role.API: ("127.0.1.1", "127.0.1.2")}
    given = replace(stack(), hosts=addresses, ssh=Ssh(private_key=key), runtime=runtime)
    target = Target(given, Aws("eu-west-2"))
    seen = visit.Seen(target, Status("shop", "", "", Outputs(), (), ()), hosts)
    monkeypatch.setattr(common, "connect", lambda *_given: target)
    monkeypatch.setattr(visit, "see", lambda *_given: seen)


def typed(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


# exec


def test_a_command_runs_on_the_hosts_of_a_role(hosts: tuple[Host, ...]) -> None:
    del hosts
    code, said, wrong = typed("exec", "--role", "api", "--", "printf", "%s\\n", "a b", "$HOME")
    assert (code, wrong) == (0, "")
    lines = sorted(said.splitlines())
    assert lines == ["api-0 | $HOME", "api-0 | a b", "api-1 | $HOME", "api-1 | a b"]


def test_one_word_is_a_line_for_the_shell_there(hosts: tuple[Host, ...]) -> None:
    del hosts
    code, said, _ = typed("exec", "--host", "api-1", "--", "printf 'x\\ny\\n' | tail -1; exit 3")
    assert (code, said) == (1, "api-1 | y\n")


def test_where_it_failed_is_a_table(hosts: tuple[Host, ...]) -> None:
    del hosts
    code, said, wrong = typed("exec", "--", "echo to >&2; exit 3")
    assert (code, said) == (1, "")
    rows = [line.split() for line in wrong.splitlines()]
    assert ["api-0", "|", "to"] in rows
    assert ["api-0", "3"] in rows
    away = next(row for row in rows if row[:2] == ["api_lb-0", "-"])
    assert "nothing answers at its ssh port" in " ".join(away)


def test_each_line_and_each_end_is_an_object(hosts: tuple[Host, ...]) -> None:
    del hosts
    code, said, wrong = typed("exec", "--json", "--", "echo out; echo err >&2")
    assert (code, wrong) == (1, "")
    told = [json.loads(line) for line in said.splitlines()]
    lines = [(one["host"], one["stream"], one["text"]) for one in told if one["event"] == "line"]
    assert sorted(line for line in lines if line[0] != "api_lb-0") == [
        (host, stream, text)
        for host in ("api-0", "api-1")
        for stream, text in (("stderr", "err"), ("stdout", "out"))
    ]
    ends = {one["host"]: one for one in told if one["event"] == "exit"}
    assert {name: one["code"] for name, one in ends.items()} == {
        "api-0": 0,
        "api-1": 0,
        "api_lb-0": None,
    }
    assert ends["api_lb-0"]["remedy"]


@pytest.mark.parametrize("words", [("exec", "--host", "api-7", "--", "true"), ("ssh", "api-7")])
def test_a_host_that_is_not_there_is_answered_with_those_that_are(
    hosts: tuple[Host, ...], words: tuple[str, ...]
) -> None:
    del hosts
    code, _, said = typed(*words)
    assert code == 1
    assert "no machine that runs is called api-7" in said
    assert "there are api-0, api-1, api_lb-0" in said


# ssh


def test_ssh_runs_a_command_and_ends_as_it_does(
    hosts: tuple[Host, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    del hosts
    assert typed("ssh", "api-0", "--", "printf", "%s", "a  b")[0] == 0
    assert capfd.readouterr().out == "a  b"
    assert typed("ssh", "api-0", "--", "exit 7")[0] == 7
    assert typed("ssh", "api_lb", "--", "true")[0] == 255, "a role of one machine is its name"


def test_how_a_host_is_reached_is_told_without_reaching_it(hosts: tuple[Host, ...]) -> None:
    code, said, _ = typed("ssh", "api_lb-0", "--json")
    told = json.loads(said)
    assert code == 0
    assert (told["host"], told["user"], told["address"]) == ("api_lb-0", "root", "127.0.1.3")
    assert told["host_keys"] == list(hosts[2].host_keys)
    assert told["over"] is None


SCRIPT = """
import sys
from pathlib import Path
import pytest
from mad.cli.deploy.app import app
from mad.deploy.hosts.model import Host
from mad.deploy.stack.settings import Role
from test_reach_verbs import serve

key, count, *rest = sys.argv[1:]
found = tuple(
    Host(f"api-{n}", Role.API, at, at, "root", (trusted,), int(port))
    for n, (at, port, trusted) in enumerate(zip(*[iter(rest[: 3 * int(count)])] * 3))
)
sys.argv = ["mad deploy", *rest[3 * int(count) :]]
with pytest.MonkeyPatch.context() as patch:
    serve(patch, Path(key), found)
    app()
"""


def script(site: Site, hosts: tuple[Host, ...], *words: str) -> list[str]:
    """A program of its own that does as the command line would with these hosts."""
    file = site.folder / "typed.py"
    file.write_text(SCRIPT)
    told = [word for one in hosts for word in (one.address, str(one.port), one.host_keys[0])]
    return [str(file), str(site.key), str(len(hosts)), *told, *words]


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, *sys.path]))


@pytest.mark.usefixtures("path")
def test_ssh_gives_a_terminal_there(site: Site, hosts: tuple[Host, ...]) -> None:
    words = script(site, hosts[:1], "ssh", "api-0", "--", "tty && read x && echo got $x && exit 5")
    with terminal(*words, module=None) as (process, end):
        read_until(end, "/dev/pts/", LIMIT_S)
        os.write(end, b"this\n")
        read_until(end, "got this", LIMIT_S)
        assert process.wait(LIMIT_S) == 5


# logs


def test_logs_of_all_hosts_are_in_the_order_of_time(site: Site, hosts: tuple[Host, ...]) -> None:
    del hosts
    journal(site.all[0], [(1, "one"), (4, "four")], [])
    journal(site.all[1], [(2, "two"), (3, "three")], [])
    code, said, wrong = typed("logs", "--role", "api", "-n", "3")
    assert (code, wrong) == (0, "")
    parts = [line.split() for line in said.splitlines()]
    assert [(one[0], one[-1]) for one in parts] == [
        ("api-1", "two"),
        ("api-1", "three"),
        ("api-0", "four"),
    ]
    asked = (site.all[0].folder / "asked").read_text()
    assert "--unit=mad-api@* " in asked
    assert "--lines=3" in asked


def test_logs_as_json_and_a_host_that_is_away(site: Site, hosts: tuple[Host, ...]) -> None:
    del hosts
    journal(site.all[0], [(1, '{"level":"warn","event":"api.slow","ms":3}')], [])
    site.all[1].program("journalctl", "#!/bin/sh\necho 'no journal' >&2\nexit 1\n")
    code, said, _ = typed("logs", "--json", "--since", "10m")
    told = {one["host"]: one for one in map(json.loads, said.splitlines())}
    assert code == 1
    assert (told["api-0"]["event"], told["api-0"]["priority"]) == ("log", 4)
    assert told["api-0"]["fields"]["ms"] == 3
    assert "its log cannot be read: no journal" in told["api-1"]["message"]
    assert "nothing answers" in told["api_lb-0"]["message"]
    asked = (site.all[0].folder / "asked").read_text()
    since = int(asked.partition("--since=@")[2].split()[0])
    assert 590 <= time.time() - since <= 700
    assert "--lines=all" in asked


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_logs_are_followed_from_where_they_were_read_to(
    site: Site, hosts: tuple[Host, ...], number: signal.Signals
) -> None:
    journal(site.all[0], [(1, "one")], [(3, "three")])
    journal(site.all[1], [(2, "two")], [(4, "four")])
    words = script(site, hosts[:2], "logs", "-f")
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    with process.stdout:
        came = [process.stdout.readline().decode().split()[-1] for _ in range(4)]
        assert came[:2] == ["one", "two"]
        assert sorted(came[2:]) == ["four", "three"]
        process.send_signal(number)
        assert process.wait(LIMIT_S) == 0
    for server, mark in zip(site.all[:2], ("c1", "c2"), strict=True):
        assert f"--after-cursor={mark}" in (server.folder / "asked").read_text()
        until((server.folder / "ended").exists, "a journal is followed for ever")


DOCKER = """\
#!/bin/sh
echo "$@" >> {folder}/asked
case "$1" in
    ps) echo old; echo new ;;
    logs)
        for id; do :; done
        echo "2026-10-16T12:00:00.5Z of $id"
        case "$id" in new) echo "2026-10-16T12:00:01.25Z error of $id" >&2 ;; esac
        case "$*" in *--follow*) echo "2026-10-16T12:00:02.000000001Z more of $id" ;; esac ;;
esac
"""


def test_logs_of_containers(
    site: Site, hosts: tuple[Host, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, site.key, hosts[:1], "docker")
    (server, *_) = site.all
    server.program("docker", DOCKER.format(folder=server.folder))

    def texts(*words: str) -> list[str]:
        """Behind the host, the day and the time."""
        code, said, _ = typed("logs", *words)
        assert code == 0
        return [line.split(" ", 4)[4] for line in said.splitlines()]

    assert texts() == ["of old", "of new", "error of new"]
    first, *later = texts("-f", "-n", "1")
    assert first == "error of new"
    assert sorted(later) == ["more of new", "more of old"], "what was read is not read again"
    asked = (server.folder / "asked").read_text()
    assert "ps --all --quiet --filter label=mad.role=api" in asked
    assert "--since 2026-10-16T12:00:01.25Z" in asked


# status and doctor


def test_the_status_of_hosts_without_a_release(hosts: tuple[Host, ...]) -> None:
    del hosts
    code, said, _ = typed("status", "--json")
    told = json.loads(said)["hosts"]
    assert code == 0
    assert {name: one["reachable"] for name, one in told.items()} == {
        "api-0": True,
        "api-1": True,
        "api_lb-0": False,
    }
    assert told["api-0"]["state"] == "empty"
    assert told["api-0"]["up_s"] > 0


GOOD = {"systemctl": "echo 'systemd 252 (252.39-1~deb12u2)'", "df": "echo h; echo d 9 1 9999999 1%"}


def checked(site: Site, monkeypatch: pytest.MonkeyPatch, **programs: str) -> list[tuple[str, str]]:
    """Name and level of the first host's checks."""
    for name, text in (GOOD | programs).items():
        site.all[0].program(name, f"#!/bin/sh\n{text}\n")
    built = ("x86_64",) * 4
    monkeypatch.setattr(machines, "_architectures", lambda _binaries: built)
    seen = visit.see(common.connect(Path(), None, None, None))
    found = machines.checks(replace(seen, hosts=seen.hosts[:1]))
    return [(check.name, check.level.value) for check in found]


@pytest.mark.parametrize(
    ("programs", "found"),
    [
        ({"uname": "echo x86_64"}, [("host api-0", "ok")]),
        ({"uname": "echo aarch64"}, [("host api-0 architecture", "fail")]),
        (
            {"uname": "echo x86_64", "id": "echo 1000", "sudo": "exit 1"},
            [("host api-0 sudo", "fail")],
        ),
        ({"uname": "echo x86_64", "sudo": "exit 1"}, [("host api-0", "ok")]),
        ({"uname": "echo x86_64", "python3": "exit 127"}, [("host api-0 python", "fail")]),
        ({"uname": "echo x86_64", "python3": "echo 3.8.10"}, [("host api-0 python", "fail")]),
        ({"uname": "echo x86_64", "systemctl": "exit 1"}, [("host api-0 systemd", "fail")]),
        (
            {"uname": "echo x86_64", "systemctl": "echo systemd 245 x"},
            [("host api-0 systemd", "fail")],
        ),
        (
            {"uname": "echo x86_64", "df": "echo h; echo d 9 1 50000 1%"},
            [("host api-0 disk", "fail")],
        ),
        (
            {"uname": "echo x86_64", "df": "echo h; echo d 9 1 500000 1%"},
            [("host api-0 disk", "warn")],
        ),
        ({"uname": "echo x86_64", "date": "echo 1000.5"}, [("host api-0 clock", "warn")]),
    ],
)
@pytest.mark.usefixtures("hosts")
def test_the_doctor_finds_what_a_host_lacks(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    programs: dict[str, str],
    found: list[tuple[str, str]],
) -> None:
    assert checked(site, monkeypatch, **programs) == found


@pytest.mark.usefixtures("hosts")
def test_the_doctor_says_why_a_host_cannot_be_reached(site: Site) -> None:
    seen = visit.see(common.connect(Path(), None, None, None))
    down = seen.hosts[2]
    changed = site.all[0].host("api-0", key=keygen(site.folder / "other"))
    first, second = machines.checks(replace(seen, hosts=(down, changed)))
    assert (first.name, first.level) == ("host api_lb-0", "fail")
    assert "nothing answers" in first.sentence
    assert "another host key" in second.sentence
    assert first.remedy
    assert second.remedy


@pytest.mark.usefixtures("hosts")
def test_machines_are_rows_of_the_doctor_unless_that_is_not_wished(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "mad.toml").write_text(
        'name = "given"\n[redis]\nurl = "redis://192.0.2.9"\n'
        '[hosts]\napi = ["127.0.1.1", "127.0.1.2"]\napi_lb = ["127.0.1.3"]\n'
    )
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("mad-api", "mad-proxy", "mad-agent", "mad-web"):
        (programs / name).write_text("#!/bin/sh\n")
    for server in site.all[:2]:
        for name, text in (GOOD | {"uname": "echo x86_64"}).items():
            server.program(name, f"#!/bin/sh\n{text}\n")
    words = ("doctor", "--json", "--stack", str(tmp_path / "mad.toml"))
    code, said, _ = typed(*words, "--binaries", str(programs))
    levels = {one["name"]: one["level"] for one in map(json.loads, said.splitlines())}
    assert code == 1
    assert {name: level for name, level in levels.items() if name.startswith("host ")} == {
        "host api-0": "ok",
        "host api-1": "ok",
        "host api_lb-0": "fail",
    }
    assert levels["AWS"] == "ok"
    code, said, _ = typed(*words, "--no-hosts")
    assert (code, "host api" in said) == (0, False)


# The way there


@pytest.fixture
def own_address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What the world says this machine's address is."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"203.0.113.77\n")

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("MAD_OWN_ADDRESS_URL", f"http://127.0.0.1:{server.server_port}/")
        try:
            yield "203.0.113.77/32"
        finally:
            server.shutdown()
            thread.join()


def leases(aws: Aws) -> list[tuple[str, int]]:
    """Addresses that may use a port because of a run."""
    rules = aws.pages("ec2", "describe_security_group_rules", "SecurityGroupRules")
    return [
        (str(one.get("CidrIpv4")), int(one["FromPort"]))
        for one in rules
        if any(tag["Key"] == "mad:lease" for tag in one.get("Tags", ()))
    ]


def test_the_port_of_ssh_is_open_for_this_machine_as_long_as_a_command_lasts(
    tmp_path: Path, aws_local: Server, site: Site, own_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SSH_PUBLIC_KEY_FILE", raising=False)
    world = World(tmp_path, aws_local, "[client]\ncount = 0\n[web]\ncount = 0\n" + FEW)
    assert world.up().ok
    there = visit.see(world.target())
    assert [host.name for host in there.hosts] == ["api-0", "api_lb-0"]
    assert not there.filled
    mine = replace(world.target().stack, ssh=Ssh(private_key=site.key))
    seen = replace(there, target=replace(there.target, stack=mine))
    host = site.add(1).host()
    with visit.way(seen) as calls:
        assert set(leases(world.aws)) == {(own_address, 22)}
        assert calls.run(host, ["true"]) == 0
    assert leases(world.aws) == []
    with contextlib.suppress(KeyboardInterrupt), visit.way(seen):
        assert leases(world.aws)
        raise KeyboardInterrupt
    assert leases(world.aws) == []
