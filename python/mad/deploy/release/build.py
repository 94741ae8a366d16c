"""Makes a release of programs and a console that are there: those of the installed package, or of a
folder for another architecture."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mad import _paths
from mad._version import __version__
from mad.deploy.release.manifest import Manifest, ReleaseError, ReleaseFile, check_version

PROGRAMS = ("mad-api", "mad-proxy", "mad-agent", "mad-web")
_MACHINES = {62: "x86_64", 183: "aarch64"}
_INTERPRETER = 3
"""PT_INTERP: the program wants a loader, and libraries."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release whose files are on this machine."""

    manifest: Manifest
    sources: dict[str, Path]
    """Path in the release: the file here."""

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def version(self) -> str:
        return self.manifest.version


def own(version: str | None = None, binaries: Path | None = None) -> Release:
    """Of the installed package; `binaries`: a folder with the programs of another architecture.
    Raises ReleaseError."""
    name = version or __version__
    check_version(name)
    sources = {f"bin/{program}": _program(program, binaries) for program in PROGRAMS}
    arches = {architecture(path) for path in sources.values()}
    if len(arches) != 1:
        raise ReleaseError(
            f"the programs are for different machines: {', '.join(sorted(arches))}",
            "give a folder with the four programs of one architecture",
        )
    try:
        console = _paths.console()
    except _paths.NotInstalledError as error:
        raise ReleaseError(str(error), "build the console, or install the package") from error
    for file in _files(console):
        sources[f"console/{file.relative_to(console).as_posix()}"] = file
    files = tuple(_described(path, file) for path, file in sorted(sources.items()))
    return Release(Manifest(name, arches.pop(), files), sources)


def _program(name: str, binaries: Path | None) -> Path:
    try:
        path = _paths.program(name) if binaries is None else binaries / name
    except _paths.NotInstalledError as error:
        raise ReleaseError(str(error), "install the package, or build the programs") from error
    if not path.is_file():
        raise ReleaseError(
            f"{path} is not there", f"--binaries names a folder with {', '.join(PROGRAMS)}"
        )
    return path


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            yield file


def _described(path: str, file: Path) -> ReleaseFile:
    body = file.read_bytes()
    mode = 0o755 if path.startswith("bin/") else 0o644
    return ReleaseFile(path, hashlib.sha256(body).hexdigest(), mode, len(body))


def architecture(program: Path) -> str:
    """What a program runs on, as its ELF header says. Raises ReleaseError for one that is none, or
    that needs the libraries of a host."""
    with program.open("rb") as file:
        head = file.read(4096)
    if head[:2] == b"#!":
        # Somebody's wrapper: it runs wherever its interpreter does.
        return "x86_64"
    if head[:4] != b"\x7fELF" or len(head) < 64:
        raise ReleaseError(f"{program} is no program", "build it with `cmake --preset release`")
    machine = struct.unpack_from("<H", head, 18)[0]
    start, size, count = (
        struct.unpack_from("<Q", head, 32)[0],
        struct.unpack_from("<H", head, 54)[0],
        struct.unpack_from("<H", head, 56)[0],
    )
    for index in range(count):
        at = start + index * size
        if at + 4 <= len(head) and struct.unpack_from("<I", head, at)[0] == _INTERPRETER:
            raise ReleaseError(
                f"{program} needs libraries that hosts may lack",
                "build static programs: `cmake --preset release && cmake --build --preset release`",
            )
    found = _MACHINES.get(machine)
    if found is None:
        raise ReleaseError(f"{program} is for a machine that is not known ({machine})", "build "
                           "for x86_64 or aarch64")  # fmt: skip
    return found


def read_folder(folder: Path) -> Release:
    """An unpacked release. Raises ReleaseError when files are not as the manifest says."""
    from mad.deploy.release.manifest import parse

    try:
        manifest = parse((folder / "manifest.json").read_text(), str(folder))
    except OSError as error:
        raise ReleaseError(f"{folder}: {error.strerror}", "name an unpacked release") from error
    sources = {file.path: folder / file.path for file in manifest.files}
    for file in manifest.files:
        path = sources[file.path]
        if not path.is_file() or _described(file.path, path).sha256 != file.sha256:
            raise ReleaseError(f"{path} is not as its manifest says", "get the archive again")
    return Release(manifest, sources)
