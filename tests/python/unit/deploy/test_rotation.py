"""The host key of a machine is exchanged for one that was made on it, wherever a run ends."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_host import FakeHost, KilledError

from mad.deploy.cloud import host_key
from mad.deploy.hosts.model import Host
from mad.deploy.hosts.rotation import Rotation
from mad.deploy.stack.settings import Role

INSPECT = {"op": "inspect", "roles": ["api"]}


class Machine:
    """One machine, its tags, and runs that reach it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake = FakeHost(folder, monkeypatch)
        first = host_key.make()
        ssh = folder / "etc/ssh"
        ssh.mkdir()
        (ssh / "ssh_host_ed25519_key").write_text(first.private)
        (ssh / "ssh_host_ed25519_key").chmod(0o600)
        self.fake.sshd = first.private
        self.first = first.public
        self.tags = {"hostkey": first.public, "next": "", "made": ""}
        self.writes = 0
        self.last_write: int | None = None
        self.folder = folder

    def serves(self) -> str:
        """Public half of what sshd has in use."""
        file = self.folder / "in-use"
        file.write_text(self.fake.sshd)
        file.chmod(0o600)
        words = ["ssh-keygen", "-y", "-f", str(file)]
        return " ".join(subprocess.check_output(words, text=True).split()[:2])

    def trusted(self) -> set[str]:
        return {key for key in (self.tags["hostkey"], self.tags["next"]) if key}

    def following(self, _host: Host, key: str) -> None:
        self._write({"next": key})

    def settled(self, _host: Host, key: str) -> None:
        self._write({"hostkey": key, "next": "", "made": "there"})

    def _write(self, given: dict[str, str]) -> None:
        self.writes += 1
        if self.last_write is not None and self.writes > self.last_write:
            raise KilledError
        self.tags |= given

    def call(self, host: Host, request: dict[str, Any], **_how: Any) -> dict[str, Any]:
        # As ssh does: a key that is not known ends it.
        assert self.serves() in host.host_keys
        told = {key: value for key, value in request.items() if key != "op"}
        answer = self.fake.ask(request["op"], **told)
        assert "error" not in answer, answer
        return answer

    def run(self) -> None:
        """What a deploy sends: it looks, and then it does something."""
        keys = tuple(key for key in (self.tags["hostkey"], self.tags["next"]) if key)
        host = Host("api-0", Role.API, "", "", "", host_keys=keys, first_key=not self.tags["made"])
        calls = Rotation(self, self)
        calls.call(host, INSPECT)
        calls.call(host, INSPECT)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Machine]:
    count = iter(range(1000))
    return lambda: Machine(tmp_path / str(next(count)), monkeypatch)


def check_settled(machine: Machine) -> None:
    assert machine.tags["hostkey"] == machine.serves() != machine.first
    assert (machine.tags["next"], machine.tags["made"]) == ("", "there")
    ssh = machine.folder / "etc/ssh"
    assert sorted(one.name for one in ssh.iterdir()) == [
        "ssh_host_ed25519_key",
        "ssh_host_ed25519_key.pub",
    ]
    assert (ssh / "ssh_host_ed25519_key").stat().st_mode & 0o777 == 0o600


def test_two_commands_exchange_it(make: Callable[[], Machine]) -> None:
    machine = make()
    machine.run()
    check_settled(machine)
    commands = len(machine.fake.commands)
    before = machine.serves()
    machine.run()
    assert machine.serves() == before
    assert not [one for one in machine.fake.commands[commands:] if "ssh" in one]


def test_a_run_may_end_at_every_step_on_the_host(make: Callable[[], Machine]) -> None:
    cuts = 0
    for step in range(100):
        machine = make()
        machine.fake.last_step = step
        try:
            machine.run()
        except KilledError:
            cuts += 1
        else:
            break
        finally:
            machine.fake.last_step = None
        machine.fake.steps = 0
        assert machine.serves() in machine.trusted()
        # A reboot in between reads whatever the file has.
        machine.fake.sshd = machine.fake.host_key()
        assert machine.serves() in machine.trusted()
        machine.run()
        if not machine.tags["made"]:
            machine.run()
        check_settled(machine)
    assert cuts > 10


@pytest.mark.parametrize("write", [0, 1])
def test_a_run_may_end_before_each_of_its_notes(make: Callable[[], Machine], write: int) -> None:
    machine = make()
    machine.last_write = write
    with pytest.raises(KilledError):
        machine.run()
    machine.last_write = None
    assert machine.serves() in machine.trusted()
    machine.run()
    check_settled(machine)


def test_a_key_that_sshd_does_not_take_stays_away(
    make: Callable[[], Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = make()
    run = machine.fake.run

    def refuses(argv: list[str], **how: Any) -> tuple[int, str]:
        return (255, "sshd: no hostkeys available") if argv[0] == "sshd" else run(argv, **how)

    monkeypatch.setattr(machine.fake, "run", refuses)
    with pytest.raises(AssertionError, match="keeps the one it has"):
        machine.run()
    assert machine.serves() == machine.first
    assert machine.fake.host_key() == machine.fake.sshd
    monkeypatch.undo()


def test_a_host_without_a_first_key_is_left_alone(make: Callable[[], Machine]) -> None:
    machine = make()
    machine.tags["made"] = "there"
    machine.run()
    assert machine.serves() == machine.first
