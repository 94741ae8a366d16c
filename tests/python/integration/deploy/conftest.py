"""A strict AWS on loopback, empty at the start of each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aws_local import Server


@pytest.fixture(scope="session")
def _aws_local() -> Iterator[Server]:
    pytest.importorskip("moto")
    from aws_local import Server

    with Server() as server:
        yield server


@pytest.fixture
def strict_aws(_aws_local: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """`url` is its address, `calls` what was asked of it, `fail` tells it to refuse. What is made
    is not found at once, and is neither there nor gone at once."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", _aws_local.url)
    _aws_local.reset()
    return _aws_local


@pytest.fixture
def aws_local(strict_aws: Server) -> Server:
    """The same without waiting, for tests that make things by hand."""
    from aws_local.world import world

    world.unseen = world.steps = 0
    return strict_aws
