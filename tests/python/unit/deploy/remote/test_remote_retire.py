"""How a role leaves a host, and what is told of a host."""

from __future__ import annotations

import ast
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TextIO, cast

from fake_host import FakeHost, switch_to

from mad.deploy.hosts import bootstrap, units
from mad.deploy.remote import main
from mad.deploy.stack.settings import Role

REMOTE = Path(main.__file__).parent


def test_draining_waits_until_nobody_is_left(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0", drains=20.0))
    host.commands.clear()
    done = host.ask("drain", role="api", deadline_s=60.0, who="ada")
    assert done == {"stopped": ["1"], "sessions": 0}
    changes = [one for one in host.commands if " stop" in one or " kill" in one]
    # It says that it goes before its socket does.
    stops = ["systemctl stop --no-block mad-api@1.service", "systemctl stop mad-api.socket"]
    assert changes == stops
    assert (host.units, host.enabled("api")) == ({}, [])
    assert {"event": {"text": "3 sessions are left", "sessions": 3}} in host.events
    assert host.audit()[-1]["outcome"] == "drained"
    assert host.ask("drain", role="api", deadline_s=60.0) == {"stopped": [], "sessions": 0}
    facts = host.ask("inspect", roles=["api"])["facts"]["roles"]["api"]
    assert (facts["active"], facts["ready"]) == (False, False)
    assert host.ask("switch", **switch_to("api", "1.0.0"))["generation"] == 2


def test_who_does_not_go_is_ended_at_the_deadline(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0", drains=500.0))
    began = host.clock
    assert host.ask("drain", role="api", deadline_s=30.0)["sessions"] == 3
    assert host.clock - began < 35.0
    assert host.units == {}


def test_nothing_of_a_role_stays_but_what_others_need(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0"))
    shared = switch_to("web", "1.0.0")
    api = switch_to("api", "1.0.0")["wish"]["files"]
    shared["wish"]["files"].append(next(one for one in api if "sysctl" in one["path"]))
    host.staged("web", "1.0.0")
    host.ask("switch", **shared)
    assert host.ask("remove", role="api", drain_s=60.0) == {"stopped": ["1"], "removed": True}
    assert not host.places.role("api").exists()
    assert not host.places.system("/etc/systemd/system/mad-api@.service").exists()
    assert host.places.system("/etc/sysctl.d/60-mad-api.conf").exists()
    assert host.serving("web") == ["1.0.0"]
    assert host.ask("remove", role="api") == {"stopped": [], "removed": False}
    lines = host.ask("history", last=2)["lines"]
    assert [(one["role"], one["outcome"]) for one in lines] == [("web", "done"), ("api", "removed")]


def test_what_a_host_says_of_itself(host: FakeHost) -> None:
    host.places.system("/etc/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12"\n')
    facts = host.ask("inspect", boot=True)["facts"]
    assert (facts["system"], facts["systemd"]) == ("Debian GNU/Linux 12", 252)
    assert (facts["roles"], facts["releases"], facts["problems"]) == ({}, {}, [])
    assert "cloud-init status --wait" in host.commands
    host.ask("switch", **host.staged("api", "1.0.0"))
    api = host.ask("inspect")["facts"]["roles"]["api"]
    assert (api["sessions"], api["agents"], api["version"]) == (7, 10, "1.0.0")


def test_a_line_of_the_log_that_was_cut_short_stays_alone(host: FakeHost) -> None:
    wanted = host.staged("api", "1.0.0")
    host.places.audit_file.write_text('{"at": "20')
    host.ask("switch", **wanted)
    assert [one["outcome"] for one in host.ask("history")["lines"]] == ["done"]


class Gone(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_nobody_has_to_listen(host: FakeHost) -> None:
    wanted = {"op": "switch", **host.staged("api", "1.0.0")}
    gone = cast(TextIO, Gone())
    assert main.run(wanted, io.BytesIO(), gone, places=host.places, system=host) == 0
    assert host.serving("api") == ["1.0.0"]


def test_what_it_does_not_know_is_refused(host: FakeHost) -> None:
    assert host.ask("format")["error"]["sentence"] == "unknown operation 'format'"
    assert host.ask("rollback", role="../x")["error"]["code"] == "refused"
    assert host.ask("switch", wish={})["error"]["sentence"].startswith("KeyError at switch.py:")


def test_a_host_needs_nothing_but_python_3_9() -> None:
    """No module of others, and no word that 3.9 does not know: `vermin` says the same of it."""
    for file in sorted(REMOTE.rglob("*.py")):
        tree = ast.parse(file.read_text(), feature_version=(3, 9))
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                assert name.partition(".")[0] in sys.stdlib_module_names, f"{file.name}: {name}"
            assert not isinstance(node, ast.Match), file.name
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                strict = [one for one in node.keywords if one.arg == "strict"]
                assert not (node.func.id == "zip" and strict), file.name
    told = subprocess.run(
        [Path(sys.executable).with_name("vermin"), "-t=3.9-", "--no-tips", "--violations", REMOTE],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stdout


def sent(tmp_path: Path, request: bytes) -> subprocess.Popen[bytes]:
    """The code as a host gets it, with a folder of this test in place of `/run`."""
    command = bootstrap.COMMAND.replace("dir='/run'", f"dir={str(tmp_path)!r}")
    process = subprocess.Popen(
        [sys.executable, "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    assert process.stdin is not None
    process.stdin.write(request)
    process.stdin.flush()
    return process


def test_it_works_from_an_archive_and_leaves_nothing(tmp_path: Path) -> None:
    process = sent(tmp_path, bootstrap.request({"op": "nothing"}))
    out, errors = process.communicate(timeout=60)
    assert json.loads(out)["error"]["sentence"] == "unknown operation 'nothing'"
    assert (process.returncode, errors, list(tmp_path.iterdir())) == (1, b"", [])


def test_a_connection_that_breaks_does_not_end_it(tmp_path: Path) -> None:
    # It waits for its request: then the signals are ignored already, or it has not begun.
    whole = bootstrap.request({"op": "nothing"})
    process = sent(tmp_path, whole[:-1])
    assert process.stdin is not None
    while not ignores_hangup(process.pid):
        assert process.poll() is None
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        process.send_signal(number)
    out, _ = process.communicate(whole[-1:], timeout=60)
    assert "unknown operation" in json.loads(out)["error"]["sentence"]


def ignores_hangup(pid: int) -> bool:
    text = Path(f"/proc/{pid}/status").read_text()
    ignored = next(line for line in text.splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) & 1 << (signal.SIGINT - 1))


def test_units_that_share_a_socket_keep_it_from_blocking() -> None:
    """systemd clears the flag at each start, of what all instances share, unless it is told so."""
    found = 0
    for role in (Role.API, Role.API_LB, Role.WEB):
        for file in units.files(role, variables={}, ports=(80,)):
            if "\nSockets=" in file.text:
                assert "\nNonBlocking=yes\n" in file.text, file.path
                found += 1
    assert found == 3
