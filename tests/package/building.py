"""How the tests of this folder build things: projects that use mad, and mad's own package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "package"
# What users' own builds may ask of our headers, and what the presets ask of everything of ours:
# with the very same flags the compiler's cache knows mad's own objects from build/dev and
# build/python.
FLAGS = "-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror"
PRESET = json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"][0]
PRESET_FLAGS = str(PRESET["cacheVariables"]["CMAKE_CXX_FLAGS_INIT"])


class Consumer:
    """A project outside of mad's tree, configured and built in a folder of its own."""

    def __init__(self, name: str, prefix: Path | None, defines: Mapping[str, object]) -> None:
        self.folder = ROOT / "build" / f"package-{name}"  # as deep as build/dev: for the cache
        source = ROOT / "tests" / "package" / str(defines.get("SOURCE", name))
        settings: dict[str, object] = {
            "CMAKE_BUILD_TYPE": "Debug",
            "CMAKE_CXX_EXTENSIONS": "OFF",
            "CMAKE_CXX_FLAGS": FLAGS,
            "CMAKE_CXX_FLAGS_DEBUG": "-O0 -g1",
            "MAD_BOOST_INCLUDE_DIR": header_folder("boost_headers", "MAD_BOOST_INCLUDE_DIR"),
            "MAD_JSON_INCLUDE_DIR": header_folder("nlohmann_json", "MAD_JSON_INCLUDE_DIR"),
        }
        if shutil.which("ccache"):
            settings["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
        if prefix:
            settings["CMAKE_PREFIX_PATH"] = prefix
        settings |= {key: value for key, value in defines.items() if key != "SOURCE"}
        if "SOURCE" in defines:  # a folder that is another one each time
            shutil.rmtree(self.folder, ignore_errors=True)
        self.configured = self._run(
            ["cmake", "-G", "Ninja", "-S", str(source), "-B", str(self.folder)]
            + [f"-D{key}={value}" for key, value in settings.items()]
        )

    def build(self, *targets: str) -> subprocess.CompletedProcess[str]:
        chosen = ["--target", *targets] if targets else []
        command = ["cmake", "--build", str(self.folder), *chosen]
        return self._run([*command, "--", "-k", "0", "--quiet"])

    def run(self, program: str) -> subprocess.CompletedProcess[str]:
        return self._run([str(self.folder / program)])

    @staticmethod
    def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)


def header_folder(package: str, variable: str) -> Path:
    """Where the headers are that mad itself was built with (see cmake/mad_dependencies.cmake)."""
    if variable in os.environ:
        return Path(os.environ[variable])
    return Path(next(Path(sys.prefix).glob(f"lib/python3*/site-packages/{package}/include")))


def call(*command: str | Path, **environment: str) -> str:
    WORK.mkdir(parents=True, exist_ok=True)
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    inherited["PATH"] = f"{Path(sys.executable).parent}:{inherited['PATH']}"
    done = subprocess.run(
        [str(part) for part in command],
        cwd=WORK,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=2400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, source: Path, target: Path) -> Path:
    """Builds with the flags of the preset `python`, so that the compiler's cache knows most of it,
    and with the packages of .venv in place of freshly downloaded ones."""
    shutil.rmtree(target, ignore_errors=True)
    settings = {"CXXFLAGS": PRESET_FLAGS}
    if shutil.which("ccache"):
        settings["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        f"--{kind}",
        "-o",
        target,
        source,
    ]
    call(*command, **settings)
    (made,) = target.iterdir()
    return made


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [str(name) for name in project["dependencies"]]


def fresh_venv(name: str) -> Path:
    folder = WORK / name
    call(sys.executable, "-m", "venv", "--clear", folder)
    return folder
