"""`mad proxy top`: what is asked where, and what is shown of the answers."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from mad._admin import AdminAddress, parse_admin
from mad._upstream import Pool, Upstream
from mad.cli.proxy_table import Reading, rate, rows, size, table, total

ONE = Upstream("a", "http://10.0.0.5:3000", "up", tunnels=3, polling_sessions=1, requests=100)
OTHER = Upstream("b", "http://10.0.0.6:3000", "down", connect_failures=2, late_answers=1)


def reading(when: float, *upstreams: Upstream) -> Reading:
    return Reading(when, Pool(list(upstreams)))


@pytest.mark.parametrize(
    ("text", "expected", "shown"),
    [
        ("unix:/run/mad/a.sock", AdminAddress(path="/run/mad/a.sock"), "unix:/run/mad/a.sock"),
        ("./a.sock", AdminAddress(path="./a.sock"), "unix:./a.sock"),
        ("9000", AdminAddress(host="127.0.0.1", port=9000), "127.0.0.1:9000"),
        ("localhost:9000", AdminAddress(host="127.0.0.1", port=9000), "127.0.0.1:9000"),
        ("http://127.0.0.1:9000/", AdminAddress(host="127.0.0.1", port=9000), "127.0.0.1:9000"),
        ("[::1]:9000", AdminAddress(host="::1", port=9000), "[::1]:9000"),
    ],
)
def test_an_admin_address_is_a_socket_or_a_port(
    text: str, expected: AdminAddress, shown: str
) -> None:
    assert parse_admin(text) == expected
    assert str(expected) == shown


@pytest.mark.parametrize("text", ["", "unix:", "0", "x", "localhost", "::1:80"])
def test_other_texts_are_no_admin_address(text: str) -> None:
    with pytest.raises(ValueError):
        parse_admin(text)


def test_an_upstream_is_read_from_what_this_version_knows() -> None:
    told = {"name": "a", "url": "http://x:1", "state": "up", "tunnels": 3, "mood": "good"}
    assert Upstream.read(told) == Upstream("a", "http://x:1", "up", tunnels=3)


@pytest.mark.parametrize(
    "told",
    [
        {"url": "http://x:1", "state": "up"},
        {"name": 3, "url": "http://x:1", "state": "up"},
        {"name": "a", "url": "http://x:1", "state": "up", "tunnels": "3"},
        {"name": "a", "url": "http://x:1", "state": "up", "tunnels": True},
    ],
)
def test_what_is_no_upstream_is_refused(told: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Upstream.read(told)


def test_sessions_and_errors_are_sums() -> None:
    assert (ONE.sessions, ONE.errors) == (4, 0)
    assert (OTHER.sessions, OTHER.errors) == (0, 3)


def test_rates_are_the_difference_over_the_time_between() -> None:
    later = replace(ONE, requests=150, handshakes=5, bytes_in=2000, bytes_out=9000)
    (row,) = rows(reading(10, ONE), reading(12, later))
    assert (row.requests_s, row.handshakes_s) == (25, 2.5)
    assert (row.bytes_in_s, row.bytes_out_s) == (1000, 4500)


@pytest.mark.parametrize(
    "old",
    [None, reading(10), reading(10, replace(ONE, requests=900)), reading(12, ONE)],
    ids=["first", "new upstream", "new process", "no time"],
)
def test_without_two_readings_of_one_run_there_is_no_rate(old: Reading | None) -> None:
    (row,) = rows(old, reading(12, ONE))
    assert row.requests_s == 0


def test_the_sum_has_all() -> None:
    both = total(rows(None, reading(0, ONE, OTHER)))
    assert (both.sessions, both.tunnels, both.polling_sessions, both.errors) == (4, 3, 1, 3)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 B"), (999.4, "999 B"), (999.6, "1.0 kB"), (99_499, "99.5 kB"), (2.5e7, "25.0 MB")],
)
def test_sizes_are_short(value: float, shown: str) -> None:
    assert size(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(0, "0.0"), (9.94, "9.9"), (1234.5, "1,234")])
def test_rates_are_short(value: float, shown: str) -> None:
    assert rate(value) == shown


def lines(*upstreams: Upstream, width: int = 120) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table(rows(None, reading(0, *upstreams)), width=width))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_the_table_has_a_line_for_each_and_one_for_all() -> None:
    heading, one, other, both = lines(ONE, OTHER)
    assert heading.split()[:5] == ["UPSTREAM", "STATE", "SESSIONS", "TUNNELS", "POLLING"]
    assert one.split()[:5] == ["a", "up", "4", "3", "1"]
    assert other.split()[:2] == ["b", "down"]
    assert both.split()[:4] == ["all", "4", "3", "1"]
    assert one.split()[-1] == "http://10.0.0.5:3000"


def test_a_line_never_breaks_in_a_narrow_terminal() -> None:
    shown = lines(ONE, replace(OTHER, state="slow_start", bytes_in=10**12), width=80)
    assert len(shown) == 4
    assert "…" not in "".join(shown)
    assert "URL" not in shown[0]


def test_one_upstream_needs_no_sum() -> None:
    assert len(lines(ONE)) == 2
