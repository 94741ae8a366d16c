"""What of a stack is there, and where it is reached: read out of what was observed."""

from __future__ import annotations

from dataclasses import dataclass

from mad.deploy.plan.desired import REDIS_PORT
from mad.deploy.plan.model import EndpointFacts, Found, InstanceFacts, Observed
from mad.deploy.plan.specs import InstanceSpec, Kind
from mad.deploy.stack.settings import Role, Stack


@dataclass(frozen=True, slots=True)
class Host:
    """One machine."""

    name: str
    """The slot: `api-0`."""
    role: Role
    state: str
    address: str | None
    """Where ssh reaches it: the public one, else the private one."""
    id: str | None = None
    private_ip: str | None = None
    private_dns: str | None = None
    type: str | None = None
    image: str | None = None
    zone: str | None = None
    version: str | None = None
    """The release on it; None: none yet."""
    hostkey: str | None = None
    hostkey_next: str | None = None
    """One that it may serve already."""
    hostkey_first: bool = False
    """Whether `hostkey` came with the user data."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the rest of the world needs."""

    api_url: str | None = None
    web_url: str | None = None
    redis: str | None = None
    """A URL without the password."""


@dataclass(frozen=True, slots=True)
class Status:
    name: str
    region: str
    account: str
    outputs: Outputs
    hosts: tuple[Host, ...]
    wanted: tuple[tuple[Role, int], ...]
    """How many machines of each role the stack file has."""
    held_by: str | None = None
    """Who works on it just now."""

    def of(self, role: Role) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.role == role)


def of(stack: Stack, observed: Observed) -> Status:
    """A slot that is being replaced is its newest machine."""
    around = observed.surroundings
    hosts = _hosts(observed)
    return Status(
        stack.name,
        around.region,
        around.account,
        _outputs(stack, observed, hosts),
        hosts,
        _wanted(stack),
    )


def of_hosts(stack: Stack) -> Status:
    """Of the machines that the stack file itself names."""
    hosts = tuple(
        Host(f"{role}-{number}", role, "given", address)
        for role, addresses in (stack.hosts or {}).items()
        for number, address in enumerate(addresses)
    )
    front = next((host.address for host in hosts if host.role == Role.API_LB), None)
    web = next((host.address for host in hosts if host.role == Role.WEB), None)
    outputs = Outputs(
        _url(stack, front), _url(stack, stack.web.domain or web), _redis_of_hosts(stack, hosts)
    )
    return Status(stack.name, stack.region, "", outputs, hosts, _wanted(stack))


def _redis_of_hosts(stack: Stack, hosts: tuple[Host, ...]) -> str | None:
    """The one that the stack file names; else several nodes have one on the first of them."""
    nodes = [host.address for host in hosts if host.role == Role.API and host.address]
    if stack.redis.url is not None:
        return _bare(stack.redis.url)
    return f"redis://{_shown(nodes[0])}:{REDIS_PORT}" if len(nodes) > 1 else None


def _wanted(stack: Stack) -> tuple[tuple[Role, int], ...]:
    return tuple((role, stack.machines(role).count) for role in Role)


def _hosts(observed: Observed) -> tuple[Host, ...]:
    elastic = {
        found.spec.name: found.facts.host
        for found in observed.of(Kind.ELASTIC_IP)
        if isinstance(found.facts, EndpointFacts)
    }
    newest: dict[str, Found] = {}
    for found in sorted(observed.of(Kind.INSTANCE), key=_launched):
        newest[found.spec.name] = found
    order = list(Role)
    hosts = [_host(found, elastic.get(name)) for name, found in newest.items()]
    return tuple(sorted(hosts, key=lambda host: (order.index(host.role), *_natural(host.name))))


def _natural(name: str) -> tuple[str, int]:
    head, _, number = name.rpartition("-")
    return (head, int(number)) if number.isdigit() else (name, 0)


def _launched(found: Found) -> tuple[str, str]:
    facts = found.facts
    return (facts.launched if isinstance(facts, InstanceFacts) else None) or "", found.id


def _host(found: Found, elastic: str | None) -> Host:
    spec, facts = found.spec, found.facts
    assert isinstance(spec, InstanceSpec)
    seen = facts if isinstance(facts, InstanceFacts) else InstanceFacts("unknown")
    return Host(
        name=spec.name,
        role=spec.role,
        state=seen.state,
        address=elastic or seen.public_ip or seen.private_ip,
        id=found.id,
        private_ip=seen.private_ip,
        private_dns=seen.private_dns,
        type=spec.type,
        image=spec.image,
        zone=spec.zone,
        version=seen.version,
        hostkey=seen.hostkey,
        hostkey_next=seen.hostkey_next,
        hostkey_first=seen.hostkey_first,
    )


def _outputs(stack: Stack, observed: Observed, hosts: tuple[Host, ...]) -> Outputs:
    front = next((host.address for host in hosts if host.role == Role.API_LB), None)
    balancer = _endpoint(observed, Kind.LOAD_BALANCER)
    web = stack.web.domain or (balancer.host if balancer else None)
    return Outputs(_url(stack, front), _url(stack, web), _redis(stack, observed))


def _endpoint(observed: Observed, kind: Kind) -> EndpointFacts | None:
    facts = [found.facts for found in observed.of(kind)]
    return next((one for one in facts if isinstance(one, EndpointFacts)), None)


def _redis(stack: Stack, observed: Observed) -> str | None:
    if stack.redis.url is not None:
        return _bare(stack.redis.url)
    endpoint = _endpoint(observed, Kind.REDIS)
    if endpoint is None or endpoint.host is None:
        return None
    scheme = "rediss" if stack.redis.tls else "redis"
    return f"{scheme}://{endpoint.host}:{endpoint.port or REDIS_PORT}"


def _url(stack: Stack, host: str | None) -> str | None:
    if host is None:
        return None
    return f"{'https' if stack.tls else 'http'}://{_shown(host)}/"


def _bare(url: str) -> str:
    """Without the password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
