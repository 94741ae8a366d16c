"""What is installed is pinned, and what is shipped is listed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from security_kit import ROOT

REQUIREMENTS = sorted(ROOT.glob("script/*.txt")) + sorted(ROOT.glob("bench/peers/*/*.txt"))
LOCKS = [
    ROOT / folder / "package-lock.json"
    for folder in ("console", "tests/browser", "tests/conformance", "bench/peers/socketio4")
]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml")) + sorted(
    ROOT.glob("infra/workflows/*.yml")
)
UNPINNED = {"mad", "pip", "setuptools", "wheel"}
"""Ourselves, and what a virtual environment begins with."""


def pins(file: Path) -> dict[str, str]:
    """Versions by name; every line must say one."""
    found: dict[str, str] = {}
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^=;\s]+)", line)
            assert match, f"{file.relative_to(ROOT)}: '{line}' is not pinned"
            found[canonicalize_name(match[1])] = match[2]
    return found


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_requirements_are_pinned(file: Path) -> None:
    assert pins(file)


def test_every_installed_package_is_pinned() -> None:
    pinned: dict[str, str] = {}
    for file in ROOT.glob("script/*.txt"):
        pinned |= pins(file)
    installed = {
        str(canonicalize_name(one.name)): one.version
        for one in metadata.distributions(path=[str(site_packages())])
    }
    wrong = [
        f"{name}=={version}"
        for name, version in sorted(installed.items())
        if name not in UNPINNED and pinned.get(name) != version
    ]
    assert wrong == [], "put these into script/constraints.txt"


def site_packages() -> Path:
    """Of the environment that script/setup made."""
    return next((ROOT / ".venv").resolve().glob("lib/python3*/site-packages"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.parent.relative_to(ROOT)))
def test_npm_packages_are_pinned_with_their_digests(lock: Path) -> None:
    told = json.loads(lock.read_text())
    assert told["lockfileVersion"] == 3
    asked = json.loads((lock.parent / "package.json").read_text())
    for kind in ("dependencies", "devDependencies"):
        for name, version in asked.get(kind, {}).items():
            exact = re.fullmatch(r"(npm:(@?[\w./-]+)@)?\d+\.\d+\.\d+(-[\w.]+)?", version)
            assert exact, f"{name}: {version}"
    packages = {path: package for path, package in told["packages"].items() if path}
    assert packages
    for path, package in packages.items():
        assert package["integrity"].startswith("sha512-"), path


def test_crates_are_locked() -> None:
    lock = (ROOT / "bench/peers/socketioxide/Cargo.lock").read_text()
    blocks = lock.split("[[package]]")[1:]
    fetched = [block for block in blocks if "source =" in block]
    assert len(fetched) > 10
    assert all("checksum =" in block for block in fetched)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_actions_are_pinned_by_commit(file: Path) -> None:
    for used in re.findall(r"uses: (\S+)", file.read_text()):
        assert used.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", used), used


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    build = Path(os.environ.get("MAD_RELEASE_BUILD", ROOT / "build" / "release"))
    if not (build / "bin" / "mad-api").exists():
        pytest.skip(f"no programs in {build}")
    file = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    command = [sys.executable, str(ROOT / "script/lib/sbom.py"), str(build), str(file)]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr  # it has validated what it wrote
    told: dict[str, Any] = json.loads(file.read_text())
    return told


USED = {
    "linked into the programs": {"libssl-dev", "libhiredis-dev", "libc6-dev"},
    "compiled into the programs": {"boost-headers", "nlohmann-json", "libcli11-dev"},
    "bundled into the console": {"uplot", "preact", "socket.io-client", "engine.io-client"},
    "needed by the Python package": {"boto3", "botocore", "pydantic", "typer", "rich"},
}


@pytest.mark.parametrize("used", USED)
def test_the_bill_lists_what_is_shipped(bill: dict[str, Any], used: str) -> None:
    listed = {
        one["name"]
        for one in bill["components"]
        if one["scope"] == "required" and one["properties"][0]["value"] == used
    }
    assert USED[used] <= listed


def test_the_bill_has_the_versions_that_are_pinned(bill: dict[str, Any]) -> None:
    pinned = pins(ROOT / "script/requirements.txt") | pins(ROOT / "script/constraints.txt")
    ours = [one for one in bill["components"] if one["purl"].startswith("pkg:pypi/")]
    assert len(ours) > 15
    for one in ours:
        assert pinned[canonicalize_name(one["name"])] == one["version"]


def test_the_bill_tells_tools_from_what_is_shipped(bill: dict[str, Any]) -> None:
    scopes = {one["name"]: one["scope"] for one in bill["components"]}
    assert scopes["cmake"] == scopes["vite"] == scopes["scikit-build-core"] == "excluded"
    root = next(one for one in bill["dependencies"] if one["ref"] == "mad")
    shipped = {one["bom-ref"] for one in bill["components"] if one["scope"] == "required"}
    assert set(root["dependsOn"]) == shipped
