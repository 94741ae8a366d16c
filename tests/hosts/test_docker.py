"""`runtime = "docker"` against a real engine and a registry with a password: all four roles come
up from pulled images, a release replaces another, a bad one is taken back, and the one before
returns."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker_kit
import pytest
from container_host import ContainerHost
from docker_kit import Engine, Registry, free_port, wait_until

from mad.deploy.events import Event, HostStep
from mad.deploy.hosts import containers, wiring
from mad.deploy.hosts.model import Host
from mad.deploy.hosts.secrets import Secrets
from mad.deploy.hosts.wiring import Wiring
from mad.deploy.images.release import Images
from mad.deploy.rollout.run import Ended, Rollout
from mad.deploy.stack.settings import Containers, Redis, Role, Stack, Update
from mad.deploy.status import Outputs

NAMES = {"api": "mad-api", "api_lb": "mad-api-lb", "client": "mad-client", "web": "mad-web"}
AGENT, VIEWER, ADMIN = ("a" * 40, "b" * 40, "c" * 40)
SECRETS = {"token-agent": AGENT, "token-viewer": VIEWER, "token-admin": ADMIN}
UPDATE = Update(min_healthy_time_s=2.0, healthy_deadline_s=15.0)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    try:
        with docker_kit.engine() as found:
            yield found
    except docker_kit.Missing as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def registry(engine: Engine) -> Iterator[Registry]:
    """Holds 1.0.0 and 2.0.0 of each image, and versions of the API that go wrong."""
    try:
        with docker_kit.registry() as found:
            for tag in ("1.0.0", "2.0.0"):
                told(engine.mad("image", "build", "--tag", tag))
                publish(engine, found, tag)
            for tag, bad in (
                ("3.0.0-refuses", "ENV MAD_API_LISTEN=nonsense"),
                ("3.0.0-unready", "ENV MAD_API_REDIS=redis://127.0.0.1:1"),
                ("3.0.0-ends", 'ENTRYPOINT ["/opt/mad/bin/mad-web", "--root=/"]'),
                ("3.0.0-other", "ENV NOTHING=changed"),
            ):
                with_line(engine, "mad-api:2.0.0", bad, f"mad-api:{tag}")
                publish(engine, found, tag, "api")
            engine.forget(*(one for one in engine.images() if "<none>" not in one))
            yield found
    except docker_kit.Missing as why:
        pytest.skip(str(why))


def told(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def publish(engine: Engine, registry: Registry, tag: str, *roles: str) -> None:
    chosen = [word for role in roles for word in ("--role", role)]
    words = ("image", "push", *chosen, "--tag", tag, "--registry", registry.address)
    login = ("--username", registry.user, "--password-stdin")
    told(engine.mad(*words, *login, stdin=registry.password))


def with_line(engine: Engine, image: str, line: str, name: str) -> None:
    """An image of another with one line more."""
    folder = engine.folder / "more"
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"FROM {image}\n{line}\n")
    engine.run("docker", "build", "--quiet", "--tag", name, folder)


class World:
    """One host with all roles, its Redis, and rollouts to it."""

    def __init__(
        self, root: Path, engine: Engine, registry: Registry, redis: str, *, compose: bool
    ) -> None:
        self.host = ContainerHost(root, engine, compose=compose)
        password = root / "password"
        password.write_text(registry.password + "\n")
        self.stack = Stack(
            "shop",
            "",
            redis=Redis(url=redis),
            hosts=dict.fromkeys(Role, ("127.0.0.1",)),
            runtime="docker",
            update=UPDATE,
            containers=Containers(
                registry=registry.address, username=registry.user, password_file=password
            ),
        )
        self.events: list[HostStep] = []

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{wiring.HTTP_PORT}"

    def roll(self, version: str) -> Rollout:
        hosts = tuple(Host(f"{role}-0", role, "127.0.0.1", "127.0.0.1", "admin") for role in Role)
        told = Wiring(self.stack, hosts, Outputs(api_url=self.proxy), Secrets(SECRETS))
        return Rollout(
            self.host,
            hosts,
            wish=told.wish,
            update=self.stack.update,
            listener=self._heard,
            cancelled=threading.Event(),
            who="ada@laptop",
            login=lambda host: containers.login_of(self.stack, host.role, version),
        )

    def _heard(self, event: Event) -> None:
        assert isinstance(event, HostStep)
        self.events.append(event)

    def deploy(self, version: str, *roles: Role) -> Ended:
        rollout = self.roll(version)
        return rollout.go(rollout.inspect(roles or tuple(Role), Images(version)))

    def facts(self, role: str) -> dict[str, Any]:
        host = Host(f"{role}-0", Role(role), "127.0.0.1", "127.0.0.1", "admin")
        answer = self.host.call(host, {"op": "inspect", "roles": [role]})
        found: dict[str, Any] = answer["facts"]["roles"][role]
        return found

    def upstream(self, *, drain: bool) -> dict[str, Any]:
        """An order to the proxy."""
        host = Host("api_lb-0", Role.API_LB, "127.0.0.1", "127.0.0.1", "admin")
        return self.host.call(host, {"op": "upstream", "name": "api-0", "drain": drain})

    def images(self) -> dict[str, list[str]]:
        return {role: self.host.running(role) for role in NAMES}

    def shown(self) -> set[str]:
        """Clients that the API knows, asked over the proxy."""
        request = urllib.request.Request(
            f"{self.proxy}/api/v1/clients", headers={"Authorization": f"Bearer {VIEWER}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return set(re.findall(r'"id":"([^"]+)"', answer.read().decode()))
        except OSError:
            return set()


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    port = free_port()
    serving = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: docker_kit.answers("127.0.0.1", port), "Redis does not answer")
        yield f"redis://127.0.0.1:{port}"
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait(20)


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: Engine,
    registry: Registry,
    redis: str,
) -> Iterator[World]:
    compose = bool(getattr(request, "param", False))
    if compose and not shutil.which("docker-compose"):
        v2 = engine.try_run("docker", "compose", "version")
        if v2.returncode != 0:
            pytest.skip("neither version of compose is installed")
    # Those of a host of its own may be somebody else's here.
    for module, name in (
        (wiring, "API_PORT"),
        (wiring, "HTTP_PORT"),
        (wiring, "BESIDE_PORT"),
        (containers, "METRICS_PORT"),
    ):
        monkeypatch.setattr(module, name, free_port())
    tmp_path.chmod(0o755)
    yield World(tmp_path, engine, registry, redis, compose=compose)
    engine.remove_containers()


@pytest.mark.parametrize("world", [True, False], ids=["compose", "docker-run"], indirect=True)
def test_a_system_comes_up_is_upgraded_and_goes_back(world: World, registry: Registry) -> None:
    ended = world.deploy("1.0.0")
    assert ended.ok, ended.failed
    assert world.images() == {
        role: [f"{registry.address}/{name}:1.0.0"] for role, name in NAMES.items()
    }
    wait_until(lambda: world.shown() == {"shop-client-0"}, "the agent is not shown")
    with urllib.request.urlopen(f"{world.proxy}/", timeout=5) as page:
        assert b"<script" in page.read()
    for role in NAMES:
        seen = world.facts(role)
        assert (seen["ready"], seen["version"], seen["drift"]) == (True, "1.0.0", []), role

    moved = world.upstream(drain=True)
    assert moved["drained"] is (moved["sessions"] == 0)
    assert world.upstream(drain=False)["drained"] is False

    again = world.deploy("1.0.0")
    assert {host.name for host in again.same} == {f"{role}-0" for role in NAMES}

    ended = world.deploy("2.0.0")
    assert ended.ok, ended.failed
    assert world.images() == {
        role: [f"{registry.address}/{name}:2.0.0"] for role, name in NAMES.items()
    }
    wait_until(lambda: world.shown() == {"shop-client-0"}, "the agent did not come back")
    assert ended.versions["api-0"] == "2.0.0"

    back = world.roll("2.0.0").back([Role.API])
    assert back.ok, back.failed
    assert world.host.running("api") == [f"{registry.address}/mad-api:1.0.0"]
    assert world.facts("api")["version"] == "1.0.0"
    named = world.roll("2.0.0").back([Role.API], "2.0.0")
    assert named.versions == {"api-0": "2.0.0"}

    # The password goes with each order to pull, and stays nowhere.
    assert registry.password not in world.host.said
    assert registry.password not in "".join(world.host.system.commands)
    files = (world.host.places.opt).rglob("*")
    assert not [one for one in files if one.is_file() and registry.password in text_of(one)]
    assert AGENT not in "".join(world.host.system.commands) + world.host.said


def text_of(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def test_a_bad_release_is_taken_back(world: World, registry: Registry) -> None:
    good = [f"{registry.address}/mad-api:1.0.0"]
    assert world.deploy("1.0.0", Role.API).ok
    before = world.host.engine.run("docker", "ps", "--quiet").split()
    for version, why, untouched in (
        ("3.0.0-refuses", "refuses its configuration", True),
        ("9.9.9", "cannot be pulled", True),
        ("3.0.0-unready", "it is not ready", False),
        ("3.0.0-ends", "refuses its configuration", True),
        ("3.0.0-other", "it says that it is 2.0.0, not 3.0.0-other", False),
    ):
        ended = world.deploy(version, Role.API)
        ((host, error),) = ended.failed
        assert (host.name, why in error.sentence) == ("api-0", True), error.sentence
        assert world.host.running("api") == good
        seen = world.facts("api")
        assert (seen["version"], seen["ready"]) == ("1.0.0", True)
        now = world.host.engine.run("docker", "ps", "--quiet").split()
        # What was refused before it ran has cost nobody a session.
        assert (now == before) or not untouched
    assert world.deploy("1.0.0", Role.API).ok


def test_without_a_login_it_says_what_is_needed(world: World) -> None:
    stack = world.stack
    world.stack = replace(stack, containers=Containers(registry=stack.containers.registry))
    world.host.engine.forget(*world.host.engine.images())
    ((_, error),) = world.deploy("1.0.0", Role.WEB).failed
    assert "cannot be pulled" in error.sentence
    assert "[containers] username and password_file" in error.remedy
    assert world.images()["web"] == []


def test_an_image_of_somebody_else_gets_the_variables_of_the_original(
    world: World, registry: Registry
) -> None:
    """One that knows no `/ready` and says no version: it is known by its tag."""
    engine = world.host.engine
    told(engine.mad("image", "build", "--role", "api", "--tag", "base"))
    name = f"{registry.address}/theirs/api"
    engine.run("docker", "tag", "mad-api:base", f"{name}:v7")
    with_line(engine, "mad-api:base", "ENV MAD_API_ANONYMOUS=true", f"{name}:v8")
    world.stack = replace(
        world.stack, containers=replace(world.stack.containers, api=name, registry=None)
    )
    engine.run("docker", "login", "-u", registry.user, "-p", registry.password, registry.address)
    for tag in ("v7", "v8"):
        engine.run("docker", "push", "--quiet", f"{name}:{tag}")
    engine.run("docker", "logout", registry.address)
    engine.forget("mad-api:base", f"{name}:v7", f"{name}:v8")
    ended = world.deploy("v8", Role.API)
    assert ended.ok, [(error, error.tail) for _, error in ended.failed]
    assert world.host.running("api") == [f"{name}:v8"]
    (id,) = engine.run("docker", "ps", "--quiet").split()
    said = dict(
        one.split("=", 1)
        for one in json.loads(engine.run("docker", "inspect", id))[0]["Config"]["Env"]
        if "=" in one
    )
    port = str(world.stack.redis.url).rpartition(":")[2]
    assert (said["PORT"], said["REDIS_HOST"], said["REDIS_PORT"]) == (
        *(str(wiring.API_PORT), "127.0.0.1"),
        port,
    )


def test_a_role_that_goes_leaves_nothing(world: World) -> None:
    assert world.deploy("1.0.0", Role.WEB).ok
    host = Host("web-0", Role.WEB, "127.0.0.1", "127.0.0.1", "admin")
    done = world.host.call(host, {"op": "remove", "role": "web", "drain_s": 20})
    assert done == {"stopped": ["1"], "removed": True}
    assert world.host.engine.run("docker", "ps", "--all", "--quiet") == ""
    assert not [one for one in world.host.engine.images() if "mad-web" in one]
    assert not world.host.places.role("web").exists()
