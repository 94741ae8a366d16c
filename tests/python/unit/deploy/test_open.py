"""The console, and links that sign somebody in to it."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_host import FakeHost
from plan_kit import stack
from typer.testing import CliRunner

from mad.cli.deploy import common
from mad.cli.deploy.app import app
from mad.deploy.cloud.session import Aws
from mad.deploy.hosts import links, visit
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.hosts.secrets import Secrets
from mad.deploy.hosts.wiring import Wiring
from mad.deploy.operations import OperationError, Target
from mad.deploy.rollout import operations as rollout
from mad.deploy.stack.settings import Access, Role
from mad.deploy.status import Outputs, Status

ADMIN = "an-admin-token-that-nobody-may-see"
VIEW = "view.token/with+signs"
URL = "http://198.51.100.7/#view=view.token%2Fwith%2Bsigns"
OUTPUTS = Outputs("http://198.51.100.6/", "http://198.51.100.7/")


class Node:
    """An API node on loopback that makes links for who shows `token`."""

    def __init__(self, token: str | None) -> None:
        node = self
        self.asked: list[dict[str, Any]] = []
        self.answer: tuple[int, bytes] | None = None

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shown = self.headers.get("Authorization")
                node.asked.append({"path": self.path, "body": json.loads(body), "shown": shown})
                made = {"token": VIEW, "expires": "2026-10-16T13:00:00Z", "role": "viewer"}
                refused = {"error": {"code": "token_unknown", "message": "nobody has this token"}}
                good = shown == (f"Bearer {token}" if token else None)
                status, text = node.answer or (
                    201 if good else 401,
                    json.dumps(made if good else refused).encode(),
                )
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_args: object) -> None:
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Place:
    """A stack of two api hosts, of which the second one answers alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, host: FakeHost, node: Node) -> None:
        self.host, self.node = host, node
        self.opened: list[str] = []
        self.browser = True
        self.wiring = Wiring(stack(), (), OUTPUTS, Secrets({"token-admin": ADMIN}))
        self.outputs = OUTPUTS
        self.calls: list[str] = []
        hosts = tuple(Host(f"api-{n}", Role.API, "10.0.0.1", "10.0.0.1", "admin") for n in range(2))
        target = Target(stack(), Aws("eu-west-2"))

        @contextmanager
        def way(_seen: visit.Seen) -> Iterator[Place]:
            yield self

        def see(_given: Target) -> visit.Seen:
            return visit.Seen(target, Status("shop", "eu", "1", self.outputs, (), ()), hosts)

        def browse(url: str) -> bool:
            self.opened.append(url)
            return self.browser

        monkeypatch.setattr(links, "API_PORT", node.server.server_address[1])
        monkeypatch.setattr(links, "way", way)
        monkeypatch.setattr(visit, "see", see)
        monkeypatch.setattr(common, "connect", lambda *_given: target)
        monkeypatch.setattr(rollout, "wiring_of", lambda *_given: self.wiring)
        monkeypatch.setattr("webbrowser.open", browse)

    def call(self, host: Host, request: dict[str, Any], **_how: Any) -> dict[str, Any]:
        self.calls.append(host.name)
        if host.name == "api-0":
            raise HostError(host.name, "unreachable", "it does not answer", "check that it runs")
        done = self.host.ask(**request)
        if "error" in done:
            raise HostError(host.name, **done["error"])
        return done


@pytest.fixture
def node() -> Iterator[Node]:
    made = Node(ADMIN)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: Node) -> Place:
    return Place(monkeypatch, FakeHost(tmp_path, monkeypatch), node)


def typed(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["open", *words])
    return done.exit_code, done.stdout, done.stderr


def test_the_console_is_opened_and_its_address_said(place: Place) -> None:
    assert typed() == (0, "http://198.51.100.7/\n", "")
    assert place.opened == ["http://198.51.100.7/"]
    assert place.calls == [], "no host is asked"


def test_its_address_alone_is_printed(place: Place) -> None:
    assert typed("--print") == (0, "http://198.51.100.7/\n", "")
    code, said, _ = typed("--print", "--json")
    assert (code, json.loads(said)) == (0, {"console": "http://198.51.100.7/", "opened": False})
    assert place.opened == []


