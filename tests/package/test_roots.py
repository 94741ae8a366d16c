"""The package on systems without compiler and libraries: an older Debian, the one of this machine's
age, and a newer one, each unpacked into build/roots/ once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from building import ROOT
from root_guest import BY_DNS, BY_FILE

import mad

ROOTS = ROOT / "build" / "roots"
MIRROR = os.environ.get("MAD_DEBIAN_MIRROR", "http://deb.debian.org/debian")
PROGRAMS = ("mad-api", "mad-agent", "mad-proxy", "mad-web", "mad-synthetic")
OLDER, SAME, NEWER = "bullseye", "bookworm", "trixie"
NAMESPACES = ("unshare", "--mount", "--net", "--fork", "--")


def why_not() -> str | None:
    """What this machine lacks for these tests."""
    if os.geteuid() != 0:
        return "needs root"
    if shutil.which("debootstrap") is None:
        return "needs debootstrap (apt-get install debootstrap)"
    command = [*NAMESPACES, "true"]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        return "this system allows no namespaces of one's own"
    return None


pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


def unpacked(release: str) -> Path:
    """A minimal Debian. One that could not be fetched is skipped with the reason."""
    root, part = ROOTS / release, ROOTS / f"{release}.part"
    if not root.exists():
        shutil.rmtree(part, ignore_errors=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        command = ["debootstrap", "--variant=minbase", "--include=python3,python3-venv"]
        done = subprocess.run(
            [*command, release, str(part), MIRROR],
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        if done.returncode != 0:
            pytest.skip(f"debootstrap {release}: {done.stdout.strip().splitlines()[-1:]}")
        part.rename(root)
    return root


def guest(root: Path, folder: str, commands: list[list[str]]) -> dict[str, object]:
    arguments = [str(root), folder, json.dumps(commands)]
    helper = Path(__file__).with_name("root_guest.py")
    done = subprocess.run(
        [*NAMESPACES, sys.executable, str(helper), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return said


def judge(said: dict[str, object], expected: list[str]) -> None:
    """Each command succeeded and printed what is expected; agents found the API by both names."""
    commands = said["commands"]
    assert isinstance(commands, list)
    for command, text in zip(commands, expected, strict=True):
        assert command["code"] == 0, command
        assert text in command["out"]
    assert said["agents"] == {BY_FILE: 1, BY_DNS: 1}


@pytest.mark.parametrize("release", [OLDER, SAME, NEWER])
def test_the_programs_run_and_find_names_on_debian(release: str, wheel: Path) -> None:
    root = unpacked(release)
    assert shutil.which("c++", path=str(root / "usr/bin")) is None
    folder = root / "opt" / "mad"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for program in PROGRAMS:
            (folder / program).write_bytes(archive.read(f"mad/bin/{program}"))
            (folder / program).chmod(0o755)
    commands = [[f"/opt/mad/{program}", "--version"] for program in PROGRAMS]
    commands.append(["/opt/mad/mad-agent", "--once"])
    said = guest(root, "/opt/mad", commands)
    judge(said, [mad.__version__] * len(PROGRAMS) + ['"health"'])


@pytest.mark.parametrize("release", [SAME, NEWER])
def test_the_wheel_works_on_debian(release: str, wheel: Path, wheelhouse: Path) -> None:
    root = unpacked(release)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not (root / f"usr/bin/python{version}").exists():
        bring_python(version, root)
    packages = root / "opt" / "packages"
    shutil.rmtree(packages, ignore_errors=True)
    shutil.copytree(wheelhouse, packages)
    shutil.copy(wheel, packages)
    shutil.rmtree(root / "opt" / "venv", ignore_errors=True)
    python = "/opt/venv/bin/python"
    install = [python, "-m", "pip", "install", "-q", "--no-index", "--find-links", "/opt/packages"]
    commands = [
        [f"/usr/bin/python{version}", "-m", "venv", "/opt/venv"],
        [*install, f"/opt/packages/{wheel.name}"],
        ["/opt/venv/bin/mad", "--version"],
        ["/opt/venv/bin/mad-api", "--version"],
        ["/opt/venv/bin/mad", "sample"],
        ["/opt/venv/bin/mad", "doctor"],
    ]
    said = guest(root, "/opt/venv/bin", commands)
    judge(said, ["", "", mad.__version__, mad.__version__, '"mem"', "mad-agent"])


def bring_python(version: str, root: Path) -> None:
    """The newer Debian's Python is another one than the wheel's: the wheel's is brought along from
    the older root. It asks only for libraries that both have."""
    source = unpacked(SAME)
    if not (source / f"usr/bin/python{version}").exists():
        pytest.skip(f"no root has the Python {version} that the wheel is for")
    shutil.copy(source / f"usr/bin/python{version}", root / "usr/bin")
    shutil.copytree(
        source / f"usr/lib/python{version}",
        root / f"usr/lib/python{version}",
        symlinks=True,
        dirs_exist_ok=True,
    )
    wheels = source / "usr/share/python-wheels"
    if wheels.exists():
        shutil.copytree(wheels, root / "usr/share/python-wheels", dirs_exist_ok=True)
