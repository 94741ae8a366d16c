"""The search of `mad top`, by the rows that nodes and the page pass as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mad import _search

CASES = json.loads(
    (Path(__file__).parents[2] / "data" / "search" / "cases.json").read_text(encoding="utf-8")
)


def host(case: dict[str, Any]) -> dict[str, Any]:
    return case | {"flags": sum(_search.FLAGS[flag] for flag in case["flags"])}


@pytest.mark.parametrize("case", CASES["matches"], ids=lambda case: case["search"])
def test_what_a_search_finds(case: dict[str, Any]) -> None:
    search = _search.parse(case["search"])
    assert [one["id"] for one in CASES["hosts"] if search.matches(host(one))] == case["ids"]


@pytest.mark.parametrize("case", CASES["errors"], ids=lambda case: case["search"])
def test_mistakes_have_a_kind_and_a_place(case: dict[str, Any]) -> None:
    with pytest.raises(_search.SearchError) as caught:
        _search.parse(case["search"])
    assert (caught.value.name, caught.value.at) == (case["error"], case["at"])
