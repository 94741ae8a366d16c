"""Images of the programs: built from scratch, pushed to a registry that asks for a password, pulled
from it, and run together as infra/containers/compose.yaml runs them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import docker_kit
import pytest
from docker_kit import ROOT, Engine, Registry, free_port, wait_until

TAG = "7.7.7"
NAMES = ("mad-api", "mad-api-lb", "mad-client", "mad-web")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    try:
        with docker_kit.engine() as found:
            yield found
    except docker_kit.Missing as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    try:
        with docker_kit.registry() as found:
            yield found
    except docker_kit.Missing as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def built(engine: Engine) -> Engine:
    done = engine.mad("image", "build", "--tag", TAG, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["image"] for one in told] == [f"{name}:{TAG}" for name in NAMES]
    assert all(one["id"].startswith("sha256:") for one in told)
    return engine


@pytest.fixture(scope="module")
def pulled(built: Engine, registry: Registry) -> dict[str, str]:
    """Images that came from the registry, by name."""
    at = f"{registry.address}/team"
    done = built.mad(
        *("image", "push", "--registry", at, "--tag", TAG, "--json"),
        *("--username", registry.user, "--password-stdin"),
        stdin=registry.password + "\n",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    names = {name: f"{at}/{name}:{TAG}" for name in NAMES}
    built.forget(*names.values(), *(f"{name}:{TAG}" for name in NAMES))
    built.run("docker", "login", "-u", registry.user, "-p", registry.password, registry.address)
    for name in names.values():
        built.run("docker", "pull", "--quiet", name)
    built.run("docker", "logout", registry.address)
    return names


def test_an_image_holds_the_program_and_nothing_else(built: Engine) -> None:
    container = built.run("docker", "create", "--network=none", f"mad-api:{TAG}").strip()
    try:
        files = built.run("sh", "-c", f"docker export {container} | tar -t").split()
    finally:
        built.run("docker", "rm", container)
    # What docker itself puts into each container.
    own = ("dev/", "proc/", "sys/", ".dockerenv", "etc/hostname", "etc/hosts", "etc/mtab",
           "etc/resolv.conf")  # fmt: skip
    assert sorted(one for one in files if not one.endswith("/") and not one.startswith(own)) == [
        *("etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt"),
        *("opt/mad/bin/mad-api", "opt/mad/manifest.json"),
    ]
    told = json.loads(built.run("docker", "image", "inspect", f"mad-api:{TAG}"))[0]["Config"]
    assert told["User"] == "65532:65532"
    assert told["Labels"]["org.opencontainers.image.version"] == TAG


def test_a_registry_lets_nobody_in_without_the_password(built: Engine, registry: Registry) -> None:
    words = ("image", "push", "--role", "web", "--tag", TAG, "--registry", registry.address)
    done = built.mad(*words)
    assert done.returncode == 1
    assert "sign in: --username NAME --password-stdin" in done.stderr
    done = built.mad(*words, "--username", "robot", "--password-stdin", stdin="wrong\n")
    assert done.returncode == 1
    assert f"{registry.address} does not let robot in" in done.stderr
    assert "wrong" not in done.stderr


def test_a_login_for_one_push_stays_nowhere(
    built: Engine, registry: Registry, pulled: dict[str, str]
) -> None:
    assert pulled
    config = built.home / "config.json"
    assert not config.exists() or registry.address not in config.read_text()


def test_without_an_engine_it_says_what_to_do(built: Engine, tmp_path: Path) -> None:
    done = built.mad("image", "build", PATH=str(tmp_path))
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "mad deploy: neither docker nor podman is installed here",
    )
    done = built.mad("image", "build", DOCKER_HOST=f"unix://{tmp_path}/none")
    assert done.returncode == 1
    assert "its engine does not answer" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("build", "--tag", "a b"), "'a b' cannot be a tag"),
        (("build", "--platform", "linux/arm64"), "are for linux/amd64, not for linux/arm64"),
        (("push", "--tag", TAG), "no registry is named"),
        (("push", "--registry", "https://registry.example.org"), "is no registry"),
        (("push", "--registry", "127.0.0.1:9", "--tag", "never"), "there is no image mad-api"),
        (("push", "--registry", "r.example.org", "--username", "x"), "belong together"),
        (("build", "--role", "proxy"), "proxy is no role"),
    ],
)
def test_what_cannot_be_is_said(built: Engine, words: tuple[str, ...], said: str) -> None:
    done = built.mad("image", *words)
    assert done.returncode == 1
    assert said in done.stderr


def test_pulled_images_are_a_system(pulled: dict[str, str], built: Engine) -> None:
    """The services of compose.yaml with its variables, on the network of this machine: there is no
    other in the test."""
    redis_port, ports = free_port(), {name: free_port() for name in ("a", "b", "lb", "web")}
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    redis = subprocess.Popen(
        ["redis-server", "--port", str(redis_port), "--save", "", "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
    )
    lb = f"http://127.0.0.1:{ports['lb']}"
    try:
        for node in ("a", "b"):
            run(built, pulled["mad-api"], PORT=ports[node], REDIS_HOST="127.0.0.1",
                REDIS_PORT=redis_port, MAD_API_ANONYMOUS="true", MAD_API_NODE_ID=node)  # fmt: skip
        upstreams = ",".join(f"{one}=http://127.0.0.1:{ports[one]}" for one in ("a", "b"))
        run(built, pulled["mad-api-lb"], MAD_PROXY_LISTEN=ports["lb"],
            MAD_PROXY_UPSTREAM=upstreams,
            MAD_PROXY_WEB=f"http://127.0.0.1:{ports['web']}")  # fmt: skip
        run(built, pulled["mad-client"], API_URL=lb, CLIENT_ID="in-a-container")
        run(built, pulled["mad-web"], MAD_WEB_LISTEN=ports["web"], API_URL=lb)
        for node in ("a", "b"):
            wait_until(lambda: ready(ports[node]), f"node {node} is not ready")  # noqa: B023
            assert ready(ports[node])["version"] == TAG
        clients = f"{lb}/api/v1/clients"
        wait_until(lambda: "in-a-container" in text_of(clients), "the agent is not shown")
        page = text_of(f"http://127.0.0.1:{ports['web']}/")
        assert "<script" in page
        # The page learns at run time where the API is.
        assert lb in text_of(f"http://127.0.0.1:{ports['web']}/config.json")
        # And the proxy serves it, too.
        assert text_of(f"{lb}/") == page
    finally:
        built.remove_containers()
        redis.send_signal(signal.SIGTERM)
        redis.wait(20)


def run(engine: Engine, image: str, **variables: object) -> None:
    """As compose.yaml hardens it."""
    said = [f"--env={name}={value}" for name, value in variables.items()]
    engine.run(
        *("docker", "run", "--detach", "--network=host", "--read-only", "--cap-drop=ALL"),
        *("--security-opt=no-new-privileges:true", *said, image),
    )


def text_of(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def ready(port: int) -> dict[str, str]:
    text = text_of(f"http://127.0.0.1:{port}/ready")
    return dict(json.loads(text)) if text else {}


COMPOSE = ROOT / "infra/containers/compose.yaml"


def composes() -> list[list[str]]:
    """Those that are here: v1, v2."""
    known = (["docker-compose"], ["docker", "compose"])
    return [
        one
        for one in known
        if shutil.which(one[0])
        and subprocess.run([*one, "version"], capture_output=True, check=False).returncode == 0
    ]


@pytest.fixture(scope="module")
def with_bridges() -> Iterator[Engine]:
    """An engine in a network of its own: containers there have each other's names."""
    try:
        with docker_kit.network() as space, docker_kit.engine(space) as found:
            docker_kit.lay_redis(found, "test-redis")
            done = found.mad("image", "build", "--tag", TAG)
            assert done.returncode == 0, done.stderr
            yield found
    except docker_kit.Missing as why:
        pytest.skip(str(why))


