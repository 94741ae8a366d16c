"""A playbook of the old sort against the real hosts, by the dynamic inventory."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from fleet_kit import HERE, SLOTS, Done, Fleet

pytest.importorskip("ansible")

MAIN = "from mad.cli.deploy.inventory import main; main()"


def playbook(up: Fleet) -> Done:
    inventory = up.folder / "mad-inventory"
    inventory.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{MAIN}" "$@"\n')
    inventory.chmod(0o755)
    words = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory)]
    done = subprocess.run(
        up.world.inside([*words, str(HERE / "ansible" / "site.yml")]),
        env=up.environment()
        | {
            "ANSIBLE_HOME": str(up.folder / "ansible"),
            "ANSIBLE_NOCOWS": "1",
            "LC_ALL": "C.UTF-8",
        },
        cwd=up.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Done(done.returncode, [], done.stdout + done.stderr, 0.0)


def recap(done: Done) -> dict[str, tuple[int, int]]:
    """By host: how many tasks were ok, and changed something."""
    assert done.code == 0, done.text
    found = re.findall(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)", done.text, re.MULTILINE)
    return {name: (int(ok), int(changed)) for name, ok, changed in found}


@pytest.fixture
def reachable(up: Fleet) -> Fleet:
    """The inventory opens no way by itself: the stack file names who may come."""
    file = up.folder / "mad.toml"
    text = file.read_text()
    file.write_text(text.replace("[api]", '[network]\nssh_from = ["172.31.255.1/32"]\n\n[api]', 1))
    up.change("up", "--infra-only")
    return up


def test_a_playbook_reaches_every_host_by_its_group(reachable: Fleet) -> None:
    first = recap(playbook(reachable))
    assert first.keys() == set(SLOTS)
    assert {name: changed for name, (_, changed) in first.items()} == {
        name: 3 if name.startswith("api-") else 1 for name in SLOTS
    }
    for slot in SLOTS:
        note = reachable.on(slot, "cat /etc/mad-note")
        assert note.startswith(f"{slot} of mad-world at 172.31.")
        assert note.strip().endswith("Debian")
    assert reachable.on("api-1", "cat /etc/mad-handler") == "changed\n"
    # A second run finds all of it as it should be.
    assert {changed for _, changed in recap(playbook(reachable)).values()} == {0}
