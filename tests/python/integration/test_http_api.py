"""The HTTP API of a node with a fleet: its document, its metrics, and the examples in the docs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import mad

pytestmark = pytest.mark.usefixtures("module")

ROOT = Path(__file__).resolve().parents[3]
AGENTS = 12
LIMIT = 20.0


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=LIMIT) as answer:
        return str(answer.read().decode())


@pytest.fixture(scope="module")
def url(module: None, programs: dict[str, Path]) -> Iterator[str]:
    """The API of a node that has some hosts."""
    del module
    command = [str(programs["mad-synthetic"]), "--agents", str(AGENTS), "--interval", "1s"]
    with mad.ApiServer() as node:
        base = node.url + "/api/v1"
        with subprocess.Popen([*command, "--api", node.url], stdout=subprocess.DEVNULL) as fleet:
            try:
                end = time.monotonic() + LIMIT
                while json.loads(get(base + "/summary"))["total"] < AGENTS:
                    assert time.monotonic() < end, "the hosts do not appear"
                    time.sleep(0.05)
                yield base
            finally:
                fleet.kill()


def test_every_host_is_listed_page_by_page(url: str) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page: dict[str, Any] = json.loads(get(f"{url}/clients?limit=5&sort=-cpu{cursor}"))
        seen += [client["id"] for client in page["clients"]]
        assert page["total"] == AGENTS
        cursor = f"&cursor={page['next']}" if page["next"] else None
        assert len(seen) <= 2 * AGENTS
    # Values change between pages, so a host may be met twice, or be past; ids do not.
    page = json.loads(get(f"{url}/clients?limit=10000"))
    assert {client["id"] for client in page["clients"]} >= set(seen)
    assert len(page["clients"]) == AGENTS


def test_a_host_has_its_record_and_its_history(url: str) -> None:
    host = json.loads(get(url + "/clients?limit=1"))["clients"][0]["id"]
    one = json.loads(get(f"{url}/clients/{host}"))
    assert one["record"]["id"] == host
    assert one["v"] == 2
    history = json.loads(get(f"{url}/clients/{host}/history"))
    assert history["cols"] == ["storage", "network", "cpu", "mem", "load", "psi"]
    lines = get(f"{url}/clients/{host}/history?format=csv").splitlines()
    assert lines[0].startswith("time_ms,storage")
    assert len(lines) > 1


def families_of(text: str) -> dict[str, Any]:
    """By name; an error where Prometheus would have one."""
    read: Any = text_string_to_metric_families
    return {family.name: family for family in read(text)}


def test_gauges_are_read_by_the_parser_of_openmetrics(url: str) -> None:
    families = families_of(get(url + "/metrics"))
    hosts = families["mad_fleet_hosts"].samples
    assert {s.labels["state"] for s in hosts} == {"ok", "warn", "crit", "stale", "offline"}
    assert sum(s.value for s in hosts) == AGENTS
    busy = families["mad_host_cpu_busy_ratio"].samples
    assert len({s.labels["id"] for s in busy}) == len(busy) > 0
    assert all(0 <= s.value <= 1 for s in busy)
    assert families_of(get(url + "/metrics?hosts=own")).keys() == families.keys()


def test_an_error_is_json(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(url + "/clients?limit=0")
    with caught.value as answer:
        assert answer.code == 400
        assert json.loads(answer.read())["error"]["code"] == "bad_request"


def test_the_examples_in_the_docs_work(url: str, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl here")
    text = (ROOT / "docs/http-api.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 6
    for example in examples:
        code = example.replace("http://127.0.0.1:3000/api/v1", url)
        done = subprocess.run(
            ["/bin/sh", "-euc", code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )
        assert done.returncode == 0, example + done.stderr


CONFIGURATION = """
[checks.positive_data_acceptance]
# 422: each part is as the document says, the whole makes no sense (a search that is none).
expected-statuses = ["2xx", "404", "409", "422"]
[checks.negative_data_rejection]
# 414: what is too long for a URL at all.
expected-statuses = ["400", "404", "405", "406", "413", "414", "415", "422"]
"""


def test_what_is_served_is_what_the_document_says(url: str, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", url + "/openapi.json"),
            *("--checks", "all", "--seed", "1", "--max-time", "30", "--max-examples", "40"),
            *("--continue-on-failure", "--warnings", "off"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert "No issues found" in done.stdout, done.stdout[-4_000:]
