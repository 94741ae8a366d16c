"""How often AWS is asked: a run that changes nothing asks as often for 50 machines as for 5."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mad.deploy import operations
from mad.deploy.cloud import wait
from mad.deploy.cloud.session import Aws
from mad.deploy.operations import Target
from mad.deploy.stack.load import parse

if TYPE_CHECKING:
    from aws_local import Server

AT_MOST = 20


def calls_of_up(api: int, more: str = "") -> int:
    text = f'name = "calls"\nregion = "eu-west-2"\n{more}\n[api]\ncount = {api}\n'
    stack = parse(text + "[client]\ncount = 1\n[web]\ncount = 1\n", Path("mad.toml"))
    given = Target(stack, Aws("eu-west-2"))
    result = operations.up(given, lambda _event: None, lambda _looked: True)
    assert result.ok, result.outcome
    return len(given.aws.calls)


@pytest.mark.parametrize(("machines", "first_at_most"), [(5, 150), (50, 900)])
def test_a_run_that_changes_nothing_asks_at_most_twenty_times(
    aws_local: Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    machines: int,
    first_at_most: int,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(wait, "FIRST_S", 0.01)
    aws_local.grant(vcpus=256)
    first = calls_of_up(machines - 3)
    second = calls_of_up(machines - 3)
    print(f"{machines} machines: {first} calls at first, {second} when nothing is to be done")
    assert second <= AT_MOST
    assert first <= first_at_most
    assert len(aws_local.calls) >= first
