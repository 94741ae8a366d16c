"""What the pages of deploy tell people to type is typed here."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

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
