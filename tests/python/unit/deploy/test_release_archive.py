"""Releases as files: the same again, and nothing that is not as its manifest says."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
import zstandard
from release_kit import AARCH64, console, elf, programs

from mad.deploy.release import archive
from mad.deploy.release.build import Release, architecture, own
from mad.deploy.release.manifest import ReleaseError, parse
from mad.deploy.stack.settings import Role


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    console(tmp_path / "console", monkeypatch)
    return own("1.2.0", programs(tmp_path / "bin"))


def packed(file: Path, members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, body in members.items():
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(body) if kind == tarfile.REGTYPE else 0
            member.linkname = "/etc/passwd"
            tar.addfile(member, io.BytesIO(body))
    file.write_bytes(zstandard.compress(out.getvalue()))
    return file


def test_there_and_back(release: Release, tmp_path: Path) -> None:
    file = archive.write(release, tmp_path / "dist")
    assert file.name == "mad-1.2.0-x86_64.tar.zst"
    read = archive.read(file, tmp_path / "read")
    assert read.manifest == release.manifest
    assert (tmp_path / "read/bin/mad-api").stat().st_mode & 0o777 == 0o755
    first = file.read_bytes()
    assert archive.write(read, tmp_path / "dist").read_bytes() == first


def test_a_host_gets_what_its_role_needs(release: Release) -> None:
    def names(role: Role) -> list[str]:
        with tarfile.open(fileobj=io.BytesIO(archive.payload(release, role))) as tar:
            return tar.getnames()

    assert names(Role.API) == ["bin/mad-api"]
    assert names(Role.CLIENT) == ["bin/mad-agent"]
    assert names(Role.WEB) == ["bin/mad-web", "console/assets/app.js", "console/index.html"]
    assert archive.payload(release, Role.API) == archive.payload(release, Role.API)
    assert archive.digests(release, Role.API_LB).keys() == {"bin/mad-proxy"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"", "cannot be unpacked|its manifest", id="empty"),
        pytest.param(b"not zstd at all", "cannot be unpacked", id="something_else"),
        pytest.param(None, "cannot be unpacked", id="cut"),
    ],
)
def test_a_broken_archive(release: Release, tmp_path: Path, body: bytes | None, said: str) -> None:
    file = archive.write(release, tmp_path / "dist")
    file.write_bytes(file.read_bytes()[:200] if body is None else body)
    with pytest.raises(ReleaseError, match=said) as raised:
        archive.read(file, tmp_path / "read")
    assert raised.value.remedy


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "a/../../escaped"])
def test_no_file_gets_out_of_its_folder(tmp_path: Path, name: str) -> None:
    file = packed(tmp_path / "x.tar.zst", {name: b"1"})
    with pytest.raises(ReleaseError):
        archive.read(file, tmp_path / "in" / "read")
    assert not [one for one in tmp_path.rglob("escaped") if "read" not in one.parts]
    assert not Path("/tmp/escaped").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_only_files_are_taken(tmp_path: Path, kind: bytes) -> None:
    file = packed(tmp_path / "x.tar.zst", {"bin/mad-api": b""}, kind)
    with pytest.raises(ReleaseError, match="is no release"):
        archive.read(file, tmp_path / "read")


def test_an_archive_that_grows_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST", 1 << 20)
    file = packed(tmp_path / "x.tar.zst", {"a": bytes(1 << 20), "b": b"1"})
    assert file.stat().st_size < 1 << 12
    with pytest.raises(ReleaseError, match="is no release"):
        archive.read(file, tmp_path / "read")


def test_a_file_that_is_not_as_the_manifest_says(release: Release, tmp_path: Path) -> None:
    members = {path: source.read_bytes() for path, source in release.sources.items()}
    members["manifest.json"] = release.manifest.text.encode()
    members["bin/mad-api"] += b"!"
    file = packed(tmp_path / "x.tar.zst", members)
    with pytest.raises(ReleaseError, match="mad-api is not as its manifest says"):
        archive.read(file, tmp_path / "read")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"name": "other"}, id="another_project"),
        pytest.param({"version": "../1"}, id="version"),
        pytest.param({"files": {"../x": {"sha256": "0", "mode": 1, "size": 1}}}, id="path"),
        pytest.param({"files": {"x": {}}}, id="file"),
        pytest.param({"files": []}, id="files"),
    ],
)
def test_a_manifest_that_is_none(release: Release, change: dict[str, object]) -> None:
    text = json.dumps(json.loads(release.manifest.text) | change)
    with pytest.raises(ReleaseError):
        parse(text, "here")


def test_the_id_changes_with_what_is_inside(release: Release, tmp_path: Path) -> None:
    again = own("1.2.0", programs(tmp_path / "again"))
    other = own("1.2.0", programs(tmp_path / "other", more=b"x"))
    assert again.id == release.id
    assert other.id != release.id
    assert other.id.startswith("1.2.0-")


def test_programs_of_hosts_need_no_libraries(tmp_path: Path) -> None:
    program = tmp_path / "mad-api"
    program.write_bytes(elf(AARCH64))
    assert architecture(program) == "aarch64"
    program.write_bytes(elf(AARCH64, segments=(1, 3)))
    with pytest.raises(ReleaseError, match="needs libraries"):
        architecture(program)
    program.write_bytes(elf(40))
    with pytest.raises(ReleaseError, match="machine that is not known"):
        architecture(program)
    program.write_bytes(b"text")
    with pytest.raises(ReleaseError, match="is no program"):
        architecture(program)


def test_programs_are_of_one_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console(tmp_path / "console", monkeypatch)
    folder = programs(tmp_path / "bin")
    (folder / "mad-web").write_bytes(elf(AARCH64))
    with pytest.raises(ReleaseError, match="different machines: aarch64, x86_64"):
        own("1.2.0", folder)
    (folder / "mad-web").unlink()
    with pytest.raises(ReleaseError, match="mad-web is not there"):
        own("1.2.0", folder)
