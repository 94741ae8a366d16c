"""The container engine of this machine: its command line, run as people run it."""

from __future__ import annotations

import base64
import binascii
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("docker", "podman")
LONG_S = 3600.0
"""For builds and pushes; everything else answers at once."""


class ImageError(Exception):
    """An image that cannot be built or pushed: a sentence, and what to do."""

    def __init__(self, sentence: str, remedy: str, tail: str = "") -> None:
        super().__init__(sentence)
        self.remedy = remedy
        self.tail = tail
        """What the engine said."""


@dataclass(frozen=True, slots=True)
class Login:
    """For a registry. The password is in no argument and in no file that stays."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Engine:
    """`docker`, or `podman` where there is none."""

    program: str
    config: Path | None = None
    """A folder with its configuration in place of the user's own."""

    def run(self, argv: Sequence[str], *, stdin: str | None = None, limit_s: float = 60.0) -> str:
        """What it says on stdout. Raises ImageError."""
        try:
            done = subprocess.run(
                [self.program, *argv],
                input=stdin if stdin is not None else "",
                env=self._environment(),
                capture_output=True,
                text=True,
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise ImageError(
                f"`{self.name} {argv[0]}` did not end within {limit_s:.0f} s",
                "see whether the engine answers: `docker info`",
            ) from late
        if done.returncode == 0:
            return done.stdout
        said = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-15:])
        raise ImageError(f"`{self.name} {argv[0]}` failed", remedy_for(said), said)

    @property
    def name(self) -> str:
        return Path(self.program).name

    def _environment(self) -> Mapping[str, str]:
        if self.config is None:
            return os.environ
        auth = {"REGISTRY_AUTH_FILE": str(self.config / "config.json")}
        return os.environ | {"DOCKER_CONFIG": str(self.config)} | auth

    @contextmanager
    def signed_in(self, registry: str, login: Login | None) -> Iterator[Engine]:
        """With a login of its own, which is gone afterwards; with none the user's own is used."""
        if login is None:
            yield self
            return
        with tempfile.TemporaryDirectory(prefix="mad-login-") as folder:
            engine = Engine(self.program, Path(folder))
            words = ["login", "--username", login.username, "--password-stdin", registry]
            try:
                engine.run(words, stdin=login.password)
            except ImageError as error:
                raise ImageError(
                    f"{registry} does not let {login.username} in", error.remedy, error.tail
                ) from error
            yield engine


def find() -> Engine:
    """Raises ImageError when there is none, or its daemon does not answer."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise ImageError(
            "neither docker nor podman is installed here",
            "install one (Debian and Ubuntu: apt-get install docker.io), or do it where one is",
        )
    engine = Engine(program)
    try:
        engine.run(["version", "--format", "{{json .}}"])
    except ImageError as error:
        raise ImageError(
            f"{engine.name} is installed, but its engine does not answer",
            "start it (systemctl start docker), join the group docker, or set DOCKER_HOST",
            error.tail,
        ) from error
    return engine


def remedy_for(said: str) -> str:
    """What to do about what an engine complains of."""
    low = said.lower()
    known = (
        (("unauthorized", "denied", "no basic auth", "authentication required"),
         "sign in: --username NAME --password-stdin, or `docker login` before"),
        (("http response to https", "first record does not look like a tls"),
         "the registry speaks plain HTTP: name it in `insecure-registries` of the engine, or give "
         "it a certificate"),
        (("x509", "certificate"),
         "let the engine trust the registry's certificate: /etc/docker/certs.d/REGISTRY/ca.crt"),
        (("no such host", "connection refused", "timeout", "dial tcp"),
         "look whether the registry can be reached from here, and is spelt right"),
        (("no such image", "does not exist locally", "an image does not exist"),
         "build it first: `python -m mad.deploy image build`"),
        (("no space left",), "free some disk: `docker system prune`"),
        (("exec format error", "no match for platform"),
         "give --platform of the programs, and --binaries with programs for it"),
    )  # fmt: skip
    return next((what for words, what in known if any(word in low for word in words)),
                "look at what the engine says")  # fmt: skip


def user_login(registry: str) -> Login | None:
    """What `docker login` on this machine has put aside for a registry; None: nothing."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        told = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError):
        return None
    names: tuple[str, ...] = (
        registry,
        f"https://{registry}",
        f"https://{registry}/v1/",
        f"https://{registry}/v2/",
    )
    if registry == "docker.io":
        names = ("https://index.docker.io/v1/", *names)
    for name in names:
        helper = (told.get("credHelpers") or {}).get(name) or told.get("credsStore")
        found = _asked(helper, name) if helper else None
        found = found or _plain((told.get("auths") or {}).get(name))
        if found is not None:
            return found
    return None


def _asked(helper: str, registry: str) -> Login | None:
    """Of a credential helper, as docker asks it."""
    program = shutil.which(f"docker-credential-{helper}")
    if program is None:
        return None
    done = subprocess.run(
        [program, "get"], input=registry, capture_output=True, text=True, timeout=60, check=False
    )
    try:
        told = json.loads(done.stdout) if done.returncode == 0 else {}
    except ValueError:
        return None
    name, secret = told.get("Username"), told.get("Secret")
    return Login(name, secret) if name and secret else None


def _plain(entry: object) -> Login | None:
    if not isinstance(entry, dict):
        return None
    if entry.get("username") and entry.get("password"):
        return Login(str(entry["username"]), str(entry["password"]))
    try:
        name, _, secret = base64.b64decode(str(entry.get("auth", ""))).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Login(name, secret.rstrip("\0")) if name and secret else None
