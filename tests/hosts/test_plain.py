"""A stack of machines that are there already: no AWS is asked, and all else works."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_kit import Fleet, wait_until
from hosts_world import Machine, World

ADDRESSES = {
    "api-0": "172.31.1.1",
    "api_lb-0": "172.31.1.2",
    "client-0": "172.31.1.3",
    "api-1": "172.31.1.4",
}
"""The last is not in the stack file at first."""
STACK = """\
name = "rack"

[ssh]
private_key = "key"
user = "admin"

[hosts]
api = ["172.31.1.1"]
api_lb = ["172.31.1.2"]
web = ["172.31.1.2"]
client = ["172.31.1.3"]

[update]
min_healthy_time = "2s"
healthy_deadline = "30s"
"""


class Rack(Fleet):
    """Without a local AWS: whoever asks one fails."""

    def environment(self) -> dict[str, str]:
        bare = {
            name: value
            for name, value in super().environment().items()
            if not name.startswith("AWS_")
        }
        return bare | {"AWS_EC2_METADATA_DISABLED": "true"}

    def machine(self, slot: str) -> Machine:
        return self.world.machines[ADDRESSES[slot]]

    def trust(self) -> None:
        """What an operator does once, at a terminal."""
        place = self.folder / "config" / "mad" / "stacks" / "rack"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = self.world.run("ssh-keyscan", "-t", "ed25519", *ADDRESSES.values()).stdout
        file = place / "known_hosts"
        file.write_text(told)
        file.chmod(0o600)

    def redis_says(self, password: str) -> str:
        """To a ping of another machine."""
        words = ("redis-cli", "--no-auth-warning", "-h", "172.31.1.1", "-a", password, "ping")
        return self.world.run(*words, check=False).stdout.strip()


@pytest.fixture(scope="module")
def rack(programs: Path, console: Path) -> Iterator[Rack]:
    folder = Path(tempfile.mkdtemp(prefix="madp-", dir=os.environ.get("MAD_WORLD_DIR", "/var/tmp")))
    try:
        with World(folder / "w") as world:
            rack = Rack(world, folder / "operator", programs, console)
            (rack.folder / "mad.toml").write_text(STACK)
            for number, (slot, address) in enumerate(ADDRESSES.items()):
                world.machines[address] = Machine(
                    f"p{number}",
                    address,
                    world=world.name,
                    folder=world.folder / f"p{number}",
                    user="admin",
                    authorized=(rack.folder / "key.pub").read_text(),
                    hostname=slot.replace("_", "-"),
                )
            for address in ADDRESSES.values():
                wait_until(
                    lambda at=address: bool(  # type: ignore[misc]
                        world.run("ssh-keyscan", "-t", "ed25519", at, check=False).stdout
                    ),
                    f"no sshd at {address}",
                )
            yield rack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_an_unknown_host_key_is_shown_and_nothing_is_done(rack: Rack) -> None:
    done = rack.change("up", code=1)
    assert "shows a host key that is not known: SHA256:" in done.text
    assert "known_hosts" in done.text


def test_up_from_nothing(rack: Rack) -> None:
    rack.trust()
    done = rack.change("up")
    print(f"up on three given machines: {done.seconds:.1f} s")
    assert set(done.end["switched"]) == {"api-0", "api_lb-0", "client-0", "web-0"}
    place = rack.folder / "config" / "mad" / "stacks" / "rack"
    assert place.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in place.iterdir()} == {0o600}
    viewer = (place / "token-viewer").read_text().strip()
    wait_until(
        lambda: "rack-client-0" in rack.hosts_shown("http://172.31.1.2", viewer),
        "the API does not show the client",
    )
    status, page = rack.get("http://172.31.1.2/")
    assert status == 200
    assert "<!doctype html>" in str(page).lower()
    again = rack.change("up")
    assert again.end["switched"] == []
    assert again.end["ok"]


def test_status_and_commands_reach_them(rack: Rack) -> None:
    told = rack.deploy("status", "--json").text
    assert "172.31.1.1" in told
    said = rack.deploy("exec", "--role", "api", "--", "hostname").text
    assert "api-0" in said
    rack.deploy("drift", code=0)


def test_another_release_and_back(rack: Rack) -> None:
    rack.build("p2")
    done = rack.change("deploy", "--role", "api", *rack.release("p2"))
    assert done.end["switched"] == ["api-0"]
    assert rack.get("http://172.31.1.1:3000/ready")[1]["version"] == "p2"
    rack.change("rollback", "--role", "api")
    assert rack.get("http://172.31.1.1:3000/ready")[1]["version"] != "p2"


def test_one_at_a_time(rack: Rack) -> None:
    rack.build("p3")
    with rack.start("deploy", "--yes", "--json", "--role", "api", *rack.release("p3")) as first:
        assert first.stdout is not None
        for line in first.stdout:
            if "starts p3" in line:
                break
        held = rack.deploy("deploy", "--yes", "--role", "api", *rack.release("p3"), code=3)
        assert "`deploy` by" in held.text
        first.communicate(timeout=120)
        assert first.returncode == 0
    assert "Nobody holds the lock" in rack.deploy("unlock", "--yes").text


def test_a_changed_host_key_is_an_error(rack: Rack) -> None:
    keys = "/etc/ssh/ssh_host_ed25519_key"
    rack.on(
        "client-0",
        f"cp {keys} {keys}.kept && rm {keys} && ssh-keygen -q -t ed25519 -N '' -f {keys}"
        " && systemctl restart ssh",
    )
    done = rack.change("deploy", code=1)
    assert "client-0" in done.text
    assert "host key" in done.text
    rack.on("client-0", f"mv {keys}.kept {keys} && systemctl restart ssh")
    assert rack.change("deploy", "--role", "client").end["ok"]


def test_who_may_not_become_root_is_told_so(rack: Rack) -> None:
    rule = "/etc/sudoers.d/world"
    rack.on("client-0", f"mv {rule} /root/kept")
    done = rack.change("deploy", code=1)
    rack.on("client-0", f"mv /root/kept {rule}")
    assert "client-0" in done.text
    assert "sudo" in done.text
    assert rack.change("deploy", "--role", "client").end["switched"] == []


def test_a_second_node_brings_a_redis(rack: Rack) -> None:
    one, two = 'api = ["172.31.1.1"]', 'api = ["172.31.1.1", "172.31.1.4"]'
    (rack.folder / "mad.toml").write_text(STACK.replace(one, two))
    done = rack.change("up")
    print(f"a second node, and Debian's redis-server: {done.seconds:.1f} s")
    assert {"api-0", "api-1", "api_lb-0"} <= set(done.end["switched"])
    told = rack.on("api-0", "systemctl is-active mad-redis redis-server || true").split()
    assert told == ["active", "inactive"]
    place = rack.folder / "config" / "mad" / "stacks" / "rack"
    secret = (place / "redis-auth").read_text().strip()
    assert rack.redis_says(secret) == "PONG"
    assert rack.redis_says("wrong") != "PONG"
    viewer = (place / "token-viewer").read_text().strip()
    for node in ("172.31.1.1", "172.31.1.4"):
        wait_until(
            lambda at=node: "rack-client-0" in rack.hosts_shown(f"http://{at}:3000", viewer),  # type: ignore[misc]
            f"the node at {node} does not know the client",
        )
    again = rack.change("up")
    assert again.end["switched"] == []
    rack.on("api-0", "systemctl stop mad-redis")
    assert rack.change("deploy").end["ok"]
    assert rack.on("api-0", "systemctl is-active mad-redis || true").strip() == "active"


def test_destroy_takes_it_off_and_leaves_the_machines(rack: Rack) -> None:
    rack.change("destroy")
    for slot in ADDRESSES:
        assert rack.on(slot, "ls /opt/mad/roles 2>/dev/null || true").split() == []
        units = rack.on(slot, "systemctl list-units --plain --no-legend 'mad-*' --state=running")
        assert units.strip() == ""
        assert rack.on(slot, "ls /etc/systemd/system | grep -c ^mad- || true").strip() == "0"
    assert (
        rack.on("api-0", "ls -d /var/lib/mad-redis /etc/mad/redis.conf 2>/dev/null || true").strip()
        == ""
    )
