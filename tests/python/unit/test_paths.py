"""Programs, console and infrastructure files are found wherever mad was put."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

import mad
from mad import _paths

ROOT = Path(__file__).resolve().parents[3]


def test_in_a_checkout_the_root_is_known() -> None:
    assert _paths.checkout() == ROOT


def test_the_infrastructure_files_are_those_of_the_checkout() -> None:
    assert _paths.infra() == ROOT / "infra"


@pytest.mark.parametrize("variable", ["MAD_BIN_DIR", "MAD_CONSOLE_DIR", "MAD_INFRA_DIR"])
def test_an_environment_variable_overrides_the_search(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mad-api", "index.html"):
        (tmp_path / name).touch()
    monkeypatch.setenv(variable, str(tmp_path))
    found = {
        "MAD_BIN_DIR": lambda: _paths.program("mad-api").parent,
        "MAD_CONSOLE_DIR": _paths.console,
        "MAD_INFRA_DIR": _paths.infra,
    }[variable]()
    assert found == tmp_path


def test_what_is_missing_is_named_with_the_places_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAD_BIN_DIR", str(tmp_path))
    with pytest.raises(
        _paths.NotInstalledError, match=r"mad-api not found; looked at .*mad-api\. "
    ) as e:
        _paths.program("mad-api")
    assert str(tmp_path) in str(e.value)
    assert "cmake --preset release" in str(e.value)


def test_the_version_is_that_of_the_headers() -> None:
    header = (ROOT / "include" / "mad" / "config.hpp").read_text()
    assert f'#define MAD_VERSION "{mad.__version__}"' in header


def test_the_requirements_that_setup_installs_are_exact() -> None:
    for file in sorted((ROOT / "script").glob("requirements*.txt")):
        lines = [line for line in file.read_text().splitlines() if line and line[0] != "#"]
        assert lines == sorted(lines, key=lambda line: line.split("==")[0])
        assert all(line.count("==") == 1 for line in lines), file


def test_what_the_package_needs_is_what_setup_installs() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = [*wanted["build-system"]["requires"], *wanted["project"]["dependencies"]]
    pinned = (ROOT / "script" / "requirements.txt").read_text()
    for name in names:
        assert name.split(">=")[0] + "==" in pinned


def test_of_several_builds_the_last_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAD_BIN_DIR", raising=False)
    monkeypatch.setattr(_paths, "checkout", lambda: tmp_path)
    for age, build in enumerate(("dev", "release")):
        path = tmp_path / "build" / build / "bin" / "mad-api"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (1000 - age, 1000 - age))
    assert _paths.program("mad-api") == tmp_path / "build" / "dev" / "bin" / "mad-api"
