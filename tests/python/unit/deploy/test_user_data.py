"""What a machine is told at its first boot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from mad.deploy.cloud import host_key, user_data
from mad.deploy.cloud.host_key import HostKey, HostKeyError
from mad.deploy.stack.settings import Machines, Ssh, Stack, Web

STACK = Stack(
    name="shop-x1y2",
    region="eu-west-2",
    api=Machines(1),
    api_lb=Machines(1),
    client=Machines(1),
    web=Web(Machines(1)),
)
KEY = HostKey("-----BEGIN OPENSSH PRIVATE KEY-----\nYWJj\n-----END…\n", "ssh-ed25519 AAAAC3")


def test_it_is_a_cloud_config_with_the_host_key_and_without_passwords_or_packages() -> None:
    text = user_data.render(STACK, "api_lb-0", "ubuntu-24.04", KEY)
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    assert config["hostname"] == "shop-x1y2-api-lb-0"
    assert config["ssh_keys"] == {"ed25519_private": KEY.private, "ed25519_public": KEY.public}
    assert config["ssh_pwauth"] is False
    assert config["package_update"] is False
    assert config["package_upgrade"] is False
    assert config["ssh_deletekeys"] is True
    assert config["write_files"][0]["content"] == "stack=shop-x1y2\nslot=api_lb-0\n"
    assert len(text) < 4096


@pytest.mark.parametrize(
    ("image", "asked", "logs_in_as", "told"),
    [
        ("ubuntu-24.04", None, "ubuntu", None),
        ("ubuntu-22.04", "ubuntu", "ubuntu", None),
        ("debian-12", None, "admin", None),
        ("debian-13", "ubuntu", "ubuntu", "ubuntu"),
        ("al2023", None, "ec2-user", None),
        ("al2023", "ops", "ops", "ops"),
        ("ami-0123456789abcdef0", None, "ubuntu", None),
        ("ami-0123456789abcdef0", "root2", "root2", "root2"),
    ],
)
def test_each_image_has_its_own_user_unless_the_stack_names_one(
    image: str, asked: str | None, logs_in_as: str, told: str | None
) -> None:
    stack = replace(STACK, ssh=Ssh(user=asked))
    assert user_data.user(stack, image) == logs_in_as
    assert yaml.safe_load(user_data.render(stack, "api-0", image, KEY)).get("user") == told


@pytest.mark.parametrize(
    ("stack", "slot", "name"),
    [
        ("Shop", "web-11", "shop-web-11"),
        ("a_b", "api_lb-0", "a-b-api-lb-0"),
        ("x" * 80, "api-0", "x" * 57 + "-api-0"),
    ],
)
def test_a_host_name_is_one_that_hosts_may_have(stack: str, slot: str, name: str) -> None:
    assert user_data.host_name(stack, slot) == name


def test_more_than_ec2_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="16384 bytes"):
        user_data.render(STACK, "api-0", "ubuntu-24.04", HostKey("x" * 20_000, "y"))


def test_a_host_key_is_new_each_time_and_its_private_half_shows_nowhere() -> None:
    one, other = host_key.make(), host_key.make()
    assert one.public != other.public
    assert one.public.startswith("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5")
    assert len(one.public) <= 256
    assert one.private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert "PRIVATE" not in repr(one)


def test_without_ssh_keygen_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostKeyError, match="openssh-client"):
        host_key.make()
