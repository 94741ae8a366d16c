"""mad-api with mad-proxy before it, and healthy sessions on both while a file of tests runs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import wire
from abuse_kit import BIN, Healthy, program


@pytest.fixture(scope="session")
def ports() -> Iterator[dict[str, int]]:
    if not (BIN / "mad-api").exists():
        pytest.skip(f"no mad-api in {BIN}")
    api = ("--threads", "2", "--log-level", "error")
    with (
        program("mad-api", *api) as (_, api_port),
        program(
            "mad-proxy",
            "--upstream",
            f"http://127.0.0.1:{api_port}",
            "--threads",
            "2",
            "--log-level",
            "error",
        ) as (_, proxy_port),
    ):
        until = time.monotonic() + 20
        while (
            wire.said(proxy_port, wire.request(wire.HANDSHAKE, "Connection: close")).status != 200
        ):
            assert time.monotonic() < until, "the proxy knows no node"
            time.sleep(0.1)
        yield {"api": api_port, "proxy": proxy_port}


@pytest.fixture(scope="module", autouse=True)
def healthy(ports: dict[str, int], request: pytest.FixtureRequest) -> Iterator[None]:
    name = request.module.__name__
    sessions = [Healthy(port, f"{name}-{where}") for where, port in ports.items()]
    yield
    for one in sessions:
        one.end()


@pytest.fixture(params=["api", "proxy"])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def port(ports: dict[str, int], where: str) -> int:
    return ports[where]
