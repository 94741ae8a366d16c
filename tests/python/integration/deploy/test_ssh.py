"""Hosts reached by the system's ssh: what is run there, and what is said when it cannot be."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from plan_kit import stack
from sshd_kit import LIMIT_S, Site, keygen, needs_sshd, until

from mad.deploy.hosts import commands
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.hosts.ssh import Connections


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    needs_sshd()
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.close()


TICKS = "trap '' PIPE; while echo tick; do sleep 0.1; done"
"""Ends when nobody listens any more."""


def connections(site: Site, **how: float) -> Connections:
    return Connections(stack(), key=site.key, first_contact_s=how.get("first_contact_s", 0.0))


def refused(site: Site, host: Host) -> HostError:
    with connections(site) as calls, pytest.raises(HostError) as raised:
        calls.run(host, ["true"])
    return raised.value


def test_a_command_is_run_as_it_is_given(site: Site) -> None:
    host = site.add(1).host()
    said: list[str] = []
    wrong: list[str] = []
    with connections(site) as calls:
        words = ["sh", "-c", "printf '%s\\n' \"$1\" end; echo no >&2; exit 3", "sh", "a b  $HOME"]
        code = calls.run(host, words, on_line=said.append, on_error=wrong.append)
    assert (code, said, wrong) == (3, ["a b  $HOME", "end"], ["no"])


def test_all_commands_of_a_run_share_one_connection(site: Site) -> None:
    server = site.add(1)
    with connections(site) as calls:
        for _ in range(3):
            assert calls.run(server.host(), ["true"]) == 0
        assert calls.commands["api-0"] == 3
        assert server.logins() == 1
    with connections(site) as calls:
        assert calls.run(server.host(), ["true"]) == 0
    assert server.logins() == 2, "the connection of the run before was closed"


def test_an_operation_is_done_by_code_that_is_sent_along(site: Site) -> None:
    host = site.add(1).host()
    with connections(site) as calls:
        done = calls.call(host, {"op": "inspect", "roles": []})
    assert done["facts"]["architecture"] == platform.machine()
    assert done["facts"]["roles"] == {}


def test_what_a_host_refuses_is_told_and_bytes_that_it_did_not_read_do_not_matter(
    site: Site,
) -> None:
    host = site.add(1).host()
    with connections(site) as calls, pytest.raises(HostError) as raised:
        calls.call(host, {"op": "dance"}, payload=b"x" * (8 << 20))
    assert raised.value.code == "internal"
    assert "dance" in raised.value.sentence
    assert raised.value.host == "api-0"


def test_what_a_host_lacks_is_named(site: Site) -> None:
    """Who is not root and has no sudo: `tests/hosts/test_plain.py`."""
    server = site.add(1)
    server.program("python3", "#!/bin/sh\necho 'sh: python3: not found' >&2\nexit 127\n")
    with connections(site) as calls, pytest.raises(HostError) as raised:
        calls.call(server.host(), {"op": "inspect"})
    assert raised.value.code == "no_python"
    assert raised.value.remedy


def test_who_only_looks_asks_again_when_a_booting_host_cuts_the_connection(site: Site) -> None:
    server = site.add(1)
    cut = "[ -e $HOME/cut ] || { touch $HOME/cut; kill -9 $PPID; sleep 1; }"
    server.program("python3", f'#!/bin/sh\n{cut}\nexec {sys.executable} "$@"\n')
    with connections(site, first_contact_s=LIMIT_S) as calls:
        assert calls.call(server.host(), {"op": "inspect", "roles": []})["facts"]
    (server.folder / "cut").unlink()
    with (
        connections(site, first_contact_s=LIMIT_S) as calls,
        pytest.raises(HostError, match="lost"),
    ):
        calls.call(server.host(), {"op": "prune", "keep": 3})


def test_root_needs_no_sudo(site: Site) -> None:
    server = site.add(1)
    server.program("sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    with connections(site) as calls:
        assert calls.call(server.host(), {"op": "inspect", "roles": []})["facts"]


def test_another_host_key_than_the_known_one_is_not_spoken_to(site: Site) -> None:
    server = site.add(1)
    error = refused(site, server.host(key=keygen(site.folder / "other")))
    assert error.code == "host_key_changed"
    assert server.address in error.sentence
    assert server.logins() == 0


def test_either_of_two_known_host_keys_is_taken(site: Site) -> None:
    server = site.add(1)
    one = server.host()
    both = Host(
        one.name,
        one.role,
        one.address,
        one.inside,
        one.user,
        (keygen(site.folder / "next"), server.key),
        one.port,
    )
    with connections(site) as calls:
        assert calls.run(both, ["true"]) == 0


def test_a_host_without_a_known_key_is_not_spoken_to(site: Site) -> None:
    server = site.add(1)
    one = server.host()
    unknown = Host(one.name, one.role, one.address, one.inside, one.user, (), one.port)
    assert refused(site, unknown).code == "host_key_changed"
    assert server.logins() == 0


def test_a_key_that_is_not_let_in_is_said(site: Site) -> None:
    server = site.add(1)
    site.authorized.write_text(keygen(site.folder / "another") + "\n")
    assert refused(site, server.host()).code == "key_refused"


def test_nobody_at_the_port_is_unreachable(site: Site) -> None:
    server = site.add(1, started=False)
    error = refused(site, server.host())
    assert error.code == "unreachable"
    assert "nothing answers at its ssh port" in error.sentence


def test_a_host_that_is_still_starting_is_waited_for(site: Site) -> None:
    server = site.add(1, started=False)
    with connections(site, first_contact_s=LIMIT_S) as calls:

        def start() -> None:
            until(lambda: calls.commands["api-0"] > 0, "a try")
            server.start()

        later = threading.Thread(target=start)
        later.start()
        assert calls.run(server.host(), ["true"]) == 0
        later.join()


def test_a_host_behind_another_is_reached_over_it_and_both_keys_are_looked_at(site: Site) -> None:
    front, back = site.add(1), site.add(2)
    over = front.host("api_lb-0")
    with connections(site) as calls:
        assert calls.run(back.host(over=over), ["true"]) == 0
    assert (front.logins(), back.logins()) == (1, 1)
    wrong = front.host("api_lb-0", key=keygen(site.folder / "other"))
    error = refused(site, back.host(over=wrong))
    assert (error.host, error.code) == ("api-0", "host_key_changed")
    assert "of api_lb-0, over which it is reached" in error.sentence
    assert (front.logins(), back.logins()) == (1, 1)


def test_a_command_that_takes_too_long_is_ended(site: Site) -> None:
    host = site.add(1).host()
    with connections(site) as calls:
        assert calls.run(host, ["true"]) == 0
        with pytest.raises(HostError) as raised:
            calls.run(host, ["sh", "-c", TICKS], deadline_s=0.3)
    assert raised.value.code == "timeout"


def test_a_connection_that_is_lost_is_no_exit_code(site: Site) -> None:
    host = site.add(1).host()
    with connections(site) as calls, pytest.raises(HostError) as raised:
        calls.run(host, ["sh", "-c", "kill -9 $PPID"])
    assert raised.value.code == "unreachable"


def test_commands_run_on_all_hosts_and_one_that_fails_stops_no_other(site: Site) -> None:
    up = [site.add(1).host("api-0"), site.add(2).host("api-1")]
    down = site.add(3, started=False).host("web-0")
    said: list[tuple[str, str, str]] = []
    with connections(site) as calls:
        ran = commands.everywhere(
            calls,
            [up[0], down, up[1]],
            "echo out; echo err >&2; exit 255",
            lambda host, stream, text: said.append((host.name, stream, text)),
            lambda _ran: None,
        )
    assert [(one.host.name, one.code) for one in ran] == [
        ("api-0", 254),
        ("web-0", None),
        ("api-1", 254),
    ]
    assert ran[1].error is not None
    assert ran[1].error.code == "unreachable"
    heard = {(name, stream, text) for name, stream, text in said if name != "web-0"}
    assert heard == {
        (name, stream, text)
        for name in ("api-0", "api-1")
        for stream, text in (("stdout", "out"), ("stderr", "err"))
    }


INTERRUPTED = """
import sys
from pathlib import Path
from plan_kit import stack
from mad.deploy.hosts.model import Host
from mad.deploy.hosts.ssh import Connections
from mad.deploy.hosts.visit import each
from mad.deploy.stack.settings import Role

