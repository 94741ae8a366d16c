"""Changes counts in a stack file. Comments, order and layout stay as they are."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mad.deploy.stack.lines import lines
from mad.deploy.stack.load import parse, read_text
from mad.deploy.stack.mistakes import Mistake, StackError
from mad.deploy.stack.settings import Role, Stack


def with_counts(path: Path, counts: Mapping[Role, int], *, region: str | None = None) -> Stack:
    """The stack that the file would hold with these counts; nothing is written. `region` goes
    before the file's. Raises StackError."""
    text = read_text(path)
    parse(text, path, region=region)
    for role, count in counts.items():
        text = _with_count(text, role, count)
    return parse(text, path, region=region)


def set_counts(path: Path, counts: Mapping[Role, int], *, region: str | None = None) -> Stack:
    """Writes the counts into the file and gives the stack that it holds then. Raises StackError,
    and the file is as it was, where the result would have a mistake."""
    real = path.resolve()
    before = read_text(path)
    parse(before, path, region=region)
    after = before
    for role, count in counts.items():
        after = _with_count(after, role, count)
    stack = parse(after, path, region=region)
    _same_otherwise(path, before, after, counts)
    if after != before:
        _replace(real, after)
    return stack


def _with_count(text: str, role: Role, count: int) -> str:
    where = lines(text)
    table = tomllib.loads(text.removeprefix("\ufeff")).get(role, None)
    if table is None:
        end = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{end}\n[{role}]\ncount = {count}\n"
    if "count" not in table:
        # tomlkit would put it at the table's end, which is below the comment of the next one.
        rows = text.splitlines(keepends=True)
        at = where.of(role)
        if re.match(r"\s*\[", rows[at - 1]):
            header = rows[at - 1].rstrip("\r\n")
            end = rows[at - 1][len(header) :] or "\n"
            rows[at - 1 : at] = [header + end, f"count = {count}{end}"]
            return "".join(rows)
    import tomlkit

    document = tomlkit.parse(text)
    document[role]["count"] = count
    return tomlkit.dumps(document)


def _same_otherwise(path: Path, before: str, after: str, counts: Mapping[Role, int]) -> None:
    """Another library wrote it: what it reads as is what counts."""
    wanted = tomllib.loads(before.removeprefix("\ufeff"))
    for role, count in counts.items():
        wanted.setdefault(role, {})["count"] = count
    if tomllib.loads(after.removeprefix("\ufeff")) != wanted:
        names = ", ".join(counts)
        problem = f"the count of {names} cannot be written into this file without changing more"
        raise StackError([Mistake(path, 0, "", problem, "change it by hand")])


def _replace(path: Path, text: str) -> None:
    """At once or not at all: whoever reads sees the old file or the new one."""
    old = path.stat()
    handle, spare = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            with suppress(PermissionError):
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fchmod(file.fileno(), old.st_mode & 0o7777)
            os.fsync(file.fileno())
        Path(spare).replace(path)
    except BaseException:
        Path(spare).unlink(missing_ok=True)
        raise
