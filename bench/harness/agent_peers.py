"""Agents that are not ours: how each is run for the bench, from a folder and a configuration of its
own, telling nobody."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .plan import ROOT

INTERVAL_S = 2.5
TELEGRAF = ROOT / "build" / "tools" / "bin" / "telegraf"
"""Debian has none: script/bench builds it where Go is."""


@dataclass(frozen=True, slots=True)
class Peer:
    """An agent that is not ours."""

    name: str
    program: str
    does: str
    """What it is set up to do, for the table."""
    command: Callable[[Path, int], list[str]]
    """Writes what it needs into the folder; may serve the port, or send to it."""
    package: str = ""
    """Its Debian package, whose size counts; empty: the program is one file."""
    scraped: str = ""
    """The path that is asked for each interval."""
    sends: bool = False
    """Whether it sends datagrams to the port."""


def _node_exporter(_folder: Path, port: int) -> list[str]:
    return ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}"]


def _collectd(folder: Path, port: int) -> list[str]:
    plugins = ("cpu", "load", "memory", "swap", "df", "disk", "interface", "uptime", "processes")
    config = folder / "collectd.conf"
    config.write_text(
        f'BaseDir "{folder}"\nPIDFile "{folder}/pid"\nPluginDir "/usr/lib/collectd"\n'
        'TypesDB "/usr/share/collectd/types.db"\nHostname "bench"\nFQDNLookup false\n'
        f"Interval {INTERVAL_S}\n"
        + "".join(f"LoadPlugin {plugin}\n" for plugin in (*plugins, "network"))
        + f'<Plugin network>\n  Server "127.0.0.1" "{port}"\n</Plugin>\n'
    )
    return ["collectd", "-f", "-C", str(config)]


def _glances(folder: Path, _port: int) -> list[str]:
    config = folder / "glances.conf"
    config.write_text("[global]\ncheck_update=false\n")
    quiet = ["--disable-check-update", "--disable-autodiscover"]
    return ["glances", "-q", "-t", str(INTERVAL_S), "-C", str(config), *quiet]


def _netdata(folder: Path, port: int) -> list[str]:
    config = folder / "netdata.conf"
    names = ("cache", "lib", "log")
    for name in names:
        (folder / name).mkdir()
    # As Debian has it, but with its own folders, and telling nobody.
    (folder / ".opt-out-from-anonymous-statistics").touch()
    places = "".join(f"  {name} = {folder / name}\n" for name in names)
    config.write_text(
        f"[global]\n  run as user = {pwd.getpwuid(os.getuid()).pw_name}\n"
        f"[directories]\n  config = {folder}\n  home = {folder}\n{places}"
        f"[web]\n  bind to = 127.0.0.1\n  default port = {port}\n"
        "[cloud]\n  enabled = no\n[statsd]\n  enabled = no\n"
    )
    return ["netdata", "-D", "-c", str(config)]


def _telegraf(folder: Path, _port: int) -> list[str]:
    config = folder / "telegraf.conf"
    inputs = ("cpu", "mem", "swap", "disk", "diskio", "net", "system", "processes")
    every = f"{INTERVAL_S * 1000:.0f}ms"
    config.write_text(
        f'[agent]\n  interval = "{every}"\n  flush_interval = "{every}"\n  hostname = "bench"\n'
        + "".join(f"[[inputs.{name}]]\n" for name in inputs)
        + "[[outputs.discard]]\n"
    )
    return [str(TELEGRAF), "--config", str(config)]


PEERS = (
    Peer(
        "node_exporter",
        "prometheus-node-exporter",
        "default collectors, scraped each 2.5 s",
        _node_exporter,
        "prometheus-node-exporter",
        "/metrics",
    ),
    Peer(
        "collectd",
        "collectd",
        "9 plugins each 2.5 s, over UDP",
        _collectd,
        "collectd-core",
        sends=True,
    ),
    Peer("glances", "glances", "no screen, each 2.5 s, kept in memory", _glances, "glances"),
    Peer("netdata", "netdata", "as Debian has it: each 1 s, history", _netdata, "netdata-core"),
    Peer("telegraf", str(TELEGRAF), "8 inputs, each 2.5 s, thrown away", _telegraf),
)


def _package(name: str) -> tuple[str, int] | None:
    """Version and installed size of a Debian package."""
    query = ["dpkg-query", "-W", "-f", "${Version} ${Installed-Size}", name]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version, _, kb = done.stdout.partition(" ")
    return (version, int(kb) * 1024) if kb.isdecimal() else None


def installed(peer: Peer) -> tuple[str, int] | None:
    """Its version and its size in bytes; None when it is not here."""
    if (program := shutil.which(peer.program)) is None:
        return None
    if peer.package and (known := _package(peer.package)) is not None:
        return known
    path = Path(program)
    # What Go writes into each program about the module that it was built of.
    found = re.search(rb"\tgithub\.com/influxdata/telegraf\tv([\d.]+)", path.read_bytes())
    return found[1].decode() if found else "", path.stat().st_size
