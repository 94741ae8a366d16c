"""What a role is told when it runs in a container: its image, and a compose file that v1 and v2 of
compose read. Everything else is as under systemd."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from mad.deploy.hosts import units
from mad.deploy.images.engine import user_login
from mad.deploy.images.names import image as own_image
from mad.deploy.operations import OperationError
from mad.deploy.remote.protocol import UNITS, HostFile
from mad.deploy.stack.references import Reference, is_tag, reference
from mad.deploy.stack.settings import Role, Stack

FILE = "compose.yaml"
USER = "65532:65532"
"""Of our images."""
ROOT_USER = "0:0"
"""For ports below 1024: without any right of root's but that one."""
METRICS_PORT = 10119
"""Of the agent, on loopback: it listens nowhere else, and the gate has to ask it."""
DRAIN = "15s"
"""Nothing takes over while it goes, so it does not take long."""
HEAD = "# Written by `mad deploy`. JSON is YAML: both versions of compose read it.\n"
Values = Mapping[str, object]


def image_of(stack: Stack, role: Role, version: str) -> Reference:
    """Raises OperationError for a version that no tag can be."""
    if not is_tag(version):
        raise OperationError(
            f"{version} cannot be the tag of an image",
            "name another by --version: letters, digits, dots and hyphens",
        )
    given = stack.containers.of(role)
    if given is None:
        return own_image(role, version, stack.containers.registry)
    named = reference(given)
    return named if named.tag or named.digest else Reference(named.name, version)


def version_of(image: Reference) -> str:
    """What it counts as: its tag."""
    return image.tag or (image.digest or "").partition(":")[2][:12]


def release_of(image: Reference) -> str:
    """A name for the release that it is."""
    return f"{version_of(image)}-{hashlib.sha256(str(image).encode()).hexdigest()[:12]}"


def login_of(stack: Stack, role: Role, version: str) -> dict[str, str] | None:
    """For the registry that the role's image comes from: of the stack file, else of `docker login`
    here. Hosts get it with the order to pull."""
    registry = image_of(stack, role, version).registry
    given = stack.containers
    if given.username is not None and given.password_file is not None:
        try:
            password = given.password_file.read_text().splitlines()[0]
        except (OSError, IndexError) as error:
            raise OperationError(
                f"{given.password_file} holds no password", "write it into its first line"
            ) from error
        return {"registry": registry, "username": given.username, "password": password}
    found = user_login(registry)
    if found is None:
        return None
    return {"registry": registry, "username": found.username, "password": found.password}


def configuration(role: Role, native: Values) -> dict[str, object]:
    """The settings of a program of ours, changed for its container."""
    config = {key: value for key, value in native.items() if key != "handover"}
    if role == Role.CLIENT:
        # The trees of the machine that it is to show.
        trees = {"procfs": "/host/proc", "sysfs": "/host/sys", "rootfs": "/host/root"}
        return config | trees | {"metrics": f"127.0.0.1:{METRICS_PORT}"}
    return config | {"instance": "1", "instance_dir": "/run/mad", "drain_timeout": DRAIN}


def compose(
    stack: Stack,
    role: Role,
    slot: str,
    image: Reference,
    native: Values,
    variables: Mapping[str, str],
    ports: tuple[int, ...],
) -> str:
    """The text of the file. Paths in it count from the folder `config` of a generation."""
    own = stack.containers.of(role) is None
    program = units.PROGRAMS[role].replace("-", "_").upper()
    environment = {f"{program}_CONFIG": f"/etc/mad/{role}.toml"} if own else {}
    environment |= {name: f"/run/credentials/{file}" for name, file in sorted(variables.items())}
    if not own:
        environment |= original(role, native, ports)
    volumes = [f"./{role}.toml:/etc/mad/{role}.toml:ro", "../credentials:/run/credentials:ro"]
    service: dict[str, object] = {
        "image": str(image),
        "network_mode": "host",
        "restart": "unless-stopped",
        "stop_grace_period": "30s",
        "environment": {key: value.replace("$", "$$") for key, value in environment.items()},
        "labels": {
            "mad.stack": stack.name,
            "mad.role": role.value,
            "mad.slot": slot,
            "mad.own": "true" if own else "false",
        },
        "logging": {"driver": "json-file", "options": {"max-size": "20m", "max-file": "5"}},
    }
    if own:
        low = any(port < 1024 for port in ports)
        service |= {
            "user": ROOT_USER if low else USER,
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
        }
        if low:
            service["cap_add"] = ["NET_BIND_SERVICE"]
        if role == Role.CLIENT:
            volumes += ["/proc:/host/proc:ro", "/sys:/host/sys:ro", "/:/host/root:ro"]
        else:
            volumes.append("../../run:/run/mad")
    service["volumes"] = volumes
    return HEAD + json.dumps({"services": {role.value: service}}, indent=1) + "\n"


def original(role: Role, native: Values, ports: tuple[int, ...]) -> dict[str, str]:
    """The variables that images of the original take."""
    found: dict[str, str] = {}
    if ports:
        found["PORT"] = str(ports[0])
    redis = native.get("redis")
    if role == Role.API and redis:
        place = urlsplit(str(redis))
        found |= {"REDIS_HOST": place.hostname or "", "REDIS_PORT": str(place.port or 6379)}
    if role == Role.API_LB:
        upstreams = native.get("upstream")
        assert isinstance(upstreams, list)
        found["UPSTREAMS"] = ",".join(str(one).partition("=")[2] for one in upstreams)
    if role == Role.CLIENT:
        found |= {"API_URL": str(native["api"]), "CLIENT_ID": str(native["id"])}
    if role == Role.WEB:
        found["API_URL"] = str(native["api_url"])
    return found


def address(stack: Stack, role: Role, ports: tuple[int, ...]) -> str:
    """Where the gate asks a container that has no socket of ours; empty: nowhere."""
    own = stack.containers.of(role) is None
    if role == Role.CLIENT:
        return f"http://127.0.0.1:{METRICS_PORT}" if own else ""
    secure = role == Role.API_LB and stack.tls is not None
    return f"{'https' if secure else 'http'}://127.0.0.1:{ports[0]}" if ports else ""


def files(role: Role, variables: Mapping[str, str], ports: tuple[int, ...]) -> tuple[HostFile, ...]:
    """Of the system: the kernel's settings, and the journal's. No unit, and no user."""
    found = units.files(role, variables=variables, ports=ports)
    return tuple(one for one in found if not one.path.startswith((f"{UNITS}/", "/etc/sysusers.d/")))
