"""What each role is told: nothing is copied by hand. All of it follows from the stack file, the
addresses of its machines and its secrets; the same in gives the same out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from mad.deploy.hosts import containers, units
from mad.deploy.hosts.fleet import of_role
from mad.deploy.hosts.model import Host
from mad.deploy.hosts.secrets import Secrets
from mad.deploy.release.build import Release
from mad.deploy.remote.protocol import Wish, plain
from mad.deploy.stack.settings import Role, Stack
from mad.deploy.status import Outputs

API_PORT = 3000
HTTP_PORT = 80
HTTPS_PORT = 443
BESIDE_PORT = 8081
"""Of the console on a machine that is the proxy's, too."""
DRAIN = {Role.API: "60s", Role.API_LB: "60s", Role.CLIENT: "5s", Role.WEB: "10s"}


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything that wishes are made of."""

    stack: Stack
    hosts: tuple[Host, ...]
    outputs: Outputs
    secrets: Secrets
    tokens: str | None = field(default=None, repr=False)
    """The text of `[access] tokens`; None: made of the stack's own tokens."""
    certificate: str | None = None
    certificate_key: str | None = field(default=None, repr=False)
    """Of `[tls]`."""

    def wish(self, host: Host, release: Release) -> Wish:
        """What a slot should be."""
        config, credentials, variables, ports = {
            Role.API: self._api,
            Role.API_LB: self._proxy,
            Role.CLIENT: self._agent,
            Role.WEB: self._web,
        }[host.role](host)
        config = {"drain_timeout": DRAIN[host.role], "log_format": "json"} | config
        if self.stack.runtime == "docker":
            return self._contained(host, release, (config, credentials, variables, ports))
        return Wish(
            stack=self.stack.name,
            slot=host.name,
            role=host.role.value,
            release=release.id,
            version=release.version,
            config={f"{host.role}.toml": toml(config)},
            credentials=credentials,
            variables=variables,
            files=list(units.files(host.role, variables=variables, ports=ports)),
        )

    def _contained(self, host: Host, release: Release, parts: _Parts) -> Wish:
        """The same in a container."""
        config, credentials, variables, ports = parts
        image = containers.image_of(self.stack, host.role, release.version)
        return Wish(
            stack=self.stack.name,
            slot=host.name,
            role=host.role.value,
            release=containers.release_of(image),
            version=containers.version_of(image),
            runtime="docker",
            config={
                f"{host.role}.toml": toml(containers.configuration(host.role, config)),
                containers.FILE: containers.compose(
                    self.stack, host.role, host.name, image, config, variables, ports
                ),
            },
            credentials=credentials,
            variables=variables,
            files=list(containers.files(host.role, variables, ports)),
            address=containers.address(self.stack, host.role, ports),
        )

    def _api(self, host: Host) -> _Parts:
        fronts = of_role(self.hosts, Role.API_LB)
        config: dict[str, object] = {
            "listen": f"0.0.0.0:{API_PORT}",
            "node_id": host.name,
            "eio3": True,
            "trust": ["loopback", *sorted(front.inside for front in fronts)],
        }
        origins = self._origins()
        if origins:
            config["cors_origin"] = origins
        credentials: dict[str, str] = {}
        variables: dict[str, str] = {}
        url, password = self._redis()
        if url is not None:
            config["redis"] = url
            config["advertise"] = f"http://{_shown(host.inside)}:{API_PORT}"
        if password is not None:
            credentials["redis-password"] = password
            variables["MAD_API_REDIS_PASSWORD_FILE"] = "redis-password"
        if self.stack.access.anonymous:
            config["anonymous"] = True
        if not self.stack.access.anonymous or self.tokens is not None:
            credentials["tokens"] = self._tokens_file()
            variables["MAD_API_TOKENS"] = "tokens"
        return config, credentials, variables, (API_PORT,)

    def _proxy(self, host: Host) -> _Parts:
        config: dict[str, object] = {
            "anonymous": True,
            "upstream": [
                f"{node.name}=http://{_shown(node.inside)}:{API_PORT}"
                for node in of_role(self.hosts, Role.API)
            ],
            "handover": "/run/mad/api_lb/handover.sock",
        }
        beside = self._beside(host)
        if beside is not None:
            config["web"] = f"http://127.0.0.1:{BESIDE_PORT}"
        elif self.stack.hosts is not None and of_role(self.hosts, Role.WEB):
            first = of_role(self.hosts, Role.WEB)[0]
            config["web"] = f"http://{_shown(first.inside)}:{HTTP_PORT}"
        credentials = {"cookie-secret": self._cookie_secret()}
        variables = {"MAD_PROXY_COOKIE_SECRET_FILE": "cookie-secret"}
        if self.certificate is None or self.certificate_key is None:
            return {"listen": f"0.0.0.0:{HTTP_PORT}"} | config, credentials, variables, (HTTP_PORT,)
        credentials |= {"tls-cert": self.certificate, "tls-key": self.certificate_key}
        variables |= {"MAD_PROXY_TLS_CERT": "tls-cert", "MAD_PROXY_TLS_KEY": "tls-key"}
        config |= {"redirect": f"0.0.0.0:{HTTP_PORT}"}
        return {"listen": f"0.0.0.0:{HTTPS_PORT}"} | config, credentials, variables, (HTTPS_PORT,)

    def _agent(self, host: Host) -> _Parts:
        config: dict[str, object] = {
            "api": (self.outputs.api_url or "").rstrip("/"),
            "id": f"{self.stack.name}-{host.name}",
            "tag": [f"stack:{self.stack.name}", "role:client"],
        }
        if self.stack.access.anonymous:
            return config, {}, {}, ()
        credentials = {"token": self.secrets.get("token-agent")}
        return config, credentials, {"MAD_AGENT_TOKEN_FILE": "token"}, ()

    def _web(self, host: Host) -> _Parts:
        beside = any(front.address == host.address for front in of_role(self.hosts, Role.API_LB))
        port = BESIDE_PORT if beside else HTTP_PORT
        config: dict[str, object] = {
            "listen": f"{'127.0.0.1' if beside else '0.0.0.0'}:{port}",
            "anonymous": True,
            "api_url": "" if beside else (self.outputs.api_url or "").rstrip("/"),
        }
        return config, {}, {}, (port,)

    def _beside(self, host: Host) -> Host | None:
        """The console on the same machine."""
        webs = of_role(self.hosts, Role.WEB)
        return next((web for web in webs if web.address == host.address), None)

    def _origins(self) -> list[str]:
        """Where pages come from that may connect."""
        urls = [self.outputs.web_url]
        if self.stack.access.anonymous:
            # Pages of the original are opened by any of their machines' names.
            return ["*"]
        return sorted({url.rstrip("/") for url in urls if url})

    def _redis(self) -> tuple[str | None, str | None]:
        """Its URL without the password, and the password."""
        if self.stack.redis.url is None:
            known = self.secrets.values.get("redis-auth")
            return (self.outputs.redis, known) if self.outputs.redis else (None, None)
        parts = urlsplit(self.stack.redis.url)
        if parts.password is None:
            return self.stack.redis.url, None
        front, _, place = parts.netloc.rpartition("@")
        user = front.partition(":")[0]
        bare = parts._replace(netloc=f"{user}@{place}" if user else place).geturl()
        return bare, unquote(parts.password)

    def _tokens_file(self) -> str:
        if self.tokens is not None:
            return self.tokens
        lines = ["# Made by `mad deploy` of the stack's own tokens."]
        for role in ("agent", "viewer", "admin"):
            token = self.secrets.get(f"token-{role}")
            lines += ["[[token]]", f'name = "{role}"', f'role = "{role}"', f'token = "{token}"']
        return "\n".join(lines) + "\n"

    def _cookie_secret(self) -> str:
        """The same for all proxies and all their generations."""
        seed = self.secrets.values.get("token-admin") or self.secrets.values.get("redis-auth") or ""
        return hashlib.sha256(f"cookie {self.stack.name} {seed}".encode()).hexdigest()


_Parts = tuple[dict[str, object], dict[str, str], dict[str, str], tuple[int, ...]]


def digest_of(wish: Wish) -> str:
    """The same for wishes that are the same. Its secrets are long random texts: nothing is told."""
    text = json.dumps(plain(wish), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def toml(values: Mapping[str, object]) -> str:
    """A file of one table."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in sorted(values.items()))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return str(value)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