def test_a_port_below_1024_takes_one_right(with_bridges: Engine) -> None:
    """As the proxy and the console have it on hosts."""
    words = ["--network=host", "--read-only", "--cap-drop=ALL", "--user=0:0"]
    words += ["--security-opt=no-new-privileges:true", "--env=MAD_WEB_LISTEN=80"]
    image = f"mad-web:{TAG}"
    right = "--cap-add=NET_BIND_SERVICE"
    try:
        without = with_bridges.try_run("docker", "run", "--rm", *words, image)
        assert "cannot listen" in without.stdout + without.stderr
        assert with_bridges.fetch("http://127.0.0.1/") == ""
        with_bridges.run("docker", "run", "--detach", *words, right, image)
        wait_until(lambda: with_bridges.fetch("http://127.0.0.1/"), "it does not listen")
    finally:
        with_bridges.remove_containers()


def test_the_compose_file_runs_the_whole_system(with_bridges: Engine) -> None:
    if not composes():
        pytest.skip("neither docker-compose nor docker compose is here")
    settings = {"TAG": TAG, "REDIS_IMAGE": "test-redis", "API_URL": "http://the-proxy:8080"}
    said = [f"{name}={value}" for name, value in settings.items()]
    for compose in composes():
        command = ["env", *said, *compose, "-p", "whole", "-f", str(COMPOSE)]
        try:
            with_bridges.run(*command, "up", "-d")
            wait_until(
                lambda: "client-1" in with_bridges.fetch("http://127.0.0.1:8080/api/v1/clients"),
                "the proxy shows no client",
            )
            page = with_bridges.fetch("http://127.0.0.1:8081/")
            assert "<script" in page
            assert "the-proxy:8080" in with_bridges.fetch("http://127.0.0.1:8081/config.json")
            assert with_bridges.fetch("http://127.0.0.1:8080/") == page
            # Both nodes stand behind the proxy, and have one picture.
            names = with_bridges.run(*command, "ps", "--services").split()
            assert set(names) == {"redis", "api_1", "api_2", "api_lb", "client", "web"}
            running = with_bridges.run("docker", "ps", "--quiet").split()
            assert len(running) == 6
        finally:
            with_bridges.run(*command, "down", "--timeout", "3")
