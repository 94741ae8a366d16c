"""The Python package: what `pip install` brings, and that it works."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from building import PRESET_FLAGS, ROOT, call, dependencies, fresh_venv

import mad

PROGRAMS = ("mad-api", "mad-agent", "mad-proxy", "mad-web", "mad-synthetic")
EVERYTHING = "MAD_TEST_EVERYTHING" in os.environ


@pytest.fixture(scope="session")
def installed(wheel: Path, wheelhouse: Path) -> Path:
    venv = fresh_venv("venv")
    pip: list[str | Path] = [venv / "bin" / "python", "-m", "pip", "install", "-q", "--no-index"]
    call(*pip, "--find-links", wheelhouse, wheel)
    return venv / "bin"


def test_the_wheel_holds_programs_console_and_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        modes = {i.filename: i.external_attr >> 16 for i in archive.infolist()}
    for program in PROGRAMS:
        assert modes[f"mad/bin/{program}"] & 0o111, program
    for file in ("mad/console/index.html", "mad/py.typed", "mad/_core/__init__.pyi"):
        assert file in modes
    infra = [p for p in (ROOT / "infra").rglob("*") if p.is_file()]
    assert infra
    for path in infra:
        assert f"mad/{path.relative_to(ROOT)}" in modes
    assert not [name for name in modes if name.endswith((".hpp", ".a", ".cmake", ".ts"))]


def test_the_wheel_runs_from_manylinux_2_34_on(wheel: Path) -> None:
    """The newest symbols the module asks for are those of the threads that glibc 2.34 took in."""
    libc = tuple(int(part) for part in platform.libc_ver()[1].split("."))
    if libc > (2, 36):
        pytest.skip(f"built on glibc {libc[0]}.{libc[1]}: only Debian 12's reaches this far back")
    assert "manylinux_2_34" in wheel.name


def test_the_module_names_no_library_that_may_be_missing(plain_wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(plain_wheel) as archive:
        (module,) = [n for n in archive.namelist() if n.startswith("mad/_core.")]
        archive.extract(module, tmp_path)
    needed = call("readelf", "-d", tmp_path / module)
    libraries = {
        line.split("[")[1].split("]")[0] for line in needed.splitlines() if "NEEDED" in line
    }
    assert libraries <= {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"} | {
        "ld-linux-aarch64.so.1"
    }


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_is_fully_static(program: str, installed: Path) -> None:
    binary = next(installed.parent.glob(f"lib/python3*/site-packages/mad/bin/{program}"))
    assert "INTERP" not in call("readelf", "-lW", binary)


@pytest.mark.parametrize("program", ["mad", *PROGRAMS])
def test_each_command_is_there_and_of_this_version(program: str, installed: Path) -> None:
    assert mad.__version__ in call(installed / program, "--version")


def test_the_installed_package_samples_this_machine(installed: Path) -> None:
    said = call(installed / "python", "-c", "import json, mad; print(json.dumps(mad.sample(0.1)))")
    assert json.loads(said)["mem"]["total"] > 0


def test_the_doctor_finds_nothing_wrong(installed: Path) -> None:
    found = json.loads(call(installed / "mad", "doctor", "--json"))
    assert [finding for finding in found if finding["state"] == "missing"] == []


def test_an_sdist_carries_the_built_console(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert "console/dist/index.html" in names
    assert {"include/mad/config.hpp", "python/mad/__init__.py", "LICENSE", "PKG-INFO"} <= names
    assert not [
        name for name in names if "node_modules" in name or name.startswith(("build/", ".venv"))
    ]


def test_an_editable_install_finds_programs_and_console(wheelhouse: Path) -> None:
    """Behind it are the build tree and the source tree, not copies."""
    venv = fresh_venv("venv-editable")
    python = venv / "bin" / "python"
    call(
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--find-links",
        wheelhouse,
        *dependencies(),
    )
    site = next(Path(sys.prefix).glob("lib/python3*/site-packages"))
    settings = {"CXXFLAGS": PRESET_FLAGS, "PYTHONPATH": str(site)}
    if shutil.which("ccache"):
        settings["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-build-isolation",
        "--no-deps",
    ]
    call(*pip, "--editable", ROOT, **settings)
    for program in PROGRAMS:
        assert mad.__version__ in call(venv / "bin" / program, "--version")
    said = call(
        python, "-c", "import mad; from mad import _paths; mad.sample(0.1); print(_paths.console())"
    )
    assert Path(said.strip()) == ROOT / "console" / "dist"


@pytest.mark.skipif(not EVERYTHING, reason="compiles everything again: in `script/test all` only")
def test_pip_install_builds_everything_by_itself(sdist: Path) -> None:
    """With build isolation, from the sdist: nothing of this checkout is near."""
    venv = fresh_venv("venv-from-sdist")
    call(venv / "bin" / "python", "-m", "pip", "install", "-q", sdist)
    for program in ("mad", *PROGRAMS):
        assert mad.__version__ in call(venv / "bin" / program, "--version")
    call(venv / "bin" / "python", "-c", "import mad; mad.sample(0.1)")


def test_the_installed_console_is_found_by_its_server(installed: Path) -> None:
    call(installed / "mad-web", "--check")
