"""Each unit that we give away is scored by systemd: 0 is locked up, 10 is wide open. That programs
run under them is shown on real hosts (tests/hosts)."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from security_kit import LIMIT_S, ROOT

from mad.deploy.remote import redis_server

FOLDER = ROOT / "infra" / "templates" / "systemd"
UNITS = {
    str(file.relative_to(FOLDER)): file.read_text() for file in sorted(FOLDER.rglob("*.service"))
} | {redis_server.UNIT: redis_server.SERVICE}
MOST = 2.0


def test_none_is_left_out() -> None:
    assert len(UNITS) == 9


@pytest.mark.parametrize("name", UNITS)
def test_it_may_do_no_more_than_it_needs(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze (apt-get install systemd)")
    unit = tmp_path / Path(name).name
    unit.write_text(UNITS[name].replace("@credentials@", ""))
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    score = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert score, done.stdout + done.stderr
    assert float(score[1]) <= MOST, done.stdout
    assert "User=root" not in UNITS[name]
    assert re.search(r"^(DynamicUser=yes|User=\S+)$", UNITS[name], re.MULTILINE)
