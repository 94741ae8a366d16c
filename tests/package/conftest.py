"""What several tests need: an installed copy of the libraries, and the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from building import ROOT, WORK, Consumer, build, call, dependencies

Build = Callable[..., Consumer]
BUILD_S = 1800
"""A row may have to compile all programs first, with an empty compiler cache."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.timeout(BUILD_S))


@pytest.fixture(scope="session")
def prefix() -> Path:
    """An installed copy of the development build, moved after installing: it must not mind."""
    first, moved = WORK / "installed-first", WORK / "prefix"
    for folder in (first, moved):
        shutil.rmtree(folder, ignore_errors=True)
    WORK.mkdir(parents=True, exist_ok=True)
    build = Path(os.environ.get("MAD_BUILD_DIR", ROOT / "build" / "dev"))
    command = ["cmake", "--install", str(build), "--prefix", str(first)]
    for component in ("development", "programs"):
        subprocess.run([*command, "--component", component], check=True, capture_output=True)
    first.rename(moved)
    return moved


@pytest.fixture
def consumer() -> Build:
    return lambda name, prefix=None, **defines: Consumer(name, prefix, defines)


@pytest.fixture(scope="session")
def plain_wheel() -> Path:
    return build("wheel", ROOT, WORK / "plain")


@pytest.fixture(scope="session")
def wheel(plain_wheel: Path) -> Path:
    """As it would be handed out: checked, and named after the oldest systems it runs on."""
    target = WORK / "dist"
    shutil.rmtree(target, ignore_errors=True)
    call(sys.executable, "-m", "auditwheel", "repair", "-w", target, plain_wheel)
    (made,) = target.iterdir()
    return made


@pytest.fixture(scope="session")
def sdist() -> Path:
    return build("sdist", ROOT, WORK / "sdist")


@pytest.fixture(scope="session")
def wheelhouse() -> Path:
    """What the package depends on, as wheels, for installing without a network."""
    target = WORK / "wheelhouse"
    wanted = (ROOT / "pyproject.toml").read_bytes()
    stamp = target / ".stamp"
    if not stamp.exists() or stamp.read_bytes() != wanted:
        shutil.rmtree(target, ignore_errors=True)
        names = [f"{name}" for name in dependencies()]
        call(sys.executable, "-m", "pip", "download", "-q", "-d", target, *names)
        stamp.write_bytes(wanted)
    return target
