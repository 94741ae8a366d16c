"""Logs of several hosts as one."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from mad.cli.deploy import logs
from mad.deploy.hosts import journals
from mad.deploy.hosts.journals import Entry, Ordered, Wanted
from mad.deploy.hosts.model import Host
from mad.deploy.operations import OperationError
from mad.deploy.stack.settings import Role

API = Host("api-0", Role.API, "10.0.0.1", "10.0.0.1", "admin")
OTHER = Host("api-1", Role.API, "10.0.0.2", "10.0.0.2", "admin")
NOW = 1_790_000_000.0
EVENT = '{"ts":"2026-10-16T12:00:00Z","level":"warn","event":"proxy.late","upstream":"a b","n":3}'


def line(**fields: object) -> str:
    given: dict[str, object] = {
        "__REALTIME_TIMESTAMP": "1790000000250000",
        "__CURSOR": "s=1;i=2",
        "MESSAGE": "hello",
        "PRIORITY": "6",
        "_SYSTEMD_UNIT": "mad-api@3.service",
    }
    return json.dumps({name: value for name, value in (given | fields).items() if value != ""})


def test_a_line_of_a_journal() -> None:
    assert journals.parsed(API, line(), docker=False) == Entry(
        API, 1_790_000_000.25, "hello", "mad-api@3.service", 6, "s=1;i=2"
    )


@pytest.mark.parametrize(
    ("fields", "text", "unit"),
    [
        ({"MESSAGE": [104, 255, 105]}, "h\ufffdi", "mad-api@3.service"),
        ({"MESSAGE": None}, "", "mad-api@3.service"),
        ({"UNIT": "mad-api.socket", "_SYSTEMD_UNIT": "init.scope"}, "hello", "mad-api.socket"),
        ({"PRIORITY": "", "_SYSTEMD_UNIT": ""}, "hello", ""),
    ],
)
def test_a_line_of_a_journal_that_is_unusual(
    fields: dict[str, object], text: str, unit: str
) -> None:
    entry = journals.parsed(API, line(**fields), docker=False)
    assert entry is not None
    assert (entry.text, entry.unit) == (text, unit)


@pytest.mark.parametrize("text", ["", "-- No entries --", "[]", "{}", '"x"', "2026-10-16T12:00Z x"])
def test_what_is_no_line_of_a_log_is_left_out(text: str) -> None:
    assert journals.parsed(API, text, docker=False) is None
    assert journals.parsed(API, text, docker=True) is None


def test_a_line_of_a_container() -> None:
    entry = journals.parsed(API, "2026-09-21T13:33:20.250000000Z hello  there", docker=True)
    assert entry is not None
    assert (entry.at, entry.text, entry.unit) == (1_789_997_600.25, "hello  there", "mad-api")
    assert entry.mark == "2026-09-21T13:33:20.250000000Z"


def test_the_journal_is_read_from_where_it_was_read_to() -> None:
    first = journals.argv(API, Wanted(50), follow=False)
    assert first[:3] == ["sudo", "-n", "journalctl"]
    assert {"--unit=mad-api@*", "--unit=mad-api.socket", "--lines=50"} <= set(first)
    assert "--follow" not in first
    since = journals.argv(API, Wanted(None, NOW), follow=False)
    assert {"--lines=all", "--since=@1790000000"} <= set(since)
    entry = Entry(API, NOW, "x", mark="s=1;i=2")
    further = journals.argv(API, Wanted(50, NOW), entry, follow=True)
    assert {"--follow", "--after-cursor=s=1;i=2", "--lines=all"} <= set(further)
    assert not any(word.startswith("--since") for word in further)
    assert "--lines=0" in journals.argv(API, Wanted(50), follow=True)


def test_containers_are_found_by_their_role() -> None:
    words = journals.argv(API, Wanted(50, docker=True), follow=False)
    assert words[:4] == ["sudo", "-n", "sh", "-c"]
    assert "label=mad.role=api)" in words[4]
    assert "--tail 50" in words[4]
    assert "--follow" not in words[4]
    entry = Entry(API, NOW, "x", mark="2026-09-21T13:33:20.25Z")
    further = journals.argv(API, Wanted(50, docker=True), entry, follow=True)[4]
    assert "--follow --since 2026-09-21T13:33:20.25Z" in further
    assert further.endswith("& done; wait")


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("30s", NOW - 30),
        ("10m", NOW - 600),
        ("2h", NOW - 7200),
        ("1d", NOW - 86400),
        ("2026-10-16T12:00:00+02:00", 1_792_144_800.0),
        ("2026-10-16 12:00", datetime(2026, 10, 16, 12).timestamp()),
    ],
)
def test_since_when(text: str, since: float) -> None:
    assert journals.since_of(text, NOW) == since


@pytest.mark.parametrize("text", ["", "ten minutes", "10", "10w", "-5m", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(OperationError, match="is no time"):
        journals.since_of(text, NOW)


def test_what_was_read_is_in_the_order_of_time() -> None:
    first = [Entry(API, NOW + 1, "b"), Entry(API, NOW + 3, "d"), Entry(API, NOW + 3, "e")]
    second = [Entry(OTHER, NOW, "a"), Entry(OTHER, NOW + 2, "c")]
    assert [one.text for one in journals.merged([*first, *second])] == list("abcde")


def test_a_line_waits_for_older_ones_of_another_host() -> None:
    ordered = Ordered(hold_s=0.5)
    ordered.push(Entry(API, NOW + 2, "late"), 10.0)
    assert ordered.due(10.4) == []
    ordered.push(Entry(OTHER, NOW + 1, "early"), 10.4)
    ordered.push(Entry(OTHER, NOW + 3, "next"), 10.4)
    assert [one.text for one in ordered.due(10.5)] == ["early", "late"]
    assert [one.text for one in ordered.due(10.9)] == ["next"]
    assert ordered.held == []


def test_an_event_is_shown_as_a_sentence() -> None:
    entry = Entry(API, NOW, EVENT, "mad-api@3.service", 6)
    assert logs.sentence(entry) == 'proxy.late upstream="a b" n=3'
    assert entry.level == 4
    assert logs.document(entry)["fields"]["n"] == 3
    assert logs.document(entry)["at"] == "2026-09-21T14:13:20.000000Z"


@pytest.mark.parametrize("text", ['{"level":"warn"}', "{not json", "[1]", "plain"])
def test_what_is_no_event_is_shown_as_it_is(text: str) -> None:
    entry = Entry(API, NOW, text, priority=5)
    assert logs.sentence(entry) == text
    assert (entry.fields, entry.level) == (None, 5)


def test_what_a_program_says_moves_no_cursor() -> None:
    assert logs.sentence(Entry(API, NOW, "a\x1b[2Jb\rc\n")) == "a [2Jb c"


def test_the_time_has_a_date_when_that_is_another() -> None:
    today = datetime(2026, 10, 16, 12, 0, 1, 250_000).timestamp()
    assert logs.clock(today, today + 60) == "12:00:01.250"
    assert logs.clock(today, today + 86400) == "2026-10-16 12:00:01.250"
