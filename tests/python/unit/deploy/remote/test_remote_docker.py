"""Generations that are containers: each is replaced by the next, and the engine is there when it is
needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_docker import LOGIN, DockerHost, docker_switch, image
from fake_host import SECRET


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DockerHost:
    monkeypatch.setattr("os.chown", lambda *_: None)
    found = DockerHost(tmp_path, monkeypatch)
    found.prepare()
    found.registry = {image(one) for one in ("1.0.0", "2.0.0", "3.0.0", "4.0.0", "5.0.0")}
    return found


def facts(host: DockerHost) -> dict[str, Any]:
    found: dict[str, Any] = host.ask("inspect", roles=["api"])["facts"]["roles"]["api"]
    return found


def test_a_container_replaces_another_and_the_one_before_returns(host: DockerHost) -> None:
    done = host.ask("switch", **docker_switch("1.0.0"))
    assert (done["changed"], done["generation"], done["version"]) == (True, 1, "1.0.0")
    seen = facts(host)
    assert (seen["active"], seen["ready"], seen["drift"], seen["sessions"]) == (True, True, [], 7)
    assert host.ask("switch", **docker_switch("1.0.0"))["changed"] is False

    host.commands.clear()
    assert host.ask("switch", **docker_switch("2.0.0"))["version"] == "2.0.0"
    assert host.running() == [image("2.0.0")]
    order = [one.split()[1] for one in host.commands if one.startswith("docker ")]
    # The image is there before the old container goes, and that has gone before the new one comes.
    assert order.index("pull") < order.index("stop") < order.index("run", order.index("stop"))

    assert host.ask("rollback", role="api", to=None)["version"] == "1.0.0"
    assert host.running() == [image("1.0.0")]
    assert host.ask("rollback", role="api", to="2.0.0")["version"] == "2.0.0"


@pytest.mark.parametrize("compose", [("docker compose",), ("docker-compose",), ()])
def test_any_compose_will_do_and_none_too(host: DockerHost, compose: tuple[str, ...]) -> None:
    host.compose = compose
    assert host.ask("switch", **docker_switch("1.0.0"))["changed"] is True
    ups = [one for one in host.commands if " up -d" in one]
    runs = [one for one in host.commands if one.startswith("docker run --detach")]
    assert (len(ups), len(runs)) == ((1, 0) if compose else (0, 1))
    if not compose:
        folder = host.places.role("api")
        (words,) = runs
        assert f"--volume {folder}/1/config/api.toml:/etc/mad/api.toml:ro" in words
        assert f"--volume {folder}/run:/run/mad" in words
        assert "--env PRICE=5$ " in words
        assert "--user 0:0 --read-only --cap-drop ALL" in words


@pytest.mark.parametrize("package", ["docker.io", "docker-cli"])
def test_docker_is_installed_when_it_is_missing(host: DockerHost, package: str) -> None:
    host.installed, host.package = False, package
    assert host.ask("switch", **docker_switch("1.0.0"))["changed"] is True
    installs = [one for one in host.commands if " install " in one]
    wanted = list(dict.fromkeys(("docker.io", package)))
    assert [one.rpartition(" ")[2] for one in installs] == wanted
    assert all("DPkg::Lock::Timeout=300" in one for one in installs)


def test_a_role_that_leaves_takes_its_containers_along(host: DockerHost) -> None:
    for version in ("1.0.0", "2.0.0"):
        host.ask("switch", **docker_switch(version))
    assert host.ask("remove", role="api", drain_s=10.0) == {"stopped": ["2"], "removed": True}
    assert (host.containers, host.local) == ({}, set())


def test_a_login_is_used_for_the_pull_alone(host: DockerHost) -> None:
    assert host.ask("switch", **docker_switch("1.0.0", login=LOGIN))["changed"] is True
    assert [list(one) for one in host.logins] == [["registry.example.org"]]
    told = host.places.generation("api", 1) / "generation.json"
    assert LOGIN["password"] not in told.read_text() + "".join(host.commands)
    folder = [one.split()[2] for one in host.commands if one.startswith("docker --config")]
    assert not Path(folder[0]).exists()


def test_an_image_that_is_not_there_changes_nothing(host: DockerHost) -> None:
    host.ask("switch", **docker_switch("1.0.0"))
    error = host.ask("switch", **docker_switch("9.9.9"))["error"]
    assert error["code"] == "refused"
    assert error["sentence"] == f"the image {image('9.9.9')} cannot be pulled"
    assert error["remedy"] == "push it: `python -m mad.deploy image push`"
    assert host.running() == [image("1.0.0")]
    assert not [one for one in host.commands if one.startswith("docker stop")]


def test_a_configuration_that_is_refused_changes_nothing(host: DockerHost) -> None:
    host.ask("switch", **docker_switch("1.0.0"))
    host.refuses = {image("2.0.0")}
    error = host.ask("switch", **docker_switch("2.0.0"))["error"]
    assert (error["code"], error["tail"]) == ("gate", "no; token …")
    assert host.running() == [image("1.0.0")]
    assert SECRET not in str(host.events)


def test_what_is_never_ready_is_taken_back(host: DockerHost) -> None:
    host.ask("switch", **docker_switch("1.0.0"))
    host.silent = {image("2.0.0")}
    error = host.ask("switch", **docker_switch("2.0.0"))["error"]
    assert error["code"] == "gate"
    assert host.running() == [image("1.0.0")]
    assert (facts(host)["version"], facts(host)["ready"]) == ("1.0.0", True)


def test_systemd_gives_way_to_containers_and_comes_back(host: DockerHost) -> None:
    host.ask("switch", **host.staged("api", "0.9.0"))
    assert host.serving("api") == ["0.9.0"]
    assert host.ask("switch", **docker_switch("1.0.0"))["changed"] is True
    # Neither the socket nor a reboot brings the native one back.
    assert (host.serving("api"), host.sockets, host.enabled("api")) == ([], set(), [])
    assert host.running() == [image("1.0.0")]
    assert host.ask("rollback", role="api", to="0.9.0")["version"] == "0.9.0"
    assert (host.serving("api"), host.running()) == (["0.9.0"], [])
    assert host.sockets == {"mad-api.socket"}


def test_a_native_release_is_there_again_when_a_container_is_not_well(host: DockerHost) -> None:
    host.ask("switch", **host.staged("api", "0.9.0"))
    host.silent = {image("1.0.0")}
    assert host.ask("switch", **docker_switch("1.0.0"))["error"]["code"] == "gate"
    assert (host.serving("api"), host.running()) == (["0.9.0"], [])


def test_old_containers_go_with_their_generation(host: DockerHost) -> None:
    for version in ("1.0.0", "2.0.0", "3.0.0", "4.0.0", "5.0.0"):
        assert host.ask("switch", **docker_switch(version))["changed"] is True
    kept = {one["image"] for one in host.containers.values()}
    assert image("1.0.0") not in kept
    assert image("1.0.0") not in host.local
    assert {image("3.0.0"), image("4.0.0"), image("5.0.0")} <= kept


def test_a_switch_that_died_at_any_step_is_mended(host: DockerHost) -> None:
    host.ask("switch", **docker_switch("1.0.0"))
    wanted = docker_switch("2.0.0")
    for step in range(1, 200):
        if not host.killed_at(step, "switch", **wanted):
            break
        assert len(host.running()) <= 1
        assert host.ask("switch", **docker_switch("1.0.0")).get("version") == "1.0.0", step
        assert host.running() == [image("1.0.0")]
    else:
        raise AssertionError("it never came to its end")
    assert host.running() == [image("2.0.0")]


@pytest.mark.parametrize(
    ("answers", "listens", "well"),
    [
        ({"/ready": 200}, False, True),
        ({"/ready": 503, "/health": 200}, True, False),
        ({"/ready": 404, "/health": 200}, False, True),
        ({"/ready": 404, "/health": 404}, False, True),
        ({"/ready": 404, "/health": 500}, False, False),
        ({}, True, True),
        ({}, False, False),
    ],
)
def test_an_image_of_somebody_else_is_known_by_its_tag(
    host: DockerHost, answers: dict[str, int], listens: bool, well: bool
) -> None:
    host.others, host.listens = answers, listens
    done = host.ask("switch", **docker_switch("1.0.0", own=False))
    assert ("changed" in done) is well, done
    assert not [one for one in host.commands if "--check" in one]
    if well:
        assert (facts(host)["ready"], facts(host)["version"]) == (True, "1.0.0")
