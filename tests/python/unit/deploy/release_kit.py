"""Programs and consoles that releases are made of, without any that were built."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mad.deploy.release.build import PROGRAMS

X86_64, AARCH64 = 62, 183
SEGMENT = 56


def elf(machine: int, *, segments: tuple[int, ...] = (1,), more: bytes = b"") -> bytes:
    """The head of a program, with segments of these types."""
    head = bytearray(64)
    head[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<HH", head, 16, 2, machine)
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<HH", head, 54, SEGMENT, len(segments))
    body = b"".join(struct.pack("<I", kind).ljust(SEGMENT, b"\0") for kind in segments)
    return bytes(head) + body + more


def programs(folder: Path, machine: int = X86_64, more: bytes = b"") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        (folder / name).write_bytes(elf(machine, more=more + name.encode()))
        (folder / name).chmod(0o755)
    return folder


def console(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "assets" / "app.js").write_text("0")
    monkeypatch.setenv("MAD_CONSOLE_DIR", str(folder))
    return folder