address, port, key, trusted, ticks = sys.argv[1:]
hosts = [
    Host(f"api-{n}", Role.API, address, address, "root", (trusted,), int(port)) for n in range(2)
]
with Connections(stack(), key=Path(key), first_contact_s=0.0) as calls:
    print(calls._folder, flush=True)
    def run(host):
        begun = []
        def line(text):
            if not begun:
                begun.append(text)
                print("begun", flush=True)
        return calls.run(host, ["sh", "-c", ticks.replace("HOST", host.name)], on_line=line)
    try:
        each(calls, hosts, run)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_an_interruption_ends_what_runs_here_and_there(site: Site, tmp_path: Path) -> None:
    server = site.add(1)
    ticks = f"{TICKS}; touch {tmp_path}/ended-HOST"
    words = [server.address, str(server.port), str(site.key), server.key, ticks]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *words],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        folder = Path(process.stdout.readline().decode().strip())
        assert [process.stdout.readline() for _ in range(2)] == [b"begun\n", b"begun\n"]
        assert list(folder.glob("c-*")), "the connection that is shared"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == b"interrupted\n"
    assert process.wait(LIMIT_S) == 0
    assert not folder.exists()
    ended = [tmp_path / f"ended-api-{number}" for number in range(2)]
    until(lambda: all(one.exists() for one in ended), "the commands there go on")
