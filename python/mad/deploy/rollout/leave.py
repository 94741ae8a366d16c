"""Machines that are about to be removed: what they serve goes elsewhere first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mad.deploy.events import HostState, HostStep, Listener
from mad.deploy.hosts.model import Host, HostError
from mad.deploy.rollout.move import MOVE_S, SPARE_S, Calls
from mad.deploy.rollout.run import Ended
from mad.deploy.stack.settings import Role

DRAIN_S = 75.0
"""How long what runs on a machine may take to end: a node's own deadline, and some."""
PARALLEL = 16


def leave(
    calls: Calls, hosts: Sequence[Host], leaving: Sequence[Host], listener: Listener, who: str
) -> None:
    """Proxies give the sessions of the nodes that leave to those that stay, then all that runs on
    the leaving ones ends as by an orderly stop. One that cannot be asked is said, and removed all
    the same: its sessions are cut."""
    proxies = [host for host in hosts if host.role == Role.API_LB and host not in leaving]

    def one(host: Host) -> None:
        def tell(state: HostState, text: str, remedy: str = "") -> None:
            listener(HostStep(host.name, host.role.value, state, text, 0.0, remedy))

        def progress(event: dict[str, Any]) -> None:
            if "text" in event:
                tell(HostState.RUNNING, str(event["text"]))

        tell(HostState.RUNNING, "drains")
        if host.role == Role.API:
            for proxy in proxies:
                _moved(calls, proxy, host, progress)
        order = {"op": "drain", "role": host.role.value, "deadline_s": DRAIN_S, "who": who}
        try:
            done = calls.call(host, order, on_event=progress, deadline_s=DRAIN_S + SPARE_S)
        except HostError as error:
            tell(HostState.FAILED, f"it was not drained: {error.sentence}", error.remedy)
            return
        left = int(done.get("sessions") or 0)
        tell(HostState.DONE, f"drained, {left} sessions were cut" if left else "drained")

    if leaving:
        with ThreadPoolExecutor(min(PARALLEL, len(leaving))) as pool:
            list(pool.map(one, leaving))


def _moved(
    calls: Calls, proxy: Host, host: Host, progress: Callable[[dict[str, Any]], None]
) -> None:
    order = {"op": "upstream", "name": host.name, "drain": True, "deadline_s": MOVE_S}
    try:
        calls.call(proxy, order, on_event=progress, deadline_s=MOVE_S + SPARE_S)
    except HostError as error:
        progress({"text": f"{proxy.name} does not move its sessions: {error.sentence}"})


def removed(
    calls: Calls, hosts: Sequence[Host], listener: Listener, who: str, ended: Ended
) -> None:
    """Drains, then nothing of the roles stays on these hosts."""

    def one(host: Host) -> HostError | None:
        listener(HostStep(host.name, host.role.value, HostState.RUNNING, "is removed", 0.0))
        order = {"op": "remove", "role": host.role.value, "drain_s": DRAIN_S, "who": who}
        try:
            calls.call(host, order, deadline_s=DRAIN_S + SPARE_S)
        except HostError as error:
            step = HostStep(
                *(host.name, host.role.value, HostState.FAILED, error.sentence, 0.0, error.remedy)
            )
            listener(step)
            return error
        listener(HostStep(host.name, host.role.value, HostState.DONE, "removed", 0.0))
        return None

    with ThreadPoolExecutor(max(1, min(PARALLEL, len(hosts)))) as pool:
        for host, error in zip(hosts, pool.map(one, hosts), strict=True):
            if error is None:
                ended.switched.append(host)
            else:
                ended.failed.append((host, error))
