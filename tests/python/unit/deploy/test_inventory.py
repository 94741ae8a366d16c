"""The inventory, as Ansible and ssh themselves read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mad.deploy import inventory
from mad.deploy.stack.settings import Machines, Network, Role, Ssh, Stack
from mad.deploy.status import Host, Outputs, Status

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIYjcBRCtlE7GRxhmHYYdUZzLNHnoZ7L4PvEtLYOQcRe"
BIN = Path(sys.executable).parent


def host(name: str, zone: str, state: str = "running", **more: Any) -> Host:
    role = Role(name.rpartition("-")[0])
    number = len(name) + int(name[-1])
    return Host(
        name,
        role,
        state,
        address=f"203.0.113.{number}",
        id=f"i-{name}",
        private_ip=f"172.31.0.{number}",
        image=more.pop("image", "ubuntu-24.04"),
        zone=f"eu-west-2{zone}",
        hostkey=KEY,
        **more,
    )


STATUS = Status(
    "x",
    "eu-west-2",
    "1",
    Outputs("http://203.0.113.9/", "http://web.example/", "rediss://redis.example:6379"),
    (
        host("api-0", "a"),
        host("api-1", "b", image="al2023"),
        host("api_lb-0", "a"),
        host("client-0", "c", image="debian-13"),
        host("web-0", "b"),
        host("web-1", "c", state="stopped"),
    ),
    (),
)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    key = tmp_path / "a key"
    key.write_text("private")
    public = tmp_path / "a key.pub"
    public.write_text(KEY)
    return Stack("x", "eu-west-2", ssh=Ssh(public_key=public, private_key=key))


@pytest.fixture
def program(tmp_path: Path, stack: Stack) -> Path:
    """An executable that answers as `mad-inventory` does."""
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(inventory.ansible(stack, STATUS)))
    file = tmp_path / "inventory"
    file.write_text(f"#!/bin/sh\ncat '{answer}'\n")
    file.chmod(0o755)
    return file


def ansible(tmp_path: Path, program: str, *words: str) -> str:
    done = subprocess.run(
        [BIN / program, *words],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return done.stdout


def test_ansible_reads_the_groups_of_the_old_playbooks_and_ours(
    tmp_path: Path, program: Path
) -> None:
    seen = json.loads(ansible(tmp_path, "ansible-inventory", "-i", str(program), "--list"))
    for group, hosts in (
        ("tag_Name_api", ["api-0", "api-1"]),
        ("tag_Name_api_lb", ["api_lb-0"]),
        ("tag_Name_client", ["client-0"]),
        # One that is stopped is in no group: playbooks could not reach it.
        ("tag_Name_web", ["web-0"]),
        ("zone_eu_west_2a", ["api-0", "api_lb-0"]),
        ("zone_eu_west_2b", ["api-1", "web-0"]),
        ("zone_eu_west_2c", ["client-0"]),
    ):
        assert seen[group]["hosts"] == hosts
    for role in Role:
        assert seen[role.value]["children"] == [f"tag_Name_{role}"]
    assert set(seen["_meta"]["hostvars"]) == {"api-0", "api-1", "api_lb-0", "client-0", "web-0"}


def test_ansible_knows_how_to_reach_each_host(tmp_path: Path, stack: Stack, program: Path) -> None:
    seen = {
        name: json.loads(ansible(tmp_path, "ansible-inventory", "-i", str(program), "--host", name))
        for name in ("api-0", "api-1", "client-0")
    }
    assert seen["api-0"]["ansible_host"] == "203.0.113.5"
    assert seen["api-0"]["ansible_ssh_private_key_file"] == str(stack.ssh.private_key)
    assert seen["api-0"]["mad_redis"] == "rediss://redis.example:6379"
    assert [one["ansible_user"] for one in seen.values()] == ["ubuntu", "ec2-user", "admin"]


def test_patterns_of_playbooks_find_hosts(tmp_path: Path, program: Path) -> None:
    told = ansible(
        tmp_path, "ansible", "-i", str(program), "tag_Name_api:&zone_eu_west_2b", "--list-hosts"
    )
    assert told.split() == ["hosts", "(1):", "api-1"]


def test_a_stack_without_machines_is_an_inventory_too(stack: Stack) -> None:
    empty = inventory.ansible(stack, replace(STATUS, hosts=(), outputs=Outputs()))
    assert empty["_meta"] == {"hostvars": {}}
    assert empty["tag_Name_api"] == {"hosts": []}


def effective(config: Path, name: str) -> dict[str, str]:
    """What ssh itself makes of a configuration."""
    done = subprocess.run(
        ["ssh", "-G", "-F", str(config), name],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def test_ssh_reads_its_configuration_and_trusts_one_key(tmp_path: Path, stack: Stack) -> None:
    config = tmp_path / "ssh.conf"
    config.write_text(inventory.ssh_config(stack, STATUS))
    seen = effective(config, "x-api-1")
    assert (seen["hostname"], seen["user"]) == ("203.0.113.6", "ec2-user")
    assert seen["identityfile"] == str(stack.ssh.private_key)
    assert seen["hostkeyalias"] == "x-api-1"
    assert seen["stricthostkeychecking"] == "true"
    assert seen["knownhostscommand"] == f"/bin/echo x-api-1 {KEY}"


def test_private_hosts_are_reached_over_the_proxy(tmp_path: Path, stack: Stack) -> None:
    private = replace(stack, network=Network(private=True), api=Machines(2))
    config = tmp_path / "ssh.conf"
    config.write_text(inventory.ssh_config(private, STATUS))
    assert effective(config, "x-api-0")["proxyjump"] == "x-api_lb-0"
    assert "proxyjump" not in effective(config, "x-api_lb-0")

    told = inventory.variables(private, STATUS, STATUS.hosts[0])["ansible_ssh_common_args"]
    done = subprocess.run(
        ["sh", "-c", f"ssh -G -F none {told} 172.31.0.5"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    command = next(line for line in done.stdout.splitlines() if line.startswith("proxycommand "))
    assert "-o HostKeyAlias=x-api_lb-0" in command
    assert f"'KnownHostsCommand=/bin/echo x-api_lb-0 {KEY}'" in command
    assert command.endswith("ubuntu@203.0.113.8")


@pytest.mark.parametrize(
    "hostkey",
    [None, "", f"{KEY}\n    ProxyCommand evil", "ssh-ed25519 x", f"{KEY} ; true", "ssh-rsa AAAA"],
)
def test_a_tag_that_is_no_key_gives_no_options(stack: Stack, hostkey: str | None) -> None:
    one = replace(STATUS.hosts[0], hostkey=hostkey)
    status = replace(STATUS, hosts=(one,))
    assert inventory.known_hosts(stack, one) is None
    assert "ansible_ssh_common_args" not in inventory.variables(stack, status, one)
    config = inventory.ssh_config(stack, status)
    assert "evil" not in config
    assert "KnownHosts" not in config
