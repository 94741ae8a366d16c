"""Releases come to a host whole or not at all."""

from __future__ import annotations

import fcntl
import io
import shutil
import tarfile
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
from fake_host import FakeHost, digest, release, switch_to

Usage = namedtuple("Usage", "total used free")


def packed(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def test_a_release_is_there_when_all_of_its_files_are(host: FakeHost) -> None:
    sent = release("web", "1.0.0")
    assert host.ask("stage", sent["payload"], release=sent["release"])["placed"] == 2
    there = host.places.release(sent["release"]["id"])
    assert (there / "console/index.html").read_text() == "page 1.0.0"
    assert (there / "bin/mad-web").stat().st_mode & 0o777 == 0o755
    assert there.stat().st_mode & 0o777 == 0o755
    files = {path: told["sha256"] for path, told in sent["release"]["files"].items()}
    wanted = {"id": sent["release"]["id"], "files": files}
    seen = host.ask("inspect", roles=[], release=wanted)
    assert seen["whole"] is True
    assert seen["facts"]["releases"] == {sent["release"]["id"]: "1.0.0"}
    (there / "console/index.html").write_text("x")
    assert host.ask("inspect", roles=[], release=wanted)["whole"] is False


def test_what_is_there_is_not_sent_again(host: FakeHost) -> None:
    sent = release("api", "1.0.0")
    assert host.ask("stage", b"", release=sent["release"])["error"]["code"] == "lost"
    host.ask("stage", sent["payload"], release=sent["release"])
    assert host.ask("stage", b"", release=sent["release"])["placed"] == 0


def test_files_of_another_role_come_to_the_same_release(host: FakeHost) -> None:
    first, second = release("api", "1.0.0"), release("web", "1.0.0")
    for sent in (first, second):
        host.ask("stage", sent["payload"], release=sent["release"])
    names = [
        one.name for one in sorted((host.places.release(first["release"]["id"]) / "bin").iterdir())
    ]
    assert names == ["mad-api", "mad-web"]


BAD: dict[str, Callable[[Any], bytes]] = {
    "cut short": lambda sent: sent["payload"][: len(sent["payload"]) // 2],
    "no archive": lambda _sent: b"nonsense" * 200,
    "another content": lambda _sent: packed(**{"bin__mad-api": b"program 9.9.9"}),
    "a file too many": lambda _sent: packed(**{"bin__mad-api": b"program 1.0.0", "x": b""}),
    "a file outside": lambda _sent: packed(**{"..__..__etc__passwd": b"root"}),
    "too much": lambda _sent: packed(**{"bin__mad-api": b"program 1.0.0" * 9}),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_did_not_arrive_as_announced_leaves_nothing(host: FakeHost, fault: str) -> None:
    sent = release("api", "1.0.0")
    error = host.ask("stage", BAD[fault](sent), release=sent["release"])["error"]
    assert error["code"] in ("lost", "refused")
    assert list(host.places.releases.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", ".hidden"])
def test_names_that_lead_elsewhere_are_refused(host: FakeHost, name: str) -> None:
    announced: dict[str, Any] = {"id": "1-a", "manifest": "", "files": {}}
    file = {"sha256": digest(b""), "mode": 420, "size": 0}
    asked = {**announced, "files": {name: file}}
    assert host.ask("stage", b"", release=asked)["error"]["code"] == "refused"
    assert host.ask("stage", b"", release={**announced, "id": name})["error"]["code"] == "refused"


def test_a_full_disk_is_told_before_anything_is_written(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1 << 30, 1 << 30, 10 << 20))
    sent = release("api", "1.0.0")
    error = host.ask("stage", sent["payload"], release=sent["release"])["error"]
    assert error["code"] == "disk_full"
    assert error["sentence"] == "10 MiB are free where /opt/mad is, 64 MiB are needed"
    assert not host.places.releases.exists()
    problems = host.ask("inspect", roles=[])["facts"]["problems"]
    assert problems == ["the disk is full: 10 MiB are free where /opt/mad is"]


def test_a_disk_that_fills_up_meanwhile_leaves_the_old_release(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.ask("switch", **host.staged("api", "1.0.0"))
    wanted = host.staged("api", "2.0.0")
    monkeypatch.setattr("os.fsync", full)
    assert host.ask("switch", **wanted)["error"]["code"] == "disk_full"
    monkeypatch.setattr("os.fsync", lambda _fd: None)
    assert host.serving("api") == ["1.0.0"]
    assert host.ask("switch", **wanted)["changed"]


def full(_fd: int) -> None:
    raise OSError(28, "No space left on device", "/opt/mad/x")


def test_three_releases_stay_and_those_that_run(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0", drains=10_000.0))
    for version in ("2.0.0", "3.0.0", "4.0.0", "5.0.0"):
        host.ask("switch", **host.staged("api", version))
    kept = host.ask("inspect")["facts"]["releases"].values()
    assert sorted(kept) == ["1.0.0", "3.0.0", "4.0.0", "5.0.0"]
    host.clock += 20_000
    host.ask("prune", keep=2)
    assert sorted(host.ask("inspect")["facts"]["releases"].values()) == ["4.0.0", "5.0.0"]
    assert host.places.generations("api") == [4, 5]
    host.ask("prune", keep=0)
    assert list(host.ask("inspect")["facts"]["releases"].values()) == ["5.0.0"]


def test_a_release_that_just_came_waits_for_its_switch(host: FakeHost) -> None:
    host.ask("switch", **host.staged("api", "1.0.0"))
    web = host.staged("web", "9.0.0")
    host.ask("switch", **host.staged("api", "2.0.0"))
    assert host.ask("switch", **web)["changed"]
    host.staged("api", "3.0.0")
    host.clock += 4000.0
    host.ask("prune")
    kept = host.ask("inspect")["facts"]["releases"].values()
    assert sorted(kept) == ["1.0.0", "2.0.0", "9.0.0"]


def test_one_change_at_a_time(host: FakeHost) -> None:
    wanted = host.staged("api", "1.0.0")
    with (host.places.opt / ".lock").open("w") as other:
        other.write("bob@desk (switch of api)")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        error = host.ask("switch", **wanted)["error"]
        assert (error["code"], host.serving("api")) == ("busy", [])
        assert error["sentence"] == "bob@desk (switch of api) changes this host"
        assert host.events == [{"event": {"text": "waits for bob@desk (switch of api)"}}]
        assert "facts" in host.ask("inspect", roles=["api"])
    assert host.ask("switch", **switch_to("api", "1.0.0"))["changed"]
