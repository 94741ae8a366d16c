"""What a machine is told at its first boot: only what must be so before ssh reaches it. All else is
done over ssh, where it can be seen and repeated."""

from __future__ import annotations

import json
import re

from mad.deploy.cloud.host_key import HostKey
from mad.deploy.stack.settings import Stack

LIMIT = 16 * 1024
"""Bytes that EC2 takes."""

_USERS = {"ubuntu": "ubuntu", "debian": "admin", "al2023": "ec2-user"}


def image_user(image: str) -> str:
    """Who an image lets in by itself: `ubuntu-24.04` has `ubuntu`, `debian-13` `admin`, `al2023`
    `ec2-user`. Of an image given by its id nothing is known; most are Ubuntu's."""
    return _USERS.get(image.partition("-")[0], "ubuntu")


def user(stack: Stack, image: str) -> str:
    """Whom ssh logs in as."""
    return stack.ssh.user or image_user(image)


def host_name(stack: str, slot: str) -> str:
    """`mad-x-api-lb-0`: what a host may be called (RFC 1123: letters, digits, hyphens, 63)."""
    return re.sub(r"[^a-z0-9]+", "-", f"{stack}-{slot}".lower()).strip("-")[-63:].strip("-")


def render(stack: Stack, slot: str, image: str, key: HostKey) -> str:
    """A cloud-config. JSON is YAML, so nothing in it needs another way of quoting. Holds the
    private half of the host key: not for output. Raises ValueError past `LIMIT`."""
    config: dict[str, object] = {
        "hostname": host_name(stack.name, slot),
        "preserve_hostname": False,
        "manage_etc_hosts": "localhost",
        # The host's own packages are left to the first run over ssh: it would have to wait.
        "package_update": False,
        "package_upgrade": False,
        "ssh_pwauth": False,
        "disable_root": True,
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": key.private, "ed25519_public": key.public},
        "write_files": [
            {
                "path": "/etc/mad/slot",
                "permissions": "0644",
                "content": f"stack={stack.name}\nslot={slot}\n",
            }
        ],
    }
    if user(stack, image) != image_user(image):
        # Renames the image's own user: the key and sudo go to this one.
        config["user"] = user(stack, image)
    text = "#cloud-config\n" + json.dumps(config, indent=1) + "\n"
    if len(text.encode()) > LIMIT:
        raise ValueError(f"the user data of {slot} is longer than the {LIMIT} bytes EC2 takes")
    return text
