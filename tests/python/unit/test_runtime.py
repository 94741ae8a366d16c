"""Where a running `mad up` is found."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from mad.local import runtime


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path / f"mad-{os.getuid()}"


def test_the_folder_is_that_of_the_session(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime.folder() == tmp_path / "mad"
    assert not temporary.exists()


@pytest.mark.parametrize("given", ["", "/nonexistent", "/" + "x" * 100])
def test_without_a_session_it_is_where_temporary_files_are(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", given)
    assert runtime.folder() == temporary
    assert temporary.stat().st_mode & 0o777 == 0o700


def test_the_session_of_another_user_is_left_alone(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(runtime.NotOursError, match="mad-12345"):  # which we have made, not 12345
        runtime.folder()
    assert not (tmp_path / "mad").exists()
    assert not temporary.exists()


def test_a_link_of_somebody_else_is_refused(temporary: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    temporary.symlink_to(tmp_path / "theirs")
    with pytest.raises(runtime.NotOursError, match="mode 0700"):
        runtime.folder()


def test_nobody_runs_here(temporary: Path) -> None:
    assert runtime.running_admins() == []
    assert temporary.is_dir()
