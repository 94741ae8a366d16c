"""The container engine of a host: docker, installed when it is missing, and the compose file of a
generation. It is written as JSON, which is YAML, too: v1 and v2 of compose read it, and where
neither is installed it is read here and run as `docker run` would."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .system import RefusedError, System

FILE = "compose.yaml"
PULL_S = 900.0
INSTALL_S = 900.0
UP_S = 120.0
Service = dict[str, Any]


def service(folder: Path) -> Service:
    """The one service of a generation's compose file; empty when it cannot be read."""
    try:
        lines = (folder / "config" / FILE).read_text().splitlines()
        told = json.loads("\n".join(line for line in lines if not line.startswith("#")))
        return dict(next(iter(told["services"].values())))
    except (OSError, ValueError, LookupError, AttributeError):
        return {}


class Engine:
    """Its command line."""

    def __init__(self, system: System) -> None:
        self._system = system

    # --- being there ----------------------------------------------------------------------------

    def ensure(self) -> None:
        """Docker is installed and answers. Raises RefusedError."""
        version = ["docker", "version", "--format", "{{.Server.Version}}"]
        code, text = self._system.run(version)
        if code == 127:
            self._install()
            code, text = self._system.run(version)
        if code != 0:
            # Installed and stopped, or just installed.
            self._system.run(["systemctl", "enable", "--now", "docker.service"], deadline_s=90)
            code, text = self._system.run(version)
        if code != 0:
            raise RefusedError(
                "refused",
                "docker does not answer",
                "look at it there: systemctl status docker",
                text[-2000:],
            )

    def _install(self) -> None:
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
        # Whoever installs something else there at the moment is waited for.
        apt += ["-o", "DPkg::Lock::Timeout=300"]
        install = [*apt, "install", "--yes", "--no-install-recommends"]
        if self._system.run(["apt-get", "--version"])[0] != 127:
            self._system.run([*apt, "update"], deadline_s=INSTALL_S)
            code, text = self._system.run([*install, "docker.io"], deadline_s=INSTALL_S)
            if code == 0 and self._system.run(["docker", "--version"])[0] == 127:
                # Since Debian 13 a package of its own.
                code, text = self._system.run([*install, "docker-cli"], deadline_s=INSTALL_S)
        else:
            dnf = ["dnf", "-q", "-y", "install", "docker"]
            code, text = self._system.run(dnf, deadline_s=INSTALL_S)
        if code != 0:
            raise RefusedError(
                "refused",
                "docker cannot be installed",
                "install it there (Debian and Ubuntu: docker.io), and deploy again",
                text[-2000:],
            )

    # --- images ---------------------------------------------------------------------------------

    def pull(self, image: str, login: dict[str, str] | None) -> None:
        """It is on this host afterwards. One with a registry is asked for anew; without one, and
        when the registry does not answer, what is there will do. Raises RefusedError."""
        there = self.has(image)
        if there and "/" not in image:
            return
        with signed_in(login) as options:
            argv = ["docker", *options, "pull", "--quiet", image]
            code, text = self._system.run(argv, deadline_s=PULL_S)
        if code == 0 or (there and code != 124):
            return
        low = text.lower()
        sign_in = any(word in low for word in ("denied", "unauthorized", "no basic auth"))
        missing = any(word in low for word in ("not found", "manifest unknown"))
        raise RefusedError(
            "refused",
            f"the image {image} cannot be pulled",
            "sign in: `docker login` where you deploy, or [containers] username and password_file"
            if sign_in
            else "push it: `python -m mad.deploy image push`"
            if missing
            else "look whether the registry can be reached from this host",
            text[-2000:],
        )

    def has(self, image: str) -> bool:
        return (
            self._system.run(["docker", "image", "inspect", "--format", "{{.Id}}", image])[0] == 0
        )

    def user_of(self, image: str) -> str:
        """As the image names it; empty: root."""
        words = ["docker", "image", "inspect", "--format", "{{.Config.User}}", image]
        code, text = self._system.run(words)
        return text.splitlines()[-1].strip() if code == 0 and text.strip() else ""

    # --- running --------------------------------------------------------------------------------

    def up(self, folder: Path, project: str) -> tuple[int, str]:
        """Starts what a generation's compose file says."""
        file = folder / "config" / FILE
        for compose in (["docker", "compose"], ["docker-compose"]):
            if self._system.run([*compose, "version"])[0] == 0:
                argv = [*compose, "-p", project, "-f", str(file), "up", "-d", "--no-build"]
                return self._system.run(argv, deadline_s=UP_S)
        told = service(folder)
        restart = ["--restart", str(told["restart"])]
        argv = ["docker", "run", "--detach", "--name", project, *restart]
        argv += ["--label", f"com.docker.compose.project={project}"]
        return self._system.run([*argv, *options_of(told, folder), told["image"]], deadline_s=UP_S)

    def try_out(self, folder: Path, *words: str) -> tuple[int, str]:
        """Runs the program of a generation once, with all that it will have, and other words."""
        told = service(folder)
        argv = ["docker", "run", "--rm", *options_of(told, folder, labels=False), told["image"]]
        return self._system.run([*argv, *words], deadline_s=60)


def options_of(told: Service, folder: Path, *, labels: bool = True) -> list[str]:
    """A service of ours as `docker run` has it."""
    words = ["--network", told["network_mode"]]
    for key, option in (("user", "--user"), ("pid", "--pid")):
        if key in told:
            words += [option, told[key]]
    if told.get("read_only"):
        words.append("--read-only")
    for key, option in (
        ("cap_drop", "--cap-drop"),
        ("cap_add", "--cap-add"),
        ("security_opt", "--security-opt"),
    ):
        for one in told.get(key, ()):
            words += [option, one]
    for name, value in sorted(told.get("environment", {}).items()):
        # Compose would put a variable of its own in place of a lone $.
        words += ["--env", f"{name}={value}".replace("$$", "$")]
    for one in told.get("volumes", ()):
        source, _, rest = one.partition(":")
        if source.startswith("."):
            source = os.path.normpath(str(folder / "config" / source))
        words += ["--volume", f"{source}:{rest}"]
    for name, value in sorted(told["labels"].items()) if labels else ():
        words += ["--label", f"{name}={value}"]
    logging = told.get("logging") or {}
    if logging:
        words += ["--log-driver", logging["driver"]]
        for name, value in sorted(logging.get("options", {}).items()):
            words += ["--log-opt", f"{name}={value}"]
    return words


@contextlib.contextmanager
def signed_in(login: dict[str, str] | None) -> Iterator[list[str]]:
    """Options for one command: a configuration with the password, in memory alone and gone after
    it."""
    if not login:
        yield []
        return
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = tempfile.mkdtemp(prefix="mad-login-", dir=place)
    try:
        pair = "{}:{}".format(login["username"], login["password"])
        name = login["registry"]
        if name == "docker.io":
            name = "https://index.docker.io/v1/"
        auths = {name: {"auth": base64.b64encode(pair.encode()).decode()}}
        file = Path(folder) / "config.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"auths": auths}))
        yield ["--config", folder]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
