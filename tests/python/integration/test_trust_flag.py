"""Whose word on a client mad-api believes (`--trust`), and what it says of a wrong one."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest


def page_status(program: Path, arguments: list[str], names: dict[str, str]) -> int:
    """What a page gets whose origin is ours over TLS, as a proxy in front forwards it."""
    with subprocess.Popen(
        [program, "--listen", "0", *arguments],
        env=os.environ | names,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[2]
            request = urllib.request.Request(
                url + "/socket.io/?EIO=4&transport=polling",
                headers={
                    "Origin": url.replace("http:", "https:"),
                    "X-Forwarded-Proto": "https",
                    "X-Forwarded-For": "192.0.2.1",
                },
            )
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as refused:
                return refused.code
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("arguments", "names", "status"),
    [
        ([], {}, 200),
        (["--trust", "127.0.0.0/8"], {}, 200),
        (["--trust", "10.0.0.0/8", "--trust", "127.0.0.1"], {}, 200),
        (["--trust", "none"], {}, 403),
        (["--trust", "10.0.0.0/8"], {}, 403),
        ([], {"MAD_API_TRUST": "10.0.0.0/8,127.0.0.1"}, 200),
        ([], {"MAD_API_TRUST": "10.0.0.0/8"}, 403),
    ],
)
def test_what_a_trusted_proxy_says_decides(
    programs: dict[str, Path], arguments: list[str], names: dict[str, str], status: int
) -> None:
    assert page_status(programs["mad-api"], arguments, names) == status


def test_the_file_may_name_several(programs: dict[str, Path], tmp_path: Path) -> None:
    settings = tmp_path / "api.toml"
    settings.write_text('trust = ["10.0.0.0/8", "127.0.0.1"]\n')
    assert page_status(programs["mad-api"], ["--config", str(settings)], {}) == 200


@pytest.mark.parametrize("wrong", ["localhost", "10.0.0.0/33", "10.0.0.0/8/8", "*"])
def test_what_is_no_network_is_named(programs: dict[str, Path], wrong: str) -> None:
    process = subprocess.run(
        [programs["mad-api"], "--check", "--trust", wrong],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert process.returncode == 2
    assert f"--trust: '{wrong}' is no network" in process.stderr
