"""Counts of passed, failed and skipped tests, read from what each test runner prints."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(slots=True)
class Counts:
    """What one runner did; `reasons` says why something was skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: list[str] = field(default_factory=list)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.reasons + other.reasons,
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    @property
    def total(self) -> int:
        return self.passed + self.failed + self.skipped


def from_text(text: str) -> Counts | None:
    """Reads the closing lines of node's test runner, vitest, pytest, or a plain
    `N passed, N failed, N skipped`. The last one in the text counts; None when there is none."""
    lines = ANSI.sub("", text).splitlines()
    for index in range(len(lines) - 1, -1, -1):
        found = _plain(lines[index]) or _vitest(lines[index]) or _node(lines, index)
        if found is not None:
            return found
    return None


def from_catch(text: str) -> Counts | None:
    """Reads the closing line of a Catch2 executable: test cases, not assertions. Those that said
    `skipped: NAME: REASON` (tests/support/skip.hpp) are counted as passed there, not here."""
    reasons = re.findall(r"^skipped: (.*)$", text, re.MULTILINE)
    skips = Counts(passed=-len(reasons), skipped=len(reasons), reasons=reasons)
    all_passed = re.findall(r"^All tests passed \(.*?(\d+) test cases?\)", text, re.MULTILINE)
    if all_passed:
        return skips + Counts(passed=sum(int(n) for n in all_passed))
    counts = skips
    found = False
    for line in re.findall(r"^test cases:(.*)$", text, re.MULTILINE):
        found = True
        counts.passed += _number(line, "passed")
        counts.failed += _number(line, "failed")
        counts.skipped += _number(line, "skipped")
    return counts if found else None


def from_fuzz(text: str) -> Counts | None:
    """Reads script/fuzz: one line a target, ending in `ok` or `FINDING`."""
    results = re.findall(r"executions in \d+ s +(ok|FINDING)$", text, re.MULTILINE)
    if not results:
        return None
    return Counts(passed=results.count("ok"), failed=results.count("FINDING"))


def from_ctest(junit: Path) -> Counts:
    """Reads ctest's JUnit file. A Catch2 executable counts as its test cases, another test as
    one; an executable that failed without saying how counts as one failure more."""
    counts = Counts()
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        status = case.get("status")
        name = case.get("name", "?")
        inner = from_catch(case.findtext("system-out") or "")
        if status == "run":
            counts += inner or Counts(passed=1)
        elif status == "fail":
            if inner is None or inner.failed == 0:
                inner = (inner or Counts()) + Counts(failed=1)
            counts += inner
        elif case.find("skipped") is not None or status in {"notrun", "disabled"}:
            skipped = case.find("skipped")
            reason = (skipped.get("message") if skipped is not None else None) or status
            if reason == "SKIP_RETURN_CODE=77" or reason == "SKIP_RETURN_CODE=4":
                reason = _last_line(case.findtext("system-out") or "") or reason
            if reason and "Unable to find executable" in reason:
                counts.failed += 1
            else:
                counts += Counts(skipped=1, reasons=[f"{name}: {reason}"])
        else:
            counts.failed += 1
    return counts


def from_pytest(junit: Path) -> Counts:
    """Reads pytest's JUnit file."""
    counts = Counts()
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
        elif skipped is not None:
            reason = skipped.get("message") or "no reason given"
            counts += Counts(skipped=1, reasons=[f"{case.get('name')}: {reason}"])
        else:
            counts.passed += 1
    return counts


def _plain(line: str) -> Counts | None:
    if not re.search(r"\d+ (passed|failed|skipped)\b", line) or "test cases" in line:
        return None
    stripped = re.sub(r"^\w+: ", "", line.strip().strip("= "))
    if not re.fullmatch(r"(\d+ [a-z]+(, )?)+( in [\d.:hms() ]+)?", stripped):
        return None
    failed = _number(stripped, "failed") + _number(stripped, "errors?")
    return Counts(_number(stripped, "passed"), failed, _number(stripped, "skipped"))


def _vitest(line: str) -> Counts | None:
    match = re.match(r"^\s*Tests\s+(.*\b(?:passed|failed|skipped|todo)\b.*\(\d+\))", line)
    if not match:
        return None
    said = match.group(1)
    return Counts(_number(said, "passed"), _number(said, "failed"), _number(said, "skipped"))


def _node(lines: list[str], index: int) -> Counts | None:
    """The block `# tests 3 / # pass 3 / # fail 0 / …` (or with an info sign), from its end."""
    if not re.match(r"^[#\u2139] duration_ms ", lines[index]):
        return None
    said = dict(_node_fields(lines[max(0, index - 9) : index]))
    if "pass" not in said:
        return None
    failed = said.get("fail", 0) + said.get("cancelled", 0)
    return Counts(said["pass"], failed, said.get("skipped", 0) + said.get("todo", 0))


def _node_fields(lines: list[str]) -> Iterator[tuple[str, int]]:
    for line in lines:
        match = re.match(r"^[#\u2139] (\w+) (\d+)$", line)
        if match:
            yield match.group(1), int(match.group(2))


def _number(text: str, word: str) -> int:
    match = re.search(rf"(\d+) {word}\b", text)
    return int(match.group(1)) if match else 0


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
