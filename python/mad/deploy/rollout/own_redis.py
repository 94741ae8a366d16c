"""The Redis of given machines whose stack file names none: on the first of several nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mad.deploy.events import HostState, HostStep, Listener
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.plan.desired import REDIS_PORT
from mad.deploy.rollout.move import Calls
from mad.deploy.stack.settings import Role, Stack

INSTALL_S = 2000.0
"""What a host may take for its package and the start, whoever else installs there."""
REMOVE_S = 90.0


def place(stack: Stack, hosts: Iterable[Host]) -> Host | None:
    """Where it is; None: this stack needs none of its own."""
    nodes = [host for host in hosts if host.role == Role.API]
    if stack.hosts is None or stack.redis.url is not None or len(nodes) < 2:
        return None
    return nodes[0]


def bring(calls: Calls, host: Host, password: str, listener: Listener) -> HostError | None:
    """Is there and runs, before a node that needs it. Does nothing when it is so already."""
    order = {"op": "redis", "address": host.inside, "port": REDIS_PORT, "password": password}
    try:
        calls.call(host, order, on_event=_progress(host, listener), deadline_s=INSTALL_S)
    except HostError as error:
        listener(
            HostStep(
                *(host.name, host.role.value, HostState.FAILED, error.sentence, 0.0),
                remedy=error.remedy,
                tail=error.tail,
            )
        )
        return error
    return None


def remove(calls: Calls, host: Host, listener: Listener) -> HostError | None:
    """With all in it."""
    try:
        calls.call(host, {"op": "redis", "remove": True}, deadline_s=REMOVE_S)
    except HostError as error:
        step = (host.name, host.role.value, HostState.FAILED, error.sentence, 0.0, error.remedy)
        listener(HostStep(*step))
        return error
    return None


def _progress(host: Host, listener: Listener) -> Callable[[dict[str, Any]], None]:
    def on_event(event: dict[str, Any]) -> None:
        if "text" in event:
            state, text = HostState.RUNNING, str(event["text"])
            listener(HostStep(host.name, host.role.value, state, text))

    return on_event
