"""What goes wrong on the way to hosts and on them: each has a clear message and leaves a state from
which the next run gets everything right."""

from __future__ import annotations

import itertools
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from fleet_kit import Fleet

number = itertools.count(1)


@pytest.fixture
def version(up: Fleet) -> str:
    """A release that no host has."""
    return up.build(f"f{next(number)}")


def api_only(up: Fleet, version: str) -> tuple[str, ...]:
    return ("deploy", "--yes", "--json", "--role", "api", *up.release(version))


def check_converges(up: Fleet, version: str) -> None:
    up.deploy(*api_only(up, version))
    assert up.versions("api") == {"api-0": version, "api-1": version}
    assert up.deploy(*api_only(up, version)).end["switched"] == []


def starts(slot: str) -> Callable[[dict[str, Any]], bool]:
    return lambda line: (
        line.get("event") == "host" and line["host"] == slot and "starts" in line["text"]
    )


def test_ctrl_c_in_the_middle_is_safe(up: Fleet, version: str) -> None:
    done = up.stopped(signal.SIGINT, starts("api-0"), *api_only(up, version))
    assert done.code == 130, done.text
    # The host under way was finished, the other was not begun.
    assert done.end["interrupted"]
    assert "api-1" in done.end["left"]
    check_converges(up, version)


@pytest.mark.parametrize("slot", ["api-0", "api-1"])
def test_a_killed_command_is_gone_on_with(up: Fleet, version: str, slot: str) -> None:
    killed = up.stopped(signal.SIGKILL, starts(slot), *api_only(up, version))
    assert killed.code == -signal.SIGKILL
    # The lock of a process that is gone, on this machine, holds nobody up.
    check_converges(up, version)


def test_a_host_that_dies_in_the_middle(up: Fleet, version: str) -> None:
    machine = up.machine("api-1")
    done = up.watched(starts("api-1"), lambda _process: machine.kill(), *api_only(up, version))
    assert done.code == 1, done.text
    assert "api-1" in done.end["failed"], done.text
    # A host that is down is said to be so, too, and nothing is changed on the others.
    again = up.deploy(*api_only(up, version), code=1)
    assert "api-1" in again.text
    machine.boot()
    check_converges(up, version)


@pytest.mark.parametrize(
    ("free_kib", "said"),
    [
        pytest.param(2_000, "the disk is full", id="from_the_start"),
        # More than what must stay free, but not by a release.
        pytest.param(70_000, "MiB are needed", id="by_the_release"),
    ],
)
def test_a_full_disk(up: Fleet, version: str, free_kib: int, said: str) -> None:
    up.on(
        "api-1",
        f"mkdir -p /run/small && size=$(($(du -sk /opt/mad | cut -f1) + {free_kib}))"
        " && mount -t tmpfs -o size=${size}k small /run/small"
        " && cp -a /opt/mad/. /run/small/ && mount --bind /run/small /opt/mad",
    )
    before = up.versions("api")
    try:
        done = up.deploy(*api_only(up, version), code=1)
    finally:
        up.on("api-1", "umount -l /opt/mad && umount -l /run/small")
    assert "api-1" in done.text
    assert said in done.text
    # Nothing was switched anywhere.
    assert up.versions("api") == before
    check_converges(up, version)


def test_a_wrong_key(up: Fleet, version: str) -> None:
    file = up.folder / "mad.toml"
    right = file.read_text()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(up.folder / "other")], check=True
    )
    file.write_text(right.replace('private_key = "key"', 'private_key = "other"'))
    try:
        done = up.deploy(*api_only(up, version), code=None)
    finally:
        file.write_text(right)
    assert done.code in (1, 2), done.text
    assert "key" in done.text
    check_converges(up, version)


def test_a_changed_host_key(up: Fleet, version: str) -> None:
    folder = "/etc/ssh"
    up.on(
        "api-0",
        f"cp -a {folder}/ssh_host_ed25519_key {folder}/kept"
        f" && rm {folder}/ssh_host_ed25519_key"
        f" && ssh-keygen -q -t ed25519 -N '' -f {folder}/ssh_host_ed25519_key"
        " && systemctl restart ssh",
    )
    done = up.deploy(*api_only(up, version), code=1)
    assert "api-0" in done.text
    assert "host key" in done.text
    up.on("api-0", f"mv {folder}/kept {folder}/ssh_host_ed25519_key && systemctl restart ssh")
    check_converges(up, version)
