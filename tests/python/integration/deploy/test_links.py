"""A link that signs somebody in, made by the real program."""

from __future__ import annotations

import io
import json
import select
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mad.deploy.remote import main
from mad.deploy.remote.places import Places

ADMIN = "admin-token-0123456789abcdef"
TOKENS = f'[[token]]\nname = "admin"\nrole = "admin"\ntoken = "{ADMIN}"\n'
LIMIT_S = 20.0


@contextmanager
def node(program: Path, *arguments: str) -> Iterator[str]:
    """Its address."""
    words = [str(program), "--listen", "127.0.0.1:0", *arguments]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        with process.stdout:
            assert select.select([process.stdout], [], [], LIMIT_S)[0]
            yield process.stdout.readline().decode().split()[2]
    finally:
        process.terminate()
        process.wait(LIMIT_S)


def asked(root: Path, url: str, token: str | None) -> dict[str, Any]:
    out = io.StringIO()
    request = {
        "op": "link",
        "port": urlsplit(url).port,
        "token": token,
        "wanted": {"role": "viewer", "expires_in": 600},
    }
    main.run(request, io.BytesIO(), out, places=Places(str(root)))
    said: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return said


def session(url: str, token: str) -> dict[str, Any]:
    """Who somebody is who shows it."""
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{url}/api/v1/session", headers=headers)
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        read: dict[str, Any] = json.load(answer)
    return read


def test_the_token_of_a_link_signs_a_viewer_in(programs: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text(TOKENS)
    file.chmod(0o600)
    with node(programs["mad-api"], "--tokens", str(file)) as url:
        done = asked(tmp_path, url, ADMIN)["done"]
        who = session(url, done["token"])
        assert (who["role"], who["expires"]) == ("viewer", done["expires"])
        refused = asked(tmp_path, url, "admin-token-of-another-stack")["error"]
        assert "401" in refused["sentence"]
        assert "another-stack" not in json.dumps(refused)


def test_a_node_that_serves_everybody_makes_links_on_its_own_host(
    programs: dict[str, Path], tmp_path: Path
) -> None:
    with node(programs["mad-api"], "--anonymous") as url:
        done = asked(tmp_path, url, None)["done"]
        assert session(url, done["token"])["role"] == "viewer"


def test_nobody_at_the_port_is_no_link(tmp_path: Path) -> None:
    assert "no API node" in asked(tmp_path, "http://127.0.0.1:1", None)["error"]["sentence"]
