"""The pictures of `mad top`, as text."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from mad._fleet import COLUMNS, Change
from mad.cli import top_view


def host(name: str, state: str = "ok", **values: Any) -> dict[str, Any]:
    some = dict.fromkeys(COLUMNS) | {"flags": 0, "tags": [], "seen": 0}
    return some | {"id": name, "state": state} | values


def text(what: Any, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(what)
    return captured.get()


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("sort", "descending", "order"),
    [
        ("id", False, ["web-2", "web-9", "web-10"]),
        ("id", True, ["web-10", "web-9", "web-2"]),
        ("cpu", True, ["web-10", "web-2", "web-9"]),
        ("cpu", False, ["web-2", "web-10", "web-9"]),
        ("state", True, ["web-2", "web-9", "web-10"]),
    ],
)
def test_order_is_as_people_count_and_the_unknown_comes_last(
    sort: str, descending: bool, order: list[str]
) -> None:
    rows = [host("web-10", cpu=50), host("web-9", "warn"), host("web-2", "crit", cpu=1)]
    assert names(top_view.arranged(rows, sort, descending=descending)) == order


def test_state_is_a_shape_and_a_word_and_says_why() -> None:
    row = host("db-1", "crit", rule="cpu", value=97.1, limit=95, flags=3, cpu=97.1)
    shown = text(top_view.table([row], width=160, now_ms=0))
    assert "■ crit dup muted" in shown
    assert "cpu 97.1 (limit 95)" in shown
    assert "97.1" in shown


def test_a_narrow_terminal_keeps_state_host_cpu_and_memory() -> None:
    shown = text(top_view.table([host("db-1", cpu=3, mem=4)], width=40, now_ms=0), 40)
    assert shown.splitlines()[0].split() == ["state", "host", "▲", "cpu", "%", "mem", "%"]
    assert "3.0" in shown


def test_silent_hosts_say_since_when() -> None:
    row = host("db-1", "stale", seen=1_000)
    assert " 9s " in text(top_view.table([row], width=160, now_ms=10_000))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b[31mb", "a\\u001b[31mb"),
        ("\u202eevil", "\\u202eevil"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_text_of_others_is_harmless(said: str, shown: str) -> None:
    assert top_view.safe(said) == shown


def test_names_are_no_markup() -> None:
    row = host("[red]db[/red]", tags=["[bold]"])
    shown = text(top_view.table([row], width=160, now_ms=0))
    assert "[red]db[/red]" in shown
    assert "[bold]" in shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (59, "59s"), (61, "1m 1s"), (7260, "2h 1m"), (200_000, "2d 7h"), (None, "\u2013")],
)
def test_spans(seconds: float | None, said: str) -> None:
    assert top_view.span(seconds) == said


def test_gaps_stay_gaps_in_sparks() -> None:
    assert top_view.spark([0, None, 50, 100], 4, 100) == "▁ ▄█"
    assert top_view.spark([None, None], 4) == ""
    assert top_view.spark([1, 2, 3], 2) == "▅█"


def test_counters_name_what_is_there() -> None:
    said = top_view.counters({"ok": 3, "crit": 1}, 2, 4).plain
    assert said == "4 hosts  ● 3 ok  ■ 1 crit  (2 shown)"


def test_details_show_facts_charts_and_what_happened() -> None:
    record = {
        "info": {"os": "Debian 12", "cpus": 4},
        "health": {
            "cpu": {"cores": [10, 90]},
            "mem": {"total": 2**34, "avail": 2**33},
            "disk": [{"m": "/", "pct": 37.4, "size": 2**40}, "wrong"],
            "net": {"ifs": [{"n": "eth0", "rx": 2048, "tx": 10}]},
        },
    }
    history = {"cols": ["cpu", "mem"], "native": [[10, 1], [None, 2], [80, 3]]}
    log = [
        Change("db-1", "ok", "crit", "cpu", 97, 95, 0),
        Change("db-2", "ok", "warn", "mem", 90, 85, 0),
    ]
    shown = text(
        top_view.details(host("db-1", cpu=97), record, history, log, width=120, now_ms=0), 120
    )
    for part in ("Debian 12", "8.0 GiB of 16.0 GiB free", "37.4 % of 1.0 TiB", "in 2.0 KiB/s"):
        assert part in shown
    assert "▁ ▆" in shown
    assert "ok → crit" in shown
    assert "db-2" not in shown


@pytest.mark.parametrize("record", [None, 7, {"info": 1, "health": [2]}, {"health": {"disk": 3}}])
def test_details_of_records_that_are_none(record: Any) -> None:
    assert "db-1" in text(
        top_view.details(host("db-1"), record, "history", [], width=120, now_ms=0)
    )
