"""script/test believes no runner blindly: what each prints is read exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from counts import Counts, from_catch, from_ctest, from_fuzz, from_pytest, from_text

NODE = """\
✔ works (1.2ms)
\u2139 tests 4
\u2139 suites 0
\u2139 pass 2
\u2139 fail 1
\u2139 cancelled 0
\u2139 skipped 1
\u2139 todo 0
\u2139 duration_ms 92.5
"""
TAP = """\
# tests 3
# suites 1
# pass 3
# fail 0
# cancelled 0
# skipped 0
# todo 0
# duration_ms 40.1
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 passed, 0 failed", (12, 0, 0)),
        ("noise\n3 passed, 1 failed, 2 skipped\n", (3, 1, 2)),
        ("conformance: 3 passed, 1 failed", (3, 1, 0)),
        ("==== 5 passed, 2 skipped in 0.12s ====", (5, 0, 2)),
        ("1 failed, 2 passed, 3 errors in 1.50s", (2, 4, 0)),
        (NODE, (2, 1, 1)),
        (TAP, (3, 0, 0)),
        (" Test Files  2 passed (2)\n      Tests  7 passed (7)\n", (7, 0, 0)),
        ("      Tests  1 failed | 7 passed | 2 skipped (10)\n", (7, 1, 2)),
        ("\x1b[2m      Tests \x1b[22m \x1b[32m7 passed\x1b[39m (7)\n", (7, 0, 0)),
        ("1 passed, 0 failed\nlater\n9 passed, 1 failed\n", (9, 1, 0)),
    ],
)
def test_the_closing_line_of_each_runner_is_read(text: str, expected: tuple[int, int, int]) -> None:
    counts = from_text(text)
    assert counts is not None
    assert (counts.passed, counts.failed, counts.skipped) == expected


@pytest.mark.parametrize(
    "text", ["", "all is well", "12 passed tests were seen", "test cases: 3 | 3 passed"]
)
def test_text_without_a_closing_line_gives_nothing(text: str) -> None:
    assert from_text(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("All tests passed (12 assertions in 3 test cases)\n", (3, 0, 0)),
        ("All tests passed (1 assertion in 1 test case)\n", (1, 0, 0)),
        ("test cases: 5 | 3 passed | 2 failed\nassertions: 9 | 7 passed | 2 failed", (3, 2, 0)),
        ("test cases: 2 | 2 failed\n", (0, 2, 0)),
        ("test cases: 4 | 3 passed | 1 skipped\n", (3, 0, 1)),
        ("skipped: a: not here\nAll tests passed (9 assertions in 3 test cases)\n", (2, 0, 1)),
        ("skipped: a: b\ntest cases: 3 | 2 passed | 1 failed\n", (1, 1, 1)),
    ],
)
def test_catch_counts_test_cases(text: str, expected: tuple[int, int, int]) -> None:
    counts = from_catch(text)
    assert counts is not None
    assert (counts.passed, counts.failed, counts.skipped) == expected


def test_each_fuzz_target_counts() -> None:
    text = (
        "fuzz_query                 1234 executions in 10 s  ok\n"
        "fuzz_utf8                  1234 executions in 10 s  FINDING\n"
    )
    assert from_fuzz(text) == Counts(1, 1, 0)
    assert from_fuzz("the fuzz targets do not build") is None


def junit(tmp_path: Path, cases: str) -> Path:
    path = tmp_path / "junit.xml"
    path.write_text(f"<testsuite>{cases}</testsuite>")
    return path


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (
            '<testcase name="unit.core" status="run"><system-out>'
            "All tests passed (4 assertions in 2 test cases)</system-out></testcase>",
            (2, 0, 0),
        ),
        ('<testcase name="smoke" status="run"><system-out/></testcase>', (1, 0, 0)),
        (
            '<testcase name="unit.core" status="fail"><failure/><system-out>'
            "test cases: 3 | 2 passed | 1 failed</system-out></testcase>",
            (2, 1, 0),
        ),
        (
            '<testcase name="crashes" status="fail"><failure/><system-out>'
            "Segmentation fault</system-out></testcase>",
            (0, 1, 0),
        ),
        (
            '<testcase name="leaks" status="fail"><failure/><system-out>'
            "All tests passed (4 assertions in 2 test cases)\nLeakSanitizer: …"
            "</system-out></testcase>",
            (2, 1, 0),
        ),
        ('<testcase name="x" status="notrun"><skipped message="no IPv6"/></testcase>', (0, 0, 1)),
        (
            '<testcase name="x" status="notrun"><skipped message="Unable to find executable: x"/>'
            "</testcase>",
            (0, 1, 0),
        ),
    ],
)
def test_ctest_executables_count_as_their_test_cases(
    tmp_path: Path, case: str, expected: tuple[int, int, int]
) -> None:
    counts = from_ctest(junit(tmp_path, case))
    assert (counts.passed, counts.failed, counts.skipped) == expected


def test_a_skip_keeps_its_reason(tmp_path: Path) -> None:
    case = '<testcase name="x" status="notrun"><skipped message="no IPv6"/></testcase>'
    assert from_ctest(junit(tmp_path, case)).reasons == ["x: no IPv6"]
    case = '<testcase name="test_y"><skipped message="needs root"/></testcase>'
    assert from_pytest(junit(tmp_path, case)).reasons == ["test_y: needs root"]


def test_pytest_errors_count_as_failures(tmp_path: Path) -> None:
    cases = (
        '<testcase name="a"/><testcase name="b"><failure/></testcase>'
        '<testcase name="c"><error/></testcase>'
    )
    counts = from_pytest(junit(tmp_path, cases))
    assert (counts.passed, counts.failed) == (1, 2)


def test_counts_add_up_and_print_as_the_closing_line() -> None:
    total = Counts(1, 2, 3, ["a"]) + Counts(10, 20, 30, ["b"])
    assert str(total) == "11 passed, 22 failed, 33 skipped"
    assert total.reasons == ["a", "b"]
    assert total.total == 66
