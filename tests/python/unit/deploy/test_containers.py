"""What a role is told when it runs in a container, and how images are named."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from mad.deploy.hosts import containers
from mad.deploy.hosts.model import Host
from mad.deploy.hosts.secrets import Secrets
from mad.deploy.hosts.wiring import Wiring, digest_of
from mad.deploy.images.engine import remedy_for, user_login
from mad.deploy.images.release import contained
from mad.deploy.operations import OperationError
from mad.deploy.remote.protocol import UNITS, Wish
from mad.deploy.stack.load import StackError, parse
from mad.deploy.stack.references import reference
from mad.deploy.stack.settings import Role
from mad.deploy.status import Outputs

SECRETS = Secrets({"token-agent": "a" * 40, "token-viewer": "b" * 40, "token-admin": "c" * 40})
TEXT = """
name = "shop"
region = "eu-west-2"
runtime = "docker"
"""


def wish(role: Role, more: str = "", version: str = "1.2.0") -> Wish:
    hosts = tuple(
        Host(f"{one}-{number}", one, f"198.51.100.{at}{number}", f"172.31.0.{at}{number}", "ubuntu")
        for at, one in enumerate(Role, 1)
        for number in range(2 if one == Role.API else 1)
    )
    outputs = Outputs("http://198.51.100.20/", "http://web.example.org", "rediss://cache:6379")
    told = Wiring(parse(TEXT + more, Path("mad.toml")), hosts, outputs, SECRETS)
    host = next(host for host in hosts if host.role == role)
    return told.wish(host, contained(version))


def service(wish: Wish) -> dict[str, Any]:
    text = wish.config["compose.yaml"]
    ((name, found),) = json.loads(text.partition("\n")[2])["services"].items()
    assert name == wish.role
    return dict(found)


@pytest.mark.parametrize("role", list(Role))
def test_a_container_has_no_more_rights_than_it_needs(role: Role) -> None:
    told = service(wish(role))
    low = role in (Role.API_LB, Role.WEB)
    assert (told["user"], told.get("cap_add")) == (
        ("0:0", ["NET_BIND_SERVICE"]) if low else ("65532:65532", None)
    )
    assert (told["read_only"], told["cap_drop"]) == (True, ["ALL"])
    assert told["security_opt"] == ["no-new-privileges:true"]
    outside = {one.split(":")[0] for one in told["volumes"] if one.startswith("/")}
    assert outside == ({"/proc", "/sys", "/"} if role == Role.CLIENT else set())


@pytest.mark.parametrize("role", list(Role))
def test_secrets_are_in_files_alone(role: Role) -> None:
    made = wish(role)
    text = "".join(made.config.values()) + "".join(one.text for one in made.files)
    assert not [value for value in SECRETS.values.values() if value in text]
    environment = service(made)["environment"]
    files = {
        value.rpartition("/")[2] for name, value in environment.items() if "CONFIG" not in name
    }
    assert files == set(made.credentials)


@pytest.mark.parametrize("role", list(Role))
def test_there_are_no_units(role: Role) -> None:
    made = wish(role)
    assert not [one for one in made.files if one.path.startswith(UNITS)]
    assert (made.runtime, made.version) == ("docker", "1.2.0")


def test_an_image_is_that_of_the_version() -> None:
    more = '[containers]\nregistry = "registry.example.org/team"\n'
    assert service(wish(Role.API_LB, more))["image"] == "registry.example.org/team/mad-api-lb:1.2.0"
    assert service(wish(Role.CLIENT))["image"] == "mad-client:1.2.0"
    one, other = (wish(Role.API, more, version) for version in ("1.2.0", "1.2.1"))
    assert one.release != other.release
    assert digest_of(one) != digest_of(other)


def test_an_image_of_the_user_gets_the_variables_of_the_original() -> None:
    more = '[containers]\napi = "r.example.org/api:v7"\nclient = "r.example.org/c"\n'
    more += 'web = "r.example.org/w"\napi_lb = "r.example.org/lb"\n'
    api = wish(Role.API, more)
    told = service(api)
    assert (api.version, told["image"]) == ("v7", "r.example.org/api:v7")
    variables = {name: told["environment"][name] for name in ("PORT", "REDIS_HOST", "REDIS_PORT")}
    assert variables == {"PORT": "3000", "REDIS_HOST": "cache", "REDIS_PORT": "6379"}
    # How it runs is its own matter.
    assert not {"user", "read_only", "cap_drop"} & set(told)
    assert api.address == "http://127.0.0.1:3000"
    client = wish(Role.CLIENT, more)
    told = service(client)
    assert (client.version, told["image"]) == ("1.2.0", "r.example.org/c:1.2.0")
    assert told["environment"]["API_URL"] == "http://198.51.100.20"
    assert told["environment"]["CLIENT_ID"] == "shop-client-0"
    assert client.address == ""
    assert service(wish(Role.WEB, more))["environment"]["API_URL"] == "http://198.51.100.20"
    assert service(wish(Role.API_LB, more))["environment"]["UPSTREAMS"] == (
        "http://172.31.0.10:3000,http://172.31.0.11:3000"
    )


def test_a_version_that_no_tag_can_be_is_refused() -> None:
    with pytest.raises(OperationError, match="cannot be the tag of an image"):
        wish(Role.API, version="1.0.0+local")


@pytest.mark.parametrize(
    ("text", "name", "tag", "registry"),
    [
        ("mad-api", "mad-api", None, "docker.io"),
        ("team/mad-api:v1", "team/mad-api", "v1", "docker.io"),
        ("localhost:5000/mad-api", "localhost:5000/mad-api", None, "localhost:5000"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b", "1", "localhost:5000"),
        ("r.example.org/a@sha256:" + "0" * 64, "r.example.org/a", None, "r.example.org"),
    ],
)
def test_a_reference_is_read(text: str, name: str, tag: str | None, registry: str) -> None:
    found = reference(text)
    assert (found.name, found.tag, found.registry, str(found)) == (name, tag, registry, text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('registry = "https://r.example.org"', "containers.registry: "),
        ('registry = "r.example.org/"', "containers.registry: "),
        ('api = "UPPER"', "containers.api: "),
        ('username = "robot"', "containers.username: of no use without password_file"),
        ('username = "r"\npassword_file = "none"', "containers.password_file: there is no file"),
    ],
)
def test_a_mistake_is_told(line: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(StackError) as caught:
        parse(f"{TEXT}[containers]\n{line}\n", tmp_path / "mad.toml")
    assert said in str(caught.value)


def test_the_login_of_the_stack_file_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    auth = base64.b64encode(b"ada:her password").decode()
    (tmp_path / "config.json").write_text(
        json.dumps({"auths": {"r.example.org": {"auth": auth}, "https://index.docker.io/v1/": {}}})
    )
    (tmp_path / "password").write_text("of a robot\nand more\n")
    plain = '[containers]\nregistry = "r.example.org/team"\n'
    stack = parse(TEXT + plain, tmp_path / "mad.toml")
    login = {"registry": "r.example.org", "username": "ada", "password": "her password"}
    assert containers.login_of(stack, Role.API, "1") == login
    more = 'username = "robot"\npassword_file = "password"\n'
    stack = parse(TEXT + plain + more, tmp_path / "mad.toml")
    login = {"registry": "r.example.org", "username": "robot", "password": "of a robot"}
    assert containers.login_of(stack, Role.API, "1") == login
    assert user_login("other.example.org") is None
    assert user_login("docker.io") is None


def test_a_credential_helper_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-vault"
    helper.write_text(
        '#!/bin/sh\nread name\necho "{\\"Username\\":\\"AWS\\",\\"Secret\\":\\"$name\\"}"\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "config.json").write_text('{"credHelpers": {"r.example.org": "vault"}}')
    found = user_login("r.example.org")
    assert found is not None
    assert (found.username, found.password) == ("AWS", "r.example.org")
    assert "r.example.org" not in repr(found)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("denied: requested access to the resource is denied", "sign in"),
        ("http: server gave HTTP response to HTTPS client", "insecure-registries"),
        ("dial tcp: lookup r.example.org: no such host", "can be reached"),
        ("write /x: no space left on device", "docker system prune"),
        ("who knows", "look at what the engine says"),
    ],
)
def test_what_an_engine_complains_of_has_a_remedy(said: str, remedy: str) -> None:
    assert remedy in remedy_for(said)
