"""What the pages of deploy tell people to type is typed here."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from aws_local import Server
from aws_local.world import world as clocks
from stack_kit import World

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs/deploy.md"
IAM = ROOT / "docs/deploy-iam.md"
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def environment(tmp_path: Path) -> dict[str, str]:
    import mad

    package = str(Path(mad.__file__).parents[1])
    scripts = str(Path(sys.executable).parent)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    kept.pop("SSH_PUBLIC_KEY_FILE", None)
    return kept | {
        "MAD": str(ROOT),
        "PORT": str(port),
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "PYTHONPATH": package,
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


def typed(script: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.skipif(not (ROOT / ".venv/bin/python").exists(), reason="script/aws-local needs .venv")
def test_the_whole_life_of_a_stack_is_as_its_page_says(tmp_path: Path) -> None:
    script = "\n".join(SHELL.findall(PAGE.read_text(encoding="utf-8")))
    said = typed(script, tmp_path, environment(tmp_path))
    assert "Nothing of shop-x7k2 is left" in said


def test_the_policies_are_printed_as_their_page_says(tmp_path: Path) -> None:
    (tmp_path / "mad.toml").write_text('name = "shop"\nregion = "eu-west-2"\n')
    script = "\n".join(SHELL.findall(IAM.read_text(encoding="utf-8")))
    typed(script, tmp_path, environment(tmp_path))
    assert '"Version"' in (tmp_path / "policy.json").read_text()


def test_a_run_that_changes_nothing_makes_the_calls_that_its_page_lists(
    tmp_path: Path, aws_local: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_PUBLIC_KEY_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    clocks.steps = 0
    few = World(tmp_path, aws_local, "[api]\ncount = 1\n")
    assert few.up().ok
    counts = []
    for text in ("[api]\ncount = 1\n", "[api]\ncount = 12\n"):
        few.write(text)
        assert few.up().ok
        aws_local.calls.clear()
        assert few.up().looked.plan.empty
        counts.append(Counter(call.name for call in aws_local.calls))
    assert counts[0] == counts[1], "whatever the number of machines"
    assert sum(counts[0].values()) <= 20
    rows = re.findall(
        r"^\| `([a-z0-9]+)` \| (`.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    listed: Counter[str] = Counter()
    for service, calls in rows:
        for name, times in re.findall(r"`(\w+)`(?: \((\d+) times\))?", calls):
            listed[f"{service}:{name}"] = int(times or 1)
    assert listed == counts[0]
