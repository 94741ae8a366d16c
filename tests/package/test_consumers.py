"""mad as others use it: installed, as a subfolder, header-only."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from building import PRESET_FLAGS, ROOT
from conftest import Build

EXPECTED = "consumer.started answer=42"


def succeeded(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 0, result.stdout + result.stderr


def test_find_package_gives_every_form(consumer: Build, prefix: Path) -> None:
    project = consumer("find_package", prefix)
    succeeded(project.configured)
    succeeded(project.build())
    for part in ("", "tls", "zlib", "redis", "sync"):
        header_only, compiled = part or "mad", f"compiled_{part}" if part else "compiled"
        for form in (header_only, compiled):
            result = project.run(f"with_{form}")
            succeeded(result)
            assert EXPECTED in result.stdout


def test_an_installed_copy_names_no_path_of_the_machine_that_built_it(prefix: Path) -> None:
    for file in (prefix / "lib").rglob("*.cmake"):
        assert str(ROOT) not in file.read_text(), file


def test_add_subdirectory_gives_the_forms_asked_for_and_nothing_else(consumer: Build) -> None:
    forms = ("mad", "compiled", "redis", "compiled_redis", "sync", "compiled_sync")
    project = consumer(
        "add_subdirectory",
        MAD_SOURCE_DIR=ROOT,
        MAD_FORMS=";".join(forms),
        CMAKE_CXX_FLAGS=PRESET_FLAGS,
    )
    succeeded(project.configured)
    succeeded(project.build())
    for form in forms:
        result = project.run(f"with_{form}")
        succeeded(result)
        assert EXPECTED in result.stdout
    made = {path.name for path in project.folder.rglob("*") if path.is_file()}
    assert not [name for name in made if name.startswith(("test_", "mad-api"))]


def test_each_umbrella_header_works_header_only(consumer: Build, prefix: Path) -> None:
    rooms = sorted(path.stem for path in (ROOT / "include" / "mad").glob("*.hpp"))
    rooms.remove("config")
    assert rooms, "no umbrella header"
    project = consumer("header_only", prefix, MAD_ROOMS=";".join(rooms))
    succeeded(project.configured)
    succeeded(project.build())
    for room in rooms:
        succeeded(project.run(f"room_{room}"))


def test_each_header_compiles_alone(consumer: Build) -> None:
    project = consumer("headers", MAD_SOURCE_DIR=ROOT)
    succeeded(project.configured)
    succeeded(project.build("all_verify_interface_header_sets"))


def test_a_program_that_mixes_the_two_forms_does_not_link(consumer: Build, prefix: Path) -> None:
    project = consumer("mixed", prefix)
    succeeded(project.configured)
    result = project.build()
    assert result.returncode != 0
    assert "undefined reference to `greet(mad::" in result.stdout


@pytest.mark.parametrize(
    ("variable", "file", "text", "expected"),
    ids=["Boost", "JSON"],
    argvalues=[
        (
            "MAD_BOOST_INCLUDE_DIR",
            "boost/version.hpp",
            "#define BOOST_VERSION 108200\n",
            "mad::compiled was built with Boost",
        ),
        (
            "MAD_JSON_INCLUDE_DIR",
            "nlohmann/json_fwd.hpp",
            "#define NLOHMANN_JSON_VERSION_MAJOR 3\n#define NLOHMANN_JSON_VERSION_MINOR 11\n",
            "mad::compiled was built with nlohmann/json",
        ),
    ],
)
def test_the_compiled_form_refuses_headers_of_another_version(
    consumer: Build,
    prefix: Path,
    tmp_path: Path,
    variable: str,
    file: str,
    text: str,
    expected: str,
) -> None:
    other = tmp_path / file
    other.parent.mkdir()
    other.write_text(text)
    project = consumer(f"refused-{variable}", prefix, SOURCE="find_package", **{variable: tmp_path})
    succeeded(project.configured)
    result = project.build("with_compiled")
    assert result.returncode != 0
    assert expected in result.stdout


def test_an_unknown_component_is_named(consumer: Build, prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES CXX)\n"
        "find_package(mad REQUIRED COMPONENTS telepathy)\n"
    )
    project = consumer("unknown-component", prefix, SOURCE=tmp_path)
    assert project.configured.returncode != 0
    assert "mad has no component 'telepathy'" in project.configured.stderr


def test_a_missing_hiredis_is_named_with_its_package(consumer: Build, prefix: Path) -> None:
    hidden = {"CMAKE_DISABLE_FIND_PACKAGE_Hiredis": "ON"}
    installed = consumer("hiredis-installed", prefix, SOURCE="find_package", **hidden)
    assert installed.configured.returncode != 0
    assert "apt-get install libhiredis-dev" in " ".join(installed.configured.stderr.split())
    ours = consumer(
        "hiredis-ours", SOURCE="add_subdirectory", MAD_SOURCE_DIR=ROOT, MAD_PROGRAMS="ON", **hidden
    )
    assert ours.configured.returncode != 0
    assert "apt-get install libhiredis-dev" in " ".join(ours.configured.stderr.split())


def test_the_readmes_example_compiles(consumer: Build, prefix: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    (tmp_path / "main.cpp").write_text(readme.split("```cpp\n")[1].split("```")[0])
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(program LANGUAGES CXX)\n"
        + "add_executable(program main.cpp)\n"
        + readme.split("```cmake\n")[1].split("```")[0]
    )
    project = consumer("readme", prefix, SOURCE=tmp_path)
    succeeded(project.configured)
    succeeded(project.build())
