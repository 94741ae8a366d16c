"""The files of the system that a role needs on its host: units, settings of the kernel, the size of
the journal. Rendered from `infra/templates/systemd/hosts`."""

from __future__ import annotations

from collections.abc import Mapping

from mad import _paths
from mad.deploy.remote.protocol import UNITS, HostFile
from mad.deploy.stack.settings import Role

PROGRAMS: Mapping[Role, str] = {
    Role.API: "mad-api",
    Role.API_LB: "mad-proxy",
    Role.CLIENT: "mad-agent",
    Role.WEB: "mad-web",
}
MARK = "@credentials@"

KERNEL = """\
# Written by `mad deploy`: many connections come at once when an agent of each host reconnects.
net.core.somaxconn = 4096
net.ipv4.ip_local_port_range = 10240 65535
fs.file-max = 2097152
"""
KERNEL_OF_PROXY = "net.ipv4.tcp_tw_reuse = 1\n"
"""The proxy opens the connections to the nodes."""
JOURNAL = """\
# Written by `mad deploy`: programs log to the journal, which throws away the oldest by itself.
[Journal]
SystemMaxUse=200M
MaxRetentionSec=1month
"""


def files(
    role: Role, *, variables: Mapping[str, str], ports: tuple[int, ...]
) -> tuple[HostFile, ...]:
    """`variables`: of the environment, each with the name of the credential whose path it gets.
    `ports`: what the role listens on; none for the agent."""
    folder = _paths.infra() / "templates" / "systemd" / "hosts"
    program = PROGRAMS[role]
    unit = (folder / f"{program}@.service").read_text()
    found = [
        HostFile(f"{UNITS}/{program}@.service", unit.replace(MARK, _credentials(role, variables)))
    ]
    if ports:
        socket = (folder / f"{program}.socket").read_text()
        listens = "\n".join(f"ListenStream={port}" for port in ports)
        found.append(
            HostFile(f"{UNITS}/{program}.socket", socket.replace("ListenStream=@port@", listens))
        )
    if role == Role.CLIENT:
        text = (folder / "mad-agent.sysusers").read_text()
        found.append(HostFile("/etc/sysusers.d/mad-agent.conf", text))
    kernel = KERNEL + (KERNEL_OF_PROXY if role == Role.API_LB else "")
    found.append(HostFile(f"/etc/sysctl.d/60-mad-{role.replace('_', '-')}.conf", kernel))
    found.append(HostFile("/etc/systemd/journald.conf.d/mad.conf", JOURNAL))
    return tuple(found)


def _credentials(role: Role, variables: Mapping[str, str]) -> str:
    """systemd reads them as root and shows each instance a copy that only it can read."""
    folder = f"/opt/mad/roles/{role}/%i/credentials"
    loads = (f"LoadCredential={name}:{folder}/{name}" for name in sorted(set(variables.values())))
    says = (
        f"Environment={variable}=/run/credentials/%n/{name}"
        for variable, name in sorted(variables.items())
    )
    return "\n".join((*loads, *says))
