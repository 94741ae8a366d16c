"""What each role is told follows from the stack, and nothing is copied by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from release_kit import console, programs

from mad.deploy.hosts.model import Host
from mad.deploy.hosts.secrets import Secrets
from mad.deploy.hosts.wiring import Wiring, digest_of
from mad.deploy.operations import OperationError
from mad.deploy.release.build import Release, own
from mad.deploy.remote.protocol import Wish
from mad.deploy.stack.load import parse
from mad.deploy.stack.settings import Role
from mad.deploy.status import Outputs

TOKENS = {"token-agent": "a" * 40, "token-viewer": "b" * 40, "token-admin": "c" * 40}
SECRETS = TOKENS | {"redis-auth": "d" * 40}
OUTPUTS = Outputs("http://198.51.100.9/", "http://web.example.org/", "rediss://cache:6379")
HOSTS = tuple(
    Host(f"{role}-{slot}", role, f"198.51.100.{at}{slot}", f"172.31.0.{at}{slot}", "ubuntu")
    for at, role in enumerate(Role, 1)
    for slot in range(1 if role == Role.API_LB else 2)
)


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    console(tmp_path / "console", monkeypatch)
    return own("1.2.0", programs(tmp_path / "bin"))


def wiring(more: str = "", **how: Any) -> Wiring:
    text = f'name = "shop"\nregion = "eu-west-2"\n{more}'
    given: dict[str, Any] = {"hosts": HOSTS, "outputs": OUTPUTS, "secrets": Secrets(SECRETS)}
    return Wiring(parse(text, Path("mad.toml")), **(given | how))


def told(wish: Wish) -> dict[str, Any]:
    (text,) = wish.config.values()
    return tomllib.loads(text)


def of(name: str, hosts: tuple[Host, ...] = HOSTS) -> Host:
    return next(host for host in hosts if host.name == name)


def test_a_node_knows_redis_its_proxy_and_the_console(release: Release) -> None:
    wish = wiring().wish(of("api-1"), release)
    config = told(wish)
    assert config["redis"] == "rediss://cache:6379"
    assert config["node_id"] == "api-1"
    assert config["advertise"] == f"http://{of('api-1').inside}:3000"
    assert of("api_lb-0").inside in config["trust"]
    assert config["cors_origin"] == ["http://web.example.org"]
    assert wish.credentials["redis-password"] == SECRETS["redis-auth"]
    tokens = tomllib.loads(wish.credentials["tokens"])["token"]
    assert {one["role"]: one["token"] for one in tokens} == {
        name.removeprefix("token-"): token for name, token in TOKENS.items()
    }


def test_the_proxy_knows_all_nodes_by_their_private_addresses(release: Release) -> None:
    wish = wiring().wish(of("api_lb-0"), release)
    assert told(wish)["upstream"] == [
        f"api-{slot}=http://{of(f'api-{slot}').inside}:3000" for slot in (0, 1)
    ]
    assert told(wish)["listen"] == "0.0.0.0:80"


def test_agents_and_the_console_know_the_elastic_address(release: Release) -> None:
    agent = wiring().wish(of("client-0"), release)
    assert told(agent)["api"] == "http://198.51.100.9"
    assert told(agent)["id"] == "shop-client-0"
    assert agent.credentials == {"token": TOKENS["token-agent"]}
    assert told(wiring().wish(of("web-0"), release))["api_url"] == "http://198.51.100.9"


def test_secrets_are_in_credentials_and_nowhere_else(release: Release) -> None:
    for host in HOSTS:
        wish = wiring().wish(host, release)
        open_to_all = "".join(wish.config.values()) + "".join(one.text for one in wish.files)
        assert not [one for one in SECRETS.values() if one in open_to_all]
        assert not [one for one in SECRETS.values() if one in repr(wish)]
        assert set(wish.variables.values()) <= wish.credentials.keys()


def test_without_tokens_everybody_may(release: Release) -> None:
    open_stack = wiring("[access]\nanonymous = true\n")
    node = open_stack.wish(of("api-0"), release)
    assert told(node)["anonymous"] is True
    assert told(node)["cors_origin"] == ["*"]
    assert "tokens" not in node.credentials
    assert open_stack.wish(of("client-0"), release).credentials == {}


def test_a_file_of_tokens_goes_to_the_nodes_as_it_is(release: Release) -> None:
    node = wiring(tokens="# mine\n").wish(of("api-0"), release)
    assert node.credentials["tokens"] == "# mine\n"


def test_a_redis_of_the_users_own(release: Release) -> None:
    more = '[redis]\nurl = "rediss://ann:p%40ss@cache.example.org:6380/2"\n'
    node = wiring(more, outputs=Outputs(redis="rediss://cache.example.org:6380/2")).wish(
        of("api-0"), release
    )
    assert told(node)["redis"] == "rediss://ann@cache.example.org:6380/2"
    assert node.credentials["redis-password"] == "p@ss"


def test_tls_is_the_proxys(release: Release) -> None:
    proxy = wiring(certificate="CERT", certificate_key="PRIVATE").wish(of("api_lb-0"), release)
    assert told(proxy)["listen"] == "0.0.0.0:443"
    assert told(proxy)["redirect"] == "0.0.0.0:80"
    assert (proxy.credentials["tls-cert"], proxy.credentials["tls-key"]) == ("CERT", "PRIVATE")
    assert "PRIVATE" not in repr(proxy)


def test_one_machine_for_the_proxy_and_the_console(release: Release) -> None:
    hosts = tuple(
        Host(name, Role(name.rpartition("-")[0]), "10.0.0.1", "10.0.0.1", "admin")
        for name in ("api-0", "api_lb-0", "client-0", "web-0")
    )
    text = (
        '[hosts]\napi = ["10.0.0.1"]\napi_lb = ["10.0.0.1"]\nclient = ["10.0.0.1"]\n'
        'web = ["10.0.0.1"]\n'
    )
    one = wiring(text, hosts=hosts, outputs=Outputs("http://10.0.0.1/", "http://10.0.0.1/"))
    assert told(one.wish(of("api_lb-0", hosts), release))["web"] == "http://127.0.0.1:8081"
    page = told(one.wish(of("web-0", hosts), release))
    assert (page["listen"], page["api_url"]) == ("127.0.0.1:8081", "")


def test_a_node_alone_has_no_redis_to_announce_itself_in(release: Release) -> None:
    alone = told(wiring(outputs=Outputs("http://10.0.0.1")).wish(of("api-0"), release))
    assert not {"redis", "advertise"} & alone.keys()


def test_the_same_in_gives_the_same_out(release: Release) -> None:
    host = of("api-0")
    first = digest_of(wiring().wish(host, release))
    assert digest_of(wiring().wish(host, release)) == first
    assert digest_of(wiring(tokens="# mine\n").wish(host, release)) != first
    # The order in which machines are told does not count.
    turned = tuple(reversed(HOSTS))
    assert digest_of(wiring(hosts=turned).wish(host, release)) == first


def test_all_proxies_share_a_secret_that_says_nothing(release: Release) -> None:
    proxy = wiring().wish(of("api_lb-0"), release)
    secret = proxy.credentials["cookie-secret"]
    assert len(secret) == 64
    assert secret not in SECRETS.values()
    other = wiring(secrets=Secrets(SECRETS | {"token-admin": "e" * 40}))
    assert other.wish(of("api_lb-0"), release).credentials["cookie-secret"] != secret


def test_a_secret_that_is_not_there_is_named(release: Release) -> None:
    with pytest.raises(OperationError, match="the secret token-agent is not there"):
        wiring(secrets=Secrets({})).wish(of("client-0"), release)


@pytest.mark.parametrize("name", ["api-0", "api_lb-0", "client-0", "web-0"])
def test_units_load_their_credentials(release: Release, name: str) -> None:
    wish = wiring().wish(of(name), release)
    unit = next(one.text for one in wish.files if one.path.endswith("@.service"))
    assert "@credentials@" not in unit
    for variable, credential in wish.variables.items():
        folder = f"/opt/mad/roles/{wish.role}/%i/credentials/{credential}"
        assert f"LoadCredential={credential}:{folder}\n" in unit
        assert f"Environment={variable}=/run/credentials/%n/{credential}" in unit
