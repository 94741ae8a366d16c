"""Releases as files: `mad-<version>-<arch>.tar.zst`, and what goes to a host."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from mad.deploy.release.build import Release, read_folder
from mad.deploy.release.manifest import ReleaseError, ReleaseFile
from mad.deploy.stack.settings import Role

MOST = 1 << 30
"""Bytes that an archive may unpack to."""


def name(version: str, arch: str) -> str:
    return f"mad-{version}-{arch}.tar.zst"


def write(release: Release, folder: Path) -> Path:
    """The same bytes for the same release."""
    import zstandard

    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name(release.version, release.manifest.arch)
    young = target.with_suffix(".new")
    with (
        young.open("wb") as file,
        zstandard.ZstdCompressor(level=10).stream_writer(file) as out,
        tarfile.open(fileobj=out, mode="w|") as packed,
    ):
        _add(packed, "manifest.json", release.manifest.text.encode(), 0o644)
        for one in sorted(release.manifest.files):
            _add(packed, one.path, release.sources[one.path].read_bytes(), one.mode)
    young.replace(target)
    return target


def read(file: Path, folder: Path) -> Release:
    """Unpacks an archive into a folder of its own. Raises ReleaseError for one that is broken."""
    import zstandard

    folder.mkdir(parents=True, exist_ok=True)
    left = MOST
    try:
        with (
            file.open("rb") as raw,
            zstandard.ZstdDecompressor().stream_reader(raw) as plain,
            tarfile.open(fileobj=plain, mode="r|") as packed,
        ):
            for member in packed:
                left -= member.size
                if left < 0 or not member.isreg():
                    raise ReleaseError(f"{file} is no release: {member.name}", "get it again")
                packed.extract(member, folder, filter="data")
    except (OSError, tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise ReleaseError(
            f"{file} cannot be unpacked: {error}", "get the archive again"
        ) from error
    return read_folder(folder)


def payload(release: Release, role: Role) -> bytes:
    """What `stage` takes: the files that a role needs, as a tar that the host can unpack by itself.
    Compressed just enough for slow lines."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w|") as packed,
    ):
        for one in release.manifest.of(role):
            _add(packed, one.path, release.sources[one.path].read_bytes(), one.mode)
    return out.getvalue()


def request(release: Release, role: Role) -> dict[str, object]:
    """What `stage` is told of it."""
    return {
        "id": release.id,
        "manifest": release.manifest.text,
        "files": {one.path: _told(one) for one in release.manifest.of(role)},
    }


def digests(release: Release, role: Role) -> dict[str, str]:
    return {one.path: one.sha256 for one in release.manifest.of(role)}


def _told(file: ReleaseFile) -> dict[str, object]:
    return {"sha256": file.sha256, "mode": file.mode, "size": file.size}


def _add(packed: tarfile.TarFile, path: str, body: bytes, mode: int) -> None:
    member = tarfile.TarInfo(path)
    member.size, member.mode = len(body), mode
    packed.addfile(member, io.BytesIO(body))
