"""The fleet as `mad top` knows it, from the events of nodes of any age."""

from __future__ import annotations

from typing import Any

import pytest

from mad._fleet import COLUMNS, Fleet, row_of_record

HEALTH = {
    "storage": 37.4,
    "network": 1.8,
    "cpu": {"pct": 12.3},
    "mem": {"pct": 25.8},
    "load": [0.4, 0.5, 0.6],
    "psi": {"cpu": [0.4], "mem": [1.0, 0.2], "io": [1.0, 9.0]},
    "up": 100,
}
RECORD = {
    "id": "web-1",
    "v": 2,
    "info": {"host": "web-1.lan", "region": "eu", "tags": ["prod", 7]},
    "health": HEALTH,
    "socketID": "x",
}


def snapshot(*rows: list[Any], last: bool = True, cols: tuple[str, ...] = COLUMNS) -> Any:
    return {"cols": list(cols), "rows": list(rows), "cursor": "a.1", "last": last}


def row(host: str, state: str = "ok", **values: Any) -> list[Any]:
    some = {"id": host, "state": state, "flags": 0, "tags": []} | values
    return [some.get(column) for column in COLUMNS]


def test_chunks_replace_all_that_was_known_with_the_last_one() -> None:
    fleet = Fleet()
    fleet.on_snapshot(snapshot(row("old")))
    fleet.on_snapshot(snapshot(row("a"), last=False))
    assert list(fleet.hosts) == ["old"]
    fleet.on_snapshot(snapshot(row("b", "crit")))
    assert sorted(fleet.hosts) == ["a", "b"]
    assert fleet.counts() == {"ok": 1, "crit": 1}
    assert fleet.cursor == "a.1"


def test_a_list_that_was_cut_off_leaves_nothing_behind() -> None:
    fleet = Fleet()
    fleet.on_snapshot(snapshot(row("gone meanwhile"), last=False))
    fleet.on_snapshot(snapshot(row("a")) | {"cursor": "a.2"})
    assert list(fleet.hosts) == ["a"]


def test_columns_are_those_that_the_node_names() -> None:
    fleet = Fleet()
    fleet.on_snapshot(snapshot(["warn", "a", 1], cols=("state", "id", "new")))
    assert fleet.hosts["a"]["state"] == "warn"
    assert fleet.hosts["a"]["cpu"] is None


def test_a_delta_changes_rows_and_takes_those_that_have_gone() -> None:
    fleet = Fleet()
    fleet.on_snapshot(snapshot(row("a"), row("b")))
    fleet.on_delta({"rows": [row("a", "warn", cpu=90)], "gone": ["b", "c"], "cursor": "a.2"})
    assert list(fleet.hosts) == ["a"]
    assert (fleet.hosts["a"]["state"], fleet.hosts["a"]["cpu"]) == ("warn", 90)
    assert fleet.cursor == "a.2"


def test_changes_of_state_are_kept_newest_first() -> None:
    fleet = Fleet()
    for at, state in enumerate(("warn", "crit")):
        fleet.on_state({"id": "a", "from": "ok", "to": state, "rule": "cpu", "since": at})
    assert [change.new for change in fleet.log] == ["crit", "warn"]
    assert fleet.log[0].value is None


def test_records_of_nodes_of_the_original_make_rows() -> None:
    fleet = Fleet(wall=lambda: 5)
    fleet.on_list([RECORD, {"health": {}}, 7])
    assert list(fleet.hosts) == ["web-1"]
    fleet.on_update({"id": 12, "health": {"storage": 99, "network": True}})
    old = fleet.hosts["12"]
    assert (old["storage"], old["network"], old["v"], old["seen"]) == (99, None, 1, 5000)
    fleet.on_gone("web-1")
    assert list(fleet.hosts) == ["12"]


def test_beside_version_2_old_events_are_records_of_hosts_that_are_watched() -> None:
    fleet = Fleet()
    fleet.on_snapshot(snapshot(row("web-1", "crit")))
    fleet.watched["web-1"] = None
    fleet.on_update(RECORD)
    fleet.on_update(RECORD | {"id": "other"})
    fleet.on_gone("web-1")
    assert fleet.watched == {"web-1": RECORD}
    assert [host["state"] for host in fleet.hosts.values()] == ["crit"]


@pytest.mark.parametrize(
    ("record", "column", "value"),
    [
        (RECORD, "name", "web-1.lan"),
        (RECORD, "tags", ["prod"]),
        (RECORD, "psi", 9.0),
        (RECORD, "load", 0.4),
        (RECORD, "state", "ok"),
        (RECORD | {"state": {"s": "crit", "rule": "cpu", "value": 99, "limit": 95}}, "rule", "cpu"),
        (RECORD | {"state": {"s": "evil"}}, "state", "ok"),
        ({"id": "a", "health": []}, "cpu", None),
        ({"id": "a", "health": {"load": "high"}}, "load", None),
    ],
)
def test_a_record_as_a_row(record: Any, column: str, value: Any) -> None:
    made = row_of_record(record, 1)
    assert made is not None
    assert made[column] == value
