"""The machines of a stack as other tools want them: Ansible's dynamic inventory, ssh."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from mad.deploy.cloud.user_data import user
from mad.deploy.stack.keys import private_key_path
from mad.deploy.stack.settings import Role, Stack
from mad.deploy.status import Host, Status

GROUP = "tag_Name_{}"
"""Ansible groups have the names that the original's playbooks use."""


def variables(stack: Stack, status: Status, host: Host) -> dict[str, Any]:
    """Of one host, as `--host NAME` gives them."""
    given: dict[str, Any] = {
        "ansible_host": host.address,
        "ansible_user": user(stack, host.image or stack.machines(host.role).image),
        "mad_role": host.role.value,
        "mad_slot": host.name,
        "mad_stack": stack.name,
    }
    key = private_key_path(stack)
    if key is not None:
        given["ansible_ssh_private_key_file"] = str(key)
    jump = _jump(stack, status, host)
    if jump is not None:
        words = f"-o ProxyJump={jump}"
        given["ansible_ssh_common_args"] = words
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
    """What `--list` gives: a group for each role by the original's name and by ours, and what all
    hosts know of each other."""
    found: dict[str, Any] = {
        "_meta": {"hostvars": {host.name: variables(stack, status, host) for host in status.hosts}},
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
        found[GROUP.format(role)] = {"hosts": [host.name for host in status.of(role)]}
        found[f"role_{role}"] = {"children": [GROUP.format(role)]}
    return found


def ssh_config(stack: Stack, status: Status) -> str:
    """For `~/.ssh/config`, or `ssh -F`: each slot by its name, with the host key that it was given
    when it was made."""
    key = private_key_path(stack)
    blocks = []
    for host in status.hosts:
        if host.address is None:
            continue
        lines = {
            "HostName": host.address,
            "HostKeyAlias": f"{stack.name}-{host.name}",
            "User": user(stack, host.image or stack.machines(host.role).image),
        }
        if key is not None:
            lines |= {"IdentityFile": _quoted(str(key)), "IdentitiesOnly": "yes"}
        jump = _jump(stack, status, host)
        if jump is not None:
            lines["ProxyJump"] = f"{stack.name}-{Role.API_LB}-0"
        if host.hostkey:
            known = f"{stack.name}-{host.name} {host.hostkey}"
            lines |= {
                "StrictHostKeyChecking": "yes",
                "UserKnownHostsFile": "none",
                "KnownHostsCommand": f"/bin/echo {known}",
            }
        blocks.append(_block(f"{stack.name}-{host.name}", lines))
    return "\n".join(blocks)


def _block(name: str, lines: Mapping[str, str]) -> str:
    return f"Host {name}\n" + "".join(f"    {word} {value}\n" for word, value in lines.items())


def _quoted(path: str) -> str:
    return f'"{path}"' if shlex.quote(path) != path else path


def _jump(stack: Stack, status: Status, host: Host) -> str | None:
    """`user@address` of the proxy, for hosts that have no public address."""
    if not stack.network.private or host.role == Role.API_LB:
        return None
    front = next((one for one in status.of(Role.API_LB) if one.address), None)
    if front is None:
        return None
    name = user(stack, front.image or stack.api_lb.image)
    return f"{name}@{front.address}"
