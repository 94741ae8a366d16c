"""Counts are written into a file; all else in it stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mad.deploy.stack.edit import set_counts
from mad.deploy.stack.load import StackError, load
from mad.deploy.stack.settings import Role

HEAD = 'name = "mad-x7k2"  # ours\nregion = "eu-west-2"\n'

EDITS = [
    ("a number", "[api]\ncount = 2 # two\n", "[api]\ncount = 4 # two\n"),
    ("its layout", "[api]\n  count   =   2\n\n\n# end", "[api]\n  count   =   4\n\n\n# end"),
    (
        "in an inline table",
        'api = { count = 2, type = "t3.nano" }\n',
        'api = { count = 4, type = "t3.nano" }\n',
    ),
    ("dotted", "api.count = 2 # two\n", "api.count = 4 # two\n"),
    ("dotted and missing", 'api.type = "t3.nano"\n', 'api.type = "t3.nano"\napi.count = 4\n'),
    (
        "missing in its table",
        '[ api ] # the servers\n#count = 2\ntype = "t3.nano"\n\n# of web\n[web]\ncount = 1\n',
        '[ api ] # the servers\ncount = 4\n#count = 2\ntype = "t3.nano"\n\n# of web\n[web]\n'
        "count = 1\n",
    ),
    ("missing with its table", "[web]\ncount = 1", "[web]\ncount = 1\n\n[api]\ncount = 4\n"),
    ("an empty table at the end", "[api]", "[api]\ncount = 4\n"),
    ("ends of lines of another system", "[api]\r\ncount = 2\r\n", "[api]\r\ncount = 4\r\n"),
    ("the same with none", "[api]\r\n# none\r\n", "[api]\r\ncount = 4\r\n# none\r\n"),
    ("quoted", '["api"]\n"count" = 2\n', '["api"]\n"count" = 4\n'),
    ("the same", "[api]\ncount = 4\n", "[api]\ncount = 4\n"),
]


@pytest.mark.parametrize(
    ("before", "after"), [row[1:] for row in EDITS], ids=[row[0] for row in EDITS]
)
def test_only_the_count_changes(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "mad.toml"
    path.write_bytes((HEAD + before).encode())
    assert set_counts(path, {Role.API: 4}).api.count == 4
    assert path.read_bytes().decode() == HEAD + after
    assert load(path).api.count == 4


def test_several_roles_change_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mad.toml"
    path.write_text(HEAD + "[web]\ncount = 1\n[api]\ncount = 1\n")
    stack = set_counts(path, {Role.API: 3, Role.WEB: 0, Role.CLIENT: 7})
    assert [stack.machines(role).count for role in Role] == [3, 1, 7, 0]
    assert load(path) == stack


def test_the_file_keeps_its_mode_and_what_points_to_it(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text(HEAD)
    real.chmod(0o640)
    link = tmp_path / "mad.toml"
    link.symlink_to("real.toml")
    set_counts(link, {Role.API: 4})
    assert link.is_symlink()
    assert "count = 4" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(tmp_path.iterdir()) == [link, real]


def test_a_file_that_says_so_already_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "mad.toml"
    path.write_text(HEAD + "[api]\ncount = 4\n")
    before = path.stat().st_ino
    set_counts(path, {Role.API: 4})
    assert path.stat().st_ino == before


@pytest.mark.parametrize(
    ("text", "counts", "said"),
    [
        (HEAD, {Role.API: 51}, "51 is out of range"),
        (HEAD, {Role.API_LB: 2}, "one proxy"),
        (HEAD + "[apis]\n", {Role.API: 2}, "unknown table"),
        ("name = ", {Role.API: 2}, "not TOML"),
        (HEAD + '[hosts]\napi = ["a"]\napi_lb = ["b"]', {Role.API: 2}, "of no use with [hosts]"),
    ],
)
def test_a_file_that_would_have_a_mistake_stays_as_it_was(
    tmp_path: Path, text: str, counts: dict[Role, int], said: str
) -> None:
    path = tmp_path / "mad.toml"
    path.write_text(text)
    with pytest.raises(StackError) as caught:
        set_counts(path, counts)
    assert said in str(caught.value)
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mad.toml"
    path.write_text(HEAD)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        set_counts(path, {Role.API: 4})
    assert path.read_text() == HEAD
    assert list(tmp_path.iterdir()) == [path]
