"""Lines of keys, held against what tomllib reads."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from mad.deploy.stack.lines import Path, lines

TEXT = '''\
# a comment with [brackets] = "and" quotes
top = 1
"quoted \\u006bey" = 2
'literal key' = 3
a.b . c = 4
a."b.b" = 5

[table]   # [not.this]
text = "a # no comment, \\" still inside" # a comment
many = """
lines = 0
[no.table]
ends with a quote \\""" and two more"""""
after = 1
raw = \'\'\'
x = 'y'
\'\'\'
list = [ # begins
  "one", # first
  [2, 3],

  { x = 1, y.z = [
    4,
  ] }, "]",
]
inline = { k = "v, w", "q}" = [1, 2], deep.er = { x = {} } }
date = 1979-05-27 07:32:00
float = 3.14

[ table . "sub.table" ]
deep = 0
[outer.inner]
i = 1
[outer]
o = 1

[[rows]]
n = 1
[rows.more]
m = 1
[[rows.cells]]
c = 1
[[rows.cells]]
c = 2

[[rows]]
n = 2
[[rows.cells]]
c = 3
'''


def paths(value: Any, before: Path = ()) -> Iterator[Path]:
    if before:
        yield before
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*before, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*before, index))


def test_every_path_that_tomllib_reads_has_a_line_and_no_other_has() -> None:
    found = lines(TEXT)
    wanted = set(paths(tomllib.loads(TEXT)))
    assert {path for path in wanted if not found.has(*path)} == set()
    assert set(found.known()) == wanted


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        (("top",), "top = 1"),
        (("quoted key",), '"quoted'),
        (("literal key",), "'literal"),
        (("a", "b", "c"), "a.b . c"),
        (("a", "b.b"), 'a."b.b"'),
        (("table",), "[table]"),
        (("table", "text"), "text ="),
        (("table", "many"), 'many = """'),
        (("table", "after"), "after"),
        (("table", "raw"), "raw"),
        (("table", "list"), "list"),
        (("table", "list", 0), '  "one"'),
        (("table", "list", 1), "  [2, 3]"),
        (("table", "list", 1, 1), "  [2, 3]"),
        (("table", "list", 2, "x"), "  { x"),
        (("table", "list", 2, "y", "z", 0), "    4"),
        (("table", "list", 3), '  ] }, "]"'),
        (("table", "inline", "deep", "er", "x"), "inline"),
        (("table", "inline", "q}", 1), "inline"),
        (("table", "float"), "float"),
        (("table", "sub.table"), "[ table"),
        (("table", "sub.table", "deep"), "deep = 0"),
        (("outer",), "[outer]"),
        (("outer", "o"), "o = 1"),
        (("outer", "inner"), "[outer.inner]"),
        (("rows",), "[[rows]]"),
        (("rows", 0, "more", "m"), "m = 1"),
        (("rows", 0, "cells", 1, "c"), "c = 2"),
        (("rows", 1, "n"), "n = 2"),
        (("rows", 1, "cells", 0, "c"), "c = 3"),
    ],
)
def test_a_path_is_on_the_line_that_begins_with(path: Path, begins: str) -> None:
    assert TEXT.splitlines()[lines(TEXT).of(*path) - 1].startswith(begins)


@pytest.mark.parametrize(
    ("path", "begins"),
    [(("table", "missing"), "[table]"), (("missing", "key"), "#"), ((), "#")],
)
def test_what_is_missing_is_where_it_would_stand(path: Path, begins: str) -> None:
    assert TEXT.splitlines()[lines(TEXT).of(*path) - 1].startswith(begins)


def test_ends_of_lines_of_another_system_count_the_same() -> None:
    assert lines(TEXT.replace("\n", "\r\n")).of("rows", 1, "n") == lines(TEXT).of("rows", 1, "n")


def test_a_mark_of_byte_order_is_no_key() -> None:
    assert lines("\ufeffname = 1").of("name") == 1
    assert lines("").of("name") == 1
