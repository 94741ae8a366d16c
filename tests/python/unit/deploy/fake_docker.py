"""A host with a docker that knows only containers of mad, beside the systemd of `fake_host`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fake_host import GATE, SECRET, FakeHost, digest

from mad.deploy.remote.docker import PROJECT
from mad.deploy.remote.protocol import Gate, HostFile, Wish, plain

REGISTRY = "registry.example.org/team"
LOGIN = {"registry": "registry.example.org", "username": "robot", "password": "pass-of-a-robot"}


class DockerHost(FakeHost):
    """`registry`: images that can be pulled; `local`: those that are there."""

    installed = True
    package = "docker.io"
    """That has the program."""
    compose: tuple[str, ...] = ()
    """Of `docker compose` and `docker-compose`, those that are there."""

    def prepare(self) -> None:
        self.local: set[str] = set()
        self.registry: set[str] = set()
        self.containers: dict[str, dict[str, Any]] = {}
        self.made = 0
        self.logins: list[dict[str, Any]] = []
        self.refuses: set[str] = set()
        self.silent: set[str] = set()
        self.others: dict[str, int] = {}
        """Of an image of somebody else: what it answers, by path."""
        self.listens = False

    def run(
        self,
        argv: Sequence[str],
        *,
        deadline_s: float = 60.0,
        stdin: bytes | None = None,
    ) -> tuple[int, str]:
        words = list(argv)
        if words[0] == "docker" and self.installed:
            self.commands.append(" ".join(words))
            return self._docker(words[1:])
        if words[0] == "docker-compose" and "docker-compose" in self.compose:
            self.commands.append(" ".join(words))
            return self._composed(words[1:])
        if words[0] in ("docker", "docker-compose"):
            return 127, ""
        if "apt-get" in words:
            self.commands.append(" ".join(words))
            self.installed = self.installed or words[-1] == self.package
            return 0, ""
        return super().run(argv, deadline_s=deadline_s, stdin=stdin)

    def connects(self, address: str) -> bool:
        assert address == "http://127.0.0.1:3000"
        return self.listens

    def get(self, address: str, path: str) -> tuple[int, str]:
        if address.startswith("http"):
            return self.others.get(path, 0), ""
        found = re.search(r"roles/(\w+)/run/1\.sock$", address)
        if found is None:
            return super().get(address, path)
        for one in self.containers.values():
            if one["role"] == found.group(1) and one["status"] == "running":
                version = one["image"].rpartition(":")[2]
                if path == "/metrics":
                    return 200, "mad_fleet_agents 10\n"
                ready = one["image"] not in self.silent
                text = json.dumps({"ready": ready, "version": version, "sessions": 7})
                return (200 if ready or path != "/ready" else 503), text
        return 0, ""

    def _docker(self, words: list[str]) -> tuple[int, str]:
        if words[0] == "--config":
            told = json.loads((Path(words[1]) / "config.json").read_text())
            self.logins.append(told["auths"])
            words = words[2:]
        verb, last = words[0], words[-1]
        if verb in ("version", "--version"):
            return 0, "20.10.24"
        if verb == "compose":
            return self._composed(words[1:]) if "docker compose" in self.compose else (1, "unknown")
        if verb == "pull":
            if last not in self.registry:
                return 1, f"manifest for {last} not found"
            self.local.add(last)
            return 0, "sha256:…"
        if words[:2] == ["image", "inspect"]:
            return (0 if last in self.local else 1), ""
        if words[:2] == ["image", "rm"]:
            self.local.discard(last)
            return 0, ""
        if verb == "run" and "--rm" in words:
            image = words[-2]
            return (2, f"no; token {SECRET}") if image in self.refuses else (0, "")
        if verb == "run":
            labels = dict(one.split("=", 1) for one in after(words, "--label"))
            return self._started(labels, last, after(words, "--restart")[0])
        if verb == "ps":
            wanted = after(words, "--filter")[0].rpartition("=")[2]
            ids = [id for id, one in self.containers.items() if one["role"] == wanted]
            return 0, "WARNING: a config file cannot be read\n" + "\n".join(ids)
        if verb == "inspect":
            return 0, "\n".join(self._shown(id) for id in words[3:])
        if verb == "logs":
            return 0, f"it went wrong; token {SECRET}"
        one = self.containers[last]
        if verb == "update":
            one["policy"] = after(words, "--restart")[0]
        elif verb in ("stop", "kill"):
            one["status"] = "exited"
        elif verb == "start":
            one["status"] = "running"
        elif verb == "rm":
            del self.containers[last]
        return 0, ""

    def _composed(self, words: list[str]) -> tuple[int, str]:
        if words[0] == "version":
            return 0, "1.29.2"
        text = Path(after(words, "-f")[0]).read_text()
        told = json.loads(text.partition("\n")[2])
        ((_, service),) = told["services"].items()
        labels = service["labels"] | {PROJECT: after(words, "-p")[0]}
        return self._started(labels, service["image"], service["restart"])

    def _started(self, labels: dict[str, str], image: str, policy: str) -> tuple[int, str]:
        if image not in self.local:
            return 125, "no such image"
        self.made += 1
        self.containers[f"{self.made:012x}"] = {
            "role": labels["mad.role"],
            "project": labels[PROJECT],
            "image": image,
            "policy": policy,
            "status": "running",
        }
        return 0, ""

    def _shown(self, id: str) -> str:
        one = self.containers[id]
        return "\t".join((id, one["project"], one["status"], "0", one["policy"], one["image"]))

    def running(self) -> list[str]:
        return [one["image"] for one in self.containers.values() if one["status"] == "running"]


def after(words: list[str], option: str) -> list[str]:
    """What each of these options has."""
    return [words[at + 1] for at, word in enumerate(words) if word == option]


def image(version: str) -> str:
    return f"{REGISTRY}/mad-api:{version}"


def docker_switch(version: str, *, own: bool = True, **more: Any) -> dict[str, Any]:
    """A `switch` of the API to a container; `own`: of an image of ours."""
    service = {
        "image": image(version),
        "network_mode": "host",
        "restart": "unless-stopped",
        "user": "0:0",
        "read_only": True,
        "cap_drop": ["ALL"],
        "environment": {"MAD_API_CONFIG": "/etc/mad/api.toml", "PRICE": "5$$"},
        "volumes": ["./api.toml:/etc/mad/api.toml:ro", "../../run:/run/mad"],
        "labels": {"mad.role": "api", "mad.own": str(own).lower()},
        "logging": {"driver": "json-file", "options": {"max-size": "20m"}},
    }
    wanted = plain(
        Wish(
            stack="shop",
            slot="api-0",
            role="api",
            release=f"{version}-0123456789ab",
            version=version,
            runtime="docker",
            config={
                "api.toml": 'listen = "0.0.0.0:3000"\n',
                "compose.yaml": "# Written.\n" + json.dumps({"services": {"api": service}}),
            },
            credentials={"token": SECRET},
            address="http://127.0.0.1:3000",
            files=[HostFile("/etc/sysctl.d/60-mad-api.conf", "net.core.somaxconn = 4096\n")],
        )
    )
    return {
        "wish": wanted | more,
        "digest": digest(json.dumps(wanted, sort_keys=True).encode()),
        "programs": {},
        "gate": plain(Gate(**GATE)),
        "who": "ada@laptop",
    }
