"""The world in which a stack is really up: the local AWS, a host for each of its instances, a Redis
for its replication group, and a way in for its load balancer."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import selectors
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hosts_world.image import ROOT
from hosts_world.machine import Machine, command

BRIDGE = "172.31.255.1"
"""Where this world itself is: the local AWS, Redis, the load balancer."""
PORT = 5000
REDIS_PORT = 6379
BALANCER_PORT = 80
_numbers = itertools.count()


class World:
    """Alive in a `with` block. `folder`: short, and on a file system that overlays can be on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"mad{os.getpid() % 100000}{chr(97 + next(_numbers) % 26)}"
        self.url = f"http://127.0.0.1:{PORT}"
        self.machines: dict[str, Machine] = {}
        """By the id of the instance."""
        self._names: dict[str, str] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble: list[str] = []
        """What went wrong while the world was kept up."""
        self._seen: dict[str, Any] = {}
        self._booted = 0
        self._guard = threading.Lock()

    # --- life -----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command("ip", "netns", "add", self.name)
        inner = ("ip", "netns", "exec", self.name, "ip")
        command(*inner, "link", "set", "lo", "up")
        command(*inner, "link", "add", "br0", "type", "bridge")
        command(*inner, "addr", "add", f"{BRIDGE}/16", "dev", "br0")
        command(*inner, "link", "set", "br0", "up")
        command(*inner, "route", "add", "198.51.100.0/24", "dev", "br0", "src", BRIDGE)
        command(*inner, "route", "add", "203.0.113.0/24", "dev", "br0", "src", BRIDGE)
        (Path("/etc/netns") / self.name).mkdir(parents=True, exist_ok=True)
        self._write_names()
        self._authority()
        with (self.folder / "aws.log").open("wb") as log:
            serving = self.popen(
                [sys.executable, "-W", "ignore", "-m", "aws_local", "--port", str(PORT)],
                env=os.environ | {"PYTHONPATH": str(ROOT / "tests" / "support")},
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert serving.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(serving.stdout, selectors.EVENT_READ)
            if not ready.select(60) or b"ready" not in serving.stdout.readline():
                raise RuntimeError("the local AWS did not start")
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(30)
        for machine in self.machines.values():
            with contextlib.suppress(Exception):
                machine.remove()
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait(10)
            if process.stdout is not None:
                process.stdout.close()
        command("ip", "netns", "del", self.name, check=False)
        shutil.rmtree(Path("/etc/netns") / self.name, ignore_errors=True)

    # --- for tests ------------------------------------------------------------------------------

    def inside(self, argv: list[str]) -> list[str]:
        """A command as it is run in this world."""
        return ["ip", "netns", "exec", self.name, *argv]

    def popen(self, argv: list[str], **how: Any) -> subprocess.Popen[bytes]:
        """Ended with the world."""
        process = subprocess.Popen(self.inside(argv), stdin=subprocess.DEVNULL, **how)
        self._processes.append(process)
        return process

    def environment(self) -> dict[str, str]:
        """For the command line: where AWS is, and keys that it takes."""
        return os.environ | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-2",
            "no_proxy": "*",
        }

    def slot(self, name: str) -> Machine:
        """The machine of a slot (`api-0`)."""
        with self._guard:
            for one in self._seen.get("instances", []):
                if one["slot"] == name and one["id"] in self.machines:
                    return self.machines[one["id"]]
        raise KeyError(name)

    def run(
        self, *argv: str, cwd: Path | None = None, check: bool = True, timeout: float = 600.0
    ) -> subprocess.CompletedProcess[str]:
        """A command in this world, with AWS in its environment."""
        done = subprocess.run(
            self.inside(list(argv)),
            env=self.environment(),
            cwd=cwd,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    # --- following the local AWS ----------------------------------------------------------------

    def _follow(self) -> None:
        looking = self.popen(
            [sys.executable, "-W", "ignore", str(Path(__file__).with_name("look.py")), self.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environment(),
        )
        assert looking.stdout is not None
        for line in looking.stdout:
            if self._ended.is_set():
                return
            seen = json.loads(line)
            if "error" in seen:
                continue
            with self._guard:
                self._seen = seen
            try:
                self._keep_up(seen)
            except Exception as error:
                self.trouble.append(repr(error))

    def _keep_up(self, seen: dict[str, Any]) -> None:
        for cache in seen["caches"]:
            self._redis(cache)
        for one in seen["balancers"]:
            self._balancer(one, seen)
        keys = list(seen["keys"].values())
        for one in seen["instances"]:
            id, up = one["id"], one["state"] in ("pending", "running")
            if up and id not in self.machines and one["ip"]:
                machine = self._boot(one, keys)
                with self._guard:
                    self.machines[id] = machine
            if not up and id in self.machines:
                with self._guard:
                    gone = self.machines.pop(id)
                gone.remove()
            if up and id in self.machines:
                self.machines[id].has([one["public"]] if one["public"] else [])

    def _boot(self, one: dict[str, Any], keys: list[str]) -> Machine:
        """What cloud-init would do of the user data."""
        config = json.loads(one["user_data"].partition("\n")[2])
        files = {each["path"]: each["content"] for each in config.get("write_files", [])}
        user = config.get("user", "ubuntu")
        number = self._booted = self._booted + 1
        machine = Machine(
            f"h{number}",
            one["ip"],
            world=self.name,
            folder=self.folder / f"h{number}",
            user=user,
            authorized="\n".join(key for key in keys if key),
            host_key=config["ssh_keys"]["ed25519_private"],
            files=files,
            hosts=self._names_text(),
            hostname=config["hostname"],
        )
        bundle = machine.root / "etc/ssl/certs/ca-certificates.crt"
        bundle.write_text(bundle.read_text() + (self.folder / "ca.pem").read_text())
        return machine

    def _redis(self, cache: dict[str, Any]) -> None:
        """A real one, with TLS and the password."""
        host = cache["host"]
        if host in self._names or not cache["token"]:
            return
        folder = self.folder / "redis"
        folder.mkdir(exist_ok=True)
        self._certificate(folder, host)
        settings = folder / "redis.conf"
        settings.write_text(
            f"port 0\ntls-port {REDIS_PORT}\nbind {BRIDGE}\n"
            f"tls-cert-file {folder / 'cert.pem'}\ntls-key-file {folder / 'key.pem'}\n"
            f"tls-ca-cert-file {self.folder / 'ca.pem'}\ntls-auth-clients no\n"
            f'requirepass {cache["token"]}\nsave ""\nappendonly no\ndir {folder}\n'
        )
        with (folder / "log").open("wb") as log:
            self.popen(["redis-server", str(settings)], stdout=log, stderr=log)
        self._name(host, BRIDGE)

    def _balancer(self, one: dict[str, Any], seen: dict[str, Any]) -> None:
        file = self.folder / "targets"
        ips = {each["id"]: each["ip"] for each in seen["instances"]}
        lines = [f"{ips[id]}:80" for id in one["instances"] if ips.get(id)]
        young = file.with_suffix(".new")
        young.write_text("\n".join(lines))
        young.replace(file)
        if one["host"] not in self._names:
            script = Path(__file__).with_name("balance.py")
            self.popen([sys.executable, str(script), BRIDGE, str(BALANCER_PORT), str(file)])
            self._name(one["host"], BRIDGE)

    def _authority(self) -> None:
        self._openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=world"),
            *("-keyout", self.folder / "ca-key.pem", "-out", self.folder / "ca.pem"),
        )

    def _certificate(self, folder: Path, host: str) -> None:
        wanted = folder / "request.pem"
        more = folder / "extensions"
        more.write_text(f"subjectAltName=DNS:{host}\n")
        self._openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=redis"),
            *("-keyout", folder / "key.pem", "-out", wanted),
        )
        self._openssl(
            *("x509", "-req", "-in", wanted, "-CA", self.folder / "ca.pem", "-days", "2"),
            *("-CAkey", self.folder / "ca-key.pem", "-CAcreateserial", "-extfile", more),
            *("-out", folder / "cert.pem"),
        )

    @staticmethod
    def _openssl(*argv: str | Path) -> None:
        command("openssl", *argv)

    # --- names ----------------------------------------------------------------------------------

    def _name(self, name: str, address: str) -> None:
        self._names[name] = address
        self._write_names()
        for machine in self.machines.values():
            file = machine.root / "etc/hosts"
            file.write_text(file.read_text() + f"{address} {name}\n")

    def _names_text(self) -> str:
        return "".join(f"{address} {name}\n" for name, address in self._names.items())

    def _write_names(self) -> None:
        file = Path("/etc/netns") / self.name / "hosts"
        file.write_text("127.0.0.1 localhost\n" + self._names_text())
