"""Stacks of given machines: what is kept of them here and on the first of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fake_host import FakeHost

from mad.deploy.cloud import host_key
from mad.deploy.cloud.lease import new_lease
from mad.deploy.cloud.lock import Lock, LockHeldError, unlock
from mad.deploy.hosts import plain
from mad.deploy.hosts.model import Host
from mad.deploy.operations import OperationError
from mad.deploy.stack.load import parse
from mad.deploy.stack.settings import Role, Stack

ONE = Host("api-0", Role.API, "10.0.0.1", "10.0.0.1", "admin")
TWO = Host("web-0", Role.WEB, "10.0.0.2", "10.0.0.2", "admin")


def stack_of(nodes: str, more: str = "") -> Stack:
    text = f'name = "rack"\n[hosts]\n{nodes}\napi_lb = ["10.0.0.2"]\nweb = ["10.0.0.2"]\n{more}'
    return parse(text, Path("mad.toml"))


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return stack_of('api = ["10.0.0.1"]')


def test_secrets_are_made_once_and_are_yours_alone(stack: Stack) -> None:
    first = plain.secrets_of(stack)
    assert set(first) == set(plain.NAMES)
    assert all(len(one) == 64 for one in first.values())
    assert len(set(first.values())) == len(first)
    assert plain.secrets_of(stack) == first
    place = plain.folder(stack)
    assert place.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in place.iterdir()} == {0o600}
    assert {one.name for one in place.iterdir()} == set(plain.NAMES)


def test_two_runs_make_the_same_secrets(stack: Stack) -> None:
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(plain.secrets_of(stack))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one == plain.secrets_of(stack) for one in found)


@pytest.mark.parametrize("name", ["", "token-admin"])
def test_what_others_may_read_is_refused(stack: Stack, name: str) -> None:
    plain.secrets_of(stack)
    path = plain.folder(stack) / name if name else plain.folder(stack)
    path.chmod(0o755 if path.is_dir() else 0o644)
    with pytest.raises(OperationError, match="others may read") as raised:
        plain.secrets_of(stack)
    assert f"chmod {'600' if name else '700'} " in raised.value.remedy


def test_an_unknown_key_is_asked_about_once(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {address: host_key.make().public for address in ("10.0.0.1", "10.0.0.2")}
    monkeypatch.setattr(plain, "scan", keys.__getitem__)
    asked: list[tuple[str, str]] = []

    def trust(address: str, fingerprint: str) -> bool:
        asked.append((address, fingerprint))
        return True

    hosts = plain.trusted(stack, (ONE, TWO), trust)
    assert [host.host_keys for host in hosts] == [(keys["10.0.0.1"],), (keys["10.0.0.2"],)]
    assert [address for address, _ in asked] == ["10.0.0.1", "10.0.0.2"]
    assert asked[0][1].startswith("SHA256:")
    # From now on nobody is asked, and the machine is not looked at.
    monkeypatch.setattr(plain, "scan", lambda _address: pytest.fail("looked again"))
    assert plain.trusted(stack, (ONE, TWO), None) == hosts
    assert plain.known_file(stack).stat().st_mode & 0o777 == 0o600


def test_a_no_or_nobody_to_ask_ends_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "scan", lambda _address: host_key.make().public)
    with pytest.raises(OperationError, match="was not agreed to: SHA256:"):
        plain.trusted(stack, (ONE,), lambda *_: False)
    with pytest.raises(OperationError, match="is not known: SHA256:") as raised:
        plain.trusted(stack, (ONE,), None)
    assert str(plain.known_file(stack)) in raised.value.remedy
    assert plain.known(stack) == {}


def test_a_machine_that_is_away_is_so_only_where_that_may_be(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = host_key.make().public

    def scan(address: str) -> str:
        if address == "10.0.0.2":
            raise plain.AwayError("10.0.0.2 shows no host key", "check it")
        return key

    monkeypatch.setattr(plain, "scan", scan)
    with pytest.raises(OperationError, match=r"10\.0\.0\.2 shows no host key"):
        plain.trusted(stack, (ONE, TWO), lambda *_: True)
    found = plain.trusted(stack, (ONE, TWO), lambda *_: True, all_there=False)
    assert [host.host_keys for host in found] == [(key,), ()]


def test_the_fingerprint_is_that_of_ssh(tmp_path: Path) -> None:
    import subprocess

    key = host_key.make().public
    (tmp_path / "key.pub").write_text(key + "\n")
    said = subprocess.check_output(["ssh-keygen", "-lf", str(tmp_path / "key.pub")], text=True)
    assert plain.fingerprint_of(key).split()[0] == said.split()[1]


def test_the_lock_is_where_the_first_node_is() -> None:
    assert plain.first((TWO, ONE)) is ONE
    assert plain.first((TWO,)) is TWO
    with pytest.raises(OperationError):
        plain.first(())


# --- the lock -------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], plain.HostStore]:
    fake = FakeHost(tmp_path / "host", monkeypatch)

    def call(_host: Host, request: dict[str, Any]) -> dict[str, Any]:
        answer = fake.ask(request["op"], **{k: v for k, v in request.items() if k != "op"})
        assert "error" not in answer, answer
        return answer

    return lambda: plain.HostStore(call, ONE)


def test_one_run_at_a_time(store: Callable[[], plain.HostStore]) -> None:
    with (
        Lock(store(), op="deploy", who="ada@laptop"),
        pytest.raises(LockHeldError, match=r"`deploy` by ada@laptop") as raised,
    ):
        Lock(store(), op="up", who="bob@desk").acquire()
    assert "unlock" in raised.value.remedy
    with Lock(store(), op="up", who="bob@desk") as lock:
        lock.renew()
    assert store().read() is None


def test_a_lease_changes_only_for_who_names_it(store: Callable[[], plain.HostStore]) -> None:
    mine = new_lease("ada", "up", datetime.now(UTC), 60)
    handle = store().write(mine)
    assert handle is not None
    assert store().write(mine) is None
    assert store().extend("another", mine) is None
    assert not store().drop("another")
    longer = mine.until(datetime.now(UTC))
    after = store().extend(handle, longer)
    assert after not in (None, handle)
    assert not store().drop(handle)
    written = store().read()
    assert written is not None
    assert written.lease == longer
    assert store().drop(str(after))


def test_unlock_breaks_it(store: Callable[[], plain.HostStore]) -> None:
    assert unlock(store()) is None
    lock = Lock(store(), op="deploy", who="ada@laptop")
    lock.acquire()
    broken = unlock(store())
    assert broken is not None
    assert broken.who == "ada@laptop"
    lock.release()


def test_the_run_of_a_process_that_is_gone_holds_nobody_up(
    store: Callable[[], plain.HostStore],
) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    from dataclasses import replace

    dead = replace(new_lease("ada", "up", datetime.now(UTC), 600), pid=f"{pid}@1")
    assert store().write(dead) is not None
    with Lock(store(), op="deploy", who="bob@desk"):
        pass
