"""Resources and times in words for people."""

from __future__ import annotations

from collections.abc import Iterable

from mad.deploy.cloud.tags import role_of
from mad.deploy.events import HostState, HostStep
from mad.deploy.plan.model import Action, Verb
from mad.deploy.plan.specs import (
    CacheSubnetsSpec,
    ElasticIpSpec,
    InstanceSpec,
    KeyPairSpec,
    LoadBalancerSpec,
    RedisSpec,
    SecretSpec,
    SecurityGroupSpec,
    Spec,
    SubnetSpec,
    VpcSpec,
)

GROUPS = ("stack", "redis", "api", "api_lb", "client", "web")
TITLES = {"stack": "network and keys"}
SIGNS = {Verb.CREATE: "+", Verb.UPDATE: "~", Verb.DELETE: "-"}
DONE = {Verb.CREATE: "made", Verb.UPDATE: "changed", Verb.DELETE: "removed"}
COLOURS = {"+": "green", "~": "yellow", "-": "red", "±": "magenta"}


def title(group: str) -> str:
    return TITLES.get(group, group)


def group_of(action: Action) -> str:
    """The role that an action is shown under."""
    return role_of(action.spec)


def grouped(actions: Iterable[Action]) -> dict[str, list[Action]]:
    """In the order of `GROUPS`; empty groups are left out."""
    found: dict[str, list[Action]] = {group: [] for group in GROUPS}
    for action in actions:
        found[group_of(action)].append(action)
    return {group: given for group, given in found.items() if given}


def sign(action: Action) -> str:
    return SIGNS[action.verb]


def detail(spec: Spec) -> str:
    """What a resource is, shorter than a line."""
    match spec:
        case InstanceSpec():
            return _join(spec.type, spec.image, f"{spec.disk_gib} GiB", spec.zone)
        case RedisSpec():
            nodes = f"{spec.nodes} nodes" if spec.nodes > 1 else "1 node"
            safe = "TLS" if spec.tls else "no TLS"
            return _join(f"{spec.engine} {spec.version}".strip(), spec.type, nodes, safe)
        case LoadBalancerSpec():
            ports = ", ".join(str(one.port) for one in sorted(spec.listeners))
            return _join(spec.type, f"port {ports}" if ports else "", _zones(len(spec.zones)))
        case SecurityGroupSpec():
            rules = sorted(spec.ingress)
            return ", ".join(f"{_ports(one.first_port, one.last_port)} from {one.source}"
                             for one in rules) or "nothing comes in"  # fmt: skip
        case SubnetSpec():
            return _join(spec.cidr, spec.zone)
        case VpcSpec():
            return spec.cidr
        case CacheSubnetsSpec():
            return _zones(len(spec.subnets))
        case ElasticIpSpec():
            return f"for {spec.instance}" if spec.instance else "for no machine"
        case SecretSpec():
            return "made at random, kept in SSM"
        case KeyPairSpec():
            return spec.public_key.partition(" ")[0].removeprefix("ssh-")
    return ""


def _join(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _zones(count: int) -> str:
    return f"{count} zones" if count != 1 else "1 zone"


def _ports(first: int, last: int) -> str:
    if (first, last) in ((-1, -1), (0, 65535)):
        return "all ports"
    return str(first) if first == last else f"{first}-{last}"


def duration(seconds: float) -> str:
    """`4 s`, `2 min 5 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"


def money(usd: float) -> str:
    return f"${usd:,.2f}"


def money_change(usd: float) -> str:
    return f"{'+' if usd >= 0 else '-'}${abs(usd):,.2f}"


def counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


HOST_STYLES = {
    HostState.SAME: "dim",
    HostState.WAITING: "dim",
    HostState.DONE: "green",
    HostState.FAILED: "red",
    HostState.REVERTED: "yellow",
}


def host_step(step: HostStep) -> list[str]:
    """What happens on a host, in lines."""
    took = f" in {duration(step.seconds)}" if step.seconds >= 0.05 else ""
    said = {
        HostState.SAME: f"is up to date ({step.text})",
        HostState.WAITING: f"to do: {step.text}",
        HostState.RUNNING: step.text,
        HostState.DONE: f"serves {step.text}{took}",
        HostState.FAILED: f"failed: {step.text}",
        HostState.REVERTED: f"serves {step.text} again{took}",
    }[step.state]
    lines = [f"{step.host}: {said}"]
    if step.state is HostState.FAILED:
        lines += [f"  | {line}" for line in step.tail.strip().splitlines()[-20:]]
        if step.remedy:
            lines.append(f"  -> {step.remedy}")
    return lines
