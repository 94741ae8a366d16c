"""The acceptance test of the product: one command makes a whole system on real hosts."""

from __future__ import annotations

import json
import shutil

import pytest
from fleet_kit import HERE, SLOTS, Fleet, wait_until

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
AGENTS = {"mad-world-client-0", "mad-world-client-1"}


def test_one_command_makes_a_system_that_shows_its_hosts(up: Fleet) -> None:
    outputs = up.outputs()
    viewer = up.secret("token-viewer")
    wait_until(
        lambda: set(up.hosts_shown(outputs["api_url"], viewer)) >= AGENTS,
        "the API does not show the clients",
    )
    rows = up.hosts_shown(outputs["api_url"], viewer)
    assert {rows[id]["state"] for id in AGENTS} <= {"ok", "warn", "crit"}


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no Chromium")
def test_the_console_shows_the_clients_in_a_browser(up: Fleet) -> None:
    url = up.outputs()["web_url"]
    picture = up.folder / "console.png"
    done = up.world.run(
        *("node", str(HERE / "look.mjs"), url, up.secret("token-viewer"), str(picture)),
        *sorted(AGENTS),
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["rows"].keys() == AGENTS
    assert told["faults"] == [], told["refused"]
    # The page came from a web node and speaks with the proxy.
    assert up.outputs()["api_url"].rstrip("/") in told["origins"]


def test_a_second_run_changes_nothing(up: Fleet) -> None:
    done = up.change("up")
    assert done.end["switched"] == []
    assert len(done.end["same"]) == 7
    again = up.change("deploy")
    print(f"a deploy that changes nothing: {again.seconds:.1f} s")
    assert again.end["switched"] == []


def test_the_host_keys_of_user_data_were_exchanged(up: Fleet) -> None:
    serves = {
        slot: up.on(slot, "ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key").strip()
        for slot in SLOTS
    }
    assert len(set(serves.values())) == len(SLOTS)
    given = {machine.given_key for machine in (up.machine(slot) for slot in SLOTS)}
    assert None not in given
    for slot, key in serves.items():
        known = json.loads(up.deploy("inventory", "--host", slot).text)["mad_host_key"]
        assert key.split()[:2] == known.split()[:2]
        private = up.on(slot, "cat /etc/ssh/ssh_host_ed25519_key")
        assert private.strip() not in {str(one).strip() for one in given}
        assert up.on(slot, "ls /etc/ssh | grep -c mad_host_key || true").strip() == "0"


def test_units_are_hardened(up: Fleet) -> None:
    for slot, unit in (
        ("api-0", "mad-api@1.service"),
        ("api_lb-0", "mad-proxy@1.service"),
        ("client-0", "mad-agent@1.service"),
        ("web-0", "mad-web@1.service"),
    ):
        text = up.on(slot, f"systemd-analyze security --no-pager {unit} | tail -1")
        assert float(text.split(":")[1].split()[0]) <= 2.0, (slot, text)


def test_no_secret_is_readable_on_hosts(up: Fleet) -> None:
    token = up.secret("token-agent")
    found = up.on("client-0", f"grep -rlF {token} /opt /etc /run 2>/dev/null || true").split()
    for path in found:
        mode = up.on("client-0", f"stat -c '%a %U' {path}").split()
        assert mode in (["600", "root"], ["400", "root"]) or mode[0] in ("400", "440"), (path, mode)
    assert (
        up.on("client-0", "journalctl --no-pager | grep -cF " + token + " || true").strip() == "0"
    )
