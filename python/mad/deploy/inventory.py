"""The machines of a stack as other tools want them: Ansible's dynamic inventory, ssh."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from mad.deploy.cloud.user_data import user
from mad.deploy.stack.keys import private_key_path
from mad.deploy.stack.settings import Role, Stack
from mad.deploy.status import Host, Status

GROUP = "tag_Name_{}"
"""Ansible groups have the names that the original's playbooks use."""
ZONE = "zone_{}"
_UP = ("running", "given")
_HOST_KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/]{60,}={0,2}")


def variables(stack: Stack, status: Status, host: Host) -> dict[str, Any]:
    """Of one host, as `--host NAME` gives them."""
    given: dict[str, Any] = {
        "ansible_host": host.address,
        "ansible_user": _user(stack, host),
        "mad_role": host.role.value,
        "mad_slot": host.name,
        "mad_stack": stack.name,
    }
    key = private_key_path(stack)
    if key is not None:
        given["ansible_ssh_private_key_file"] = str(key)
    words = _trust(stack, host)
    front = _front(stack, status, host)
    if front is not None:
        words["ProxyCommand"] = _over(stack, front)
    if words:
        given["ansible_ssh_common_args"] = shlex.join(_options(words))
    if host.hostkey:
        given["mad_host_key"] = host.hostkey
    known = {
        "private_ip": host.private_ip,
        "private_dns_name": host.private_dns,
        "instance_id": host.id,
        "availability_zone": host.zone,
        "mad_version": host.version,
    }
    return given | {name: value for name, value in known.items() if value is not None}


def ansible(stack: Stack, status: Status) -> dict[str, Any]:
    """What `--list` gives: the machines that run, in a group for each role by the original's name
    and by ours and in one for each zone, and what all of them know of each other."""
    up = [host for host in status.hosts if host.state in _UP]
    found: dict[str, Any] = {
        "_meta": {"hostvars": {host.name: variables(stack, status, host) for host in up}},
        "all": {
            "children": [GROUP.format(role) for role in Role],
            "vars": {
                "mad_api_url": status.outputs.api_url,
                "mad_web_url": status.outputs.web_url,
                "mad_redis": status.outputs.redis,
            },
        },
    }
    for role in Role:
        found[GROUP.format(role)] = {"hosts": [host.name for host in up if host.role == role]}
        found[role.value] = {"children": [GROUP.format(role)]}
    for host in up:
        if host.zone is not None:
            # A hyphen in a group's name is a warning to Ansible.
            group = found.setdefault(ZONE.format(host.zone.replace("-", "_")), {"hosts": []})
            group["hosts"].append(host.name)
    return found


def ssh_config(stack: Stack, status: Status) -> str:
    """For `~/.ssh/config`, or `ssh -F`: each slot by its name, with the host key that it was given
    when it was made."""
    key = private_key_path(stack)
    blocks = []
    for host in status.hosts:
        if host.address is None:
            continue
        lines = {"HostName": host.address, "User": _user(stack, host)}
        if key is not None:
            lines |= {"IdentityFile": _quoted(str(key)), "IdentitiesOnly": "yes"}
        front = _front(stack, status, host)
        if front is not None:
            lines["ProxyJump"] = _alias(stack, front)
        blocks.append(_block(_alias(stack, host), lines | _trust(stack, host)))
    return "\n".join(blocks)


def known_hosts(stack: Stack, host: Host) -> str | None:
    """The line of a known-hosts file, by the name that `HostKeyAlias` has in all of these: an
    address may be another machine's tomorrow."""
    if not host.hostkey or not _HOST_KEY.fullmatch(host.hostkey):
        # Whoever may write tags must not write options.
        return None
    return f"{_alias(stack, host)} {host.hostkey}"


def _trust(stack: Stack, host: Host) -> dict[str, str]:
    """Options by which ssh takes the host's own key and no other. OpenSSH 8.5 and later."""
    line = known_hosts(stack, host)
    if line is None:
        return {}
    return {
        "HostKeyAlias": _alias(stack, host),
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": "none",
        "KnownHostsCommand": f"/bin/echo {line}",
    }


def _over(stack: Stack, front: Host) -> str:
    """A command that reaches a host over the proxy. `ProxyJump` would not take the proxy's key."""
    key = private_key_path(stack)
    words = [
        *(["-i", str(key)] if key is not None else []),
        *_options(_trust(stack, front)),
        f"{_user(stack, front)}@{front.address}",
    ]
    return f"ssh -W [%h]:%p {shlex.join(words)}"


def _options(given: Mapping[str, str]) -> list[str]:
    return [word for name, value in given.items() for word in ("-o", f"{name}={value}")]


def _front(stack: Stack, status: Status, host: Host) -> Host | None:
    """The proxy, for hosts that have no public address."""
    if not stack.network.private or host.role == Role.API_LB:
        return None
    return next((one for one in status.of(Role.API_LB) if one.address), None)


def _user(stack: Stack, host: Host) -> str:
    return user(stack, host.image or stack.machines(host.role).image)


def _alias(stack: Stack, host: Host) -> str:
    return f"{stack.name}-{host.name}"


def _block(name: str, lines: Mapping[str, str]) -> str:
    return f"Host {name}\n" + "".join(f"    {word} {value}\n" for word, value in lines.items())


def _quoted(path: str) -> str:
    return f'"{path}"' if shlex.quote(path) != path else path