def test_a_link_is_asked_of_the_first_node_that_answers_and_goes_to_the_browser_alone(
    place: Place,
) -> None:
    code, said, wrong = typed("--role", "viewer")
    assert (code, said, wrong) == (0, "http://198.51.100.7/\n", "")
    assert place.opened == [URL]
    assert place.calls == ["api-0", "api-1"]
    (asked,) = place.node.asked
    assert asked["path"] == "/api/v1/links"
    assert asked["body"] == {"role": "viewer", "expires_in": 3600}
    code, said, _ = typed("--role", "viewer", "--json")
    assert VIEW not in said
    assert "view" not in json.loads(said)
    assert json.loads(said)["expires"] == "2026-10-16T13:00:00Z"


def test_a_link_is_printed_when_that_is_asked_for(place: Place) -> None:
    assert typed("--role", "viewer", "--for", "8h", "--print") == (0, f"{URL}\n", "")
    assert place.node.asked[0]["body"]["expires_in"] == 8 * 3600
    assert json.loads(typed("--role", "viewer", "--print", "--json")[1])["link"] == URL
    assert place.opened == []


def test_without_a_browser_the_link_stays_secret(place: Place) -> None:
    place.browser = False
    code, said, wrong = typed("--role", "viewer")
    assert code == 1
    assert "give --print" in wrong
    assert VIEW not in said + wrong
    assert typed()[0] == 0, "an address is no secret"


@pytest.mark.parametrize("role", ["admin", "operator", "agent"])
def test_nobody_but_viewers_signs_in_by_a_link(place: Place, role: str) -> None:
    code, _, said = typed("--role", role)
    assert code == 1
    assert f"no link for the role {role}" in said
    assert place.node.asked == []


@pytest.mark.parametrize("lasts", ["59s", "367d", "tomorrow", "", "h", "1.5h"])
def test_a_time_that_no_link_can_last_is_refused(place: Place, lasts: str) -> None:
    del place
    code, _, said = typed("--role", "viewer", "--for", lasts)
    assert (code, f"'{lasts}'" in said) == (1, True)


def test_a_stack_without_a_console_says_so(place: Place) -> None:
    place.outputs = replace(OUTPUTS, web_url=None)
    code, _, said = typed()
    assert (code, "nothing of the stack serves the console" in said) == (1, True)


def test_what_a_node_refuses_is_told_without_the_token(place: Place, node: Node) -> None:
    place.wiring = replace(place.wiring, secrets=Secrets({"token-admin": "another-token-of-old"}))
    error = refusal(place)
    assert "401: nobody has this token" in error.sentence
    assert "another-token" not in error.sentence + error.remedy
    node.answer = (500, b"<html>")
    assert "the node makes no link (500)" in refusal(place).sentence
    node.answer = (200, b'["no object"]')
    assert "the node makes no link (200)" in refusal(place).sentence


def refusal(place: Place) -> HostError:
    request = {
        "op": "link",
        "port": place.node.server.server_address[1],
        "wanted": {"role": "viewer"},
    }
    request["token"] = links.admin_token(place.wiring)
    host = Host("api-1", Role.API, "10.0.0.1", "10.0.0.1", "admin")
    with pytest.raises(HostError) as raised:
        place.call(host, request)
    return raised.value


def test_a_host_without_a_node_says_so(place: Place, node: Node) -> None:
    node.server.server_close()
    node.server.shutdown()
    assert "no API node answers on this host" in refusal(place).sentence


def test_without_tokens_a_node_needs_none_on_its_own_host(place: Place) -> None:
    open_stack = replace(stack(), access=Access(anonymous=True))
    assert links.admin_token(replace(place.wiring, stack=open_stack)) is None


def test_an_admin_of_the_user_s_own_file_is_shown(place: Place) -> None:
    digest = '[[token]]\nrole = "admin"\nsha256 = "00"\n'
    viewer = '[[token]]\nrole = "viewer"\ntoken = "view-token-of-a-file"\n'
    admin = '[[token]]\nrole = "admin"\ntoken = "admin-token-of-a-file"\n'
    wiring = replace(place.wiring, tokens=digest + viewer + admin)
    assert links.admin_token(wiring) == "admin-token-of-a-file"
    for text in (digest + viewer, "", "token = 3", "not toml"):
        with pytest.raises(OperationError) as raised:
            links.admin_token(replace(wiring, tokens=text))
        assert raised.value.remedy
