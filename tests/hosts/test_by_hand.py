"""The units of `infra/templates/systemd`, as somebody installs them by hand on one machine: every
program serves under them, is reloaded and comes back, and none may do more than it needs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_kit import ROOT, Fleet, wait_until
from hosts_world import Machine, World

ADDRESS = "172.31.1.1"
UNITS = ROOT / "infra" / "templates" / "systemd"
PROGRAMS = ("mad-api", "mad-proxy", "mad-web", "mad-agent")
SETTINGS = {
    "api": 'listen = "0.0.0.0:3000"\nanonymous = true\n',
    "proxy": 'listen = "0.0.0.0:80"\nanonymous = true\nupstream = ["a=http://127.0.0.1:3000"]\n',
    "web": 'listen = "0.0.0.0:8080"\nanonymous = true\nroot = "/usr/local/share/mad"\n',
    "agent": 'api = "http://127.0.0.1:80"\nid = "by-hand"\n',
}


@pytest.fixture(scope="module")
def by_hand(programs: Path, console: Path) -> Iterator[tuple[Fleet, Machine]]:
    folder = Path(tempfile.mkdtemp(prefix="madu-", dir=os.environ.get("MAD_WORLD_DIR", "/var/tmp")))
    try:
        with World(folder / "w") as world:
            fleet = Fleet(world, folder / "operator", programs, console)
            machine = world.machines[ADDRESS] = Machine(
                "u0",
                ADDRESS,
                world=world.name,
                folder=world.folder / "u0",
                user="admin",
                authorized=(fleet.folder / "key.pub").read_text(),
                files={f"/etc/mad/{name}.toml": text for name, text in SETTINGS.items()}
                | {
                    f"/etc/systemd/system/{name}.service": (UNITS / f"{name}.service").read_text()
                    for name in PROGRAMS
                }
                | {
                    "/usr/lib/sysusers.d/mad-agent.conf": (UNITS / "mad-agent.sysusers").read_text()
                },
            )
            for name in PROGRAMS:
                shutil.copy(programs / name, machine.root / "usr" / "local" / "bin" / name)
            shutil.copytree(console, machine.root / "usr" / "local" / "share" / "mad")
            wait_until(
                lambda: "running" in machine.on("systemctl is-system-running || true"),
                "the machine does not start",
            )
            machine.on("systemd-sysusers")
            for name in PROGRAMS:
                machine.on(f"systemctl start {name} || (journalctl -u {name} >&2; exit 1)")
            yield fleet, machine
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_everything_serves(by_hand: tuple[Fleet, Machine]) -> None:
    fleet, machine = by_hand
    wait_until(
        lambda: "by-hand" in fleet.hosts_shown(f"http://{ADDRESS}", None),
        "the agent is not shown",
    )
    row = fleet.hosts_shown(f"http://{ADDRESS}", None)["by-hand"]
    assert row["state"] == "ok", row
    assert row["name"] == machine.name
    status, page = fleet.get(f"http://{ADDRESS}:8080/")
    assert status == 200
    assert "<!doctype html>" in str(page).lower()
    owners = machine.on("ps -o user=,comm= -C " + ",".join(PROGRAMS)).splitlines()
    assert len(owners) == len(PROGRAMS)
    assert not [line for line in owners if line.split()[0] == "root"], owners


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_reloaded_and_comes_back(by_hand: tuple[Fleet, Machine], name: str) -> None:
    _, machine = by_hand
    show = f"systemctl show --value -p MainPID {name}"
    before = machine.on(show)
    machine.on(f"systemctl reload {name} && sleep 1 && systemctl is-active {name}")
    assert machine.on(show) == before
    machine.on(f"systemctl kill -s KILL {name}")
    wait_until(
        lambda: (
            machine.on(f"systemctl is-active {name} || true").strip() == "active"
            and machine.on(show) not in (before, "0\n")
        ),
        f"{name} does not come back",
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_may_do_no_more_than_it_needs(by_hand: tuple[Fleet, Machine], name: str) -> None:
    _, machine = by_hand
    text = machine.on(f"systemd-analyze security --no-pager {name}.service | tail -1")
    assert float(text.split(":")[1].split()[0]) <= 2.0, text
