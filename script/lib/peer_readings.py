"""What others say of this machine, under names of our own: psutil, node_exporter, df, free and the
kernel's files. Counters end with `#`: they only grow, and are compared as differences."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

Reading = dict[str, float]
MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
NOT_WHOLE = re.compile(r"(loop|ram|zram|fd|sr)\d+")
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')


def whole_disks() -> list[str]:
    """Devices that are no part and not made of others, as the agent adds them up."""
    return [
        block.name
        for block in Path("/sys/block").iterdir()
        if not NOT_WHOLE.fullmatch(block.name) and not any((block / "slaves").glob("*"))
    ]


def from_psutil() -> Reading:
    out: Reading = {}
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    out |= {"mem.total": memory.total, "mem.avail": memory.available, "mem.pct": memory.percent}
    out |= {"swap.total": swap.total, "swap.used": swap.used}
    for name, value in zip(("load.1", "load.5", "load.15"), psutil.getloadavg(), strict=True):
        out[name] = value
    out["up"] = time.time() - psutil.boot_time()
    out["root.pct"] = psutil.disk_usage("/").percent
    out["agent.rss"] = psutil.Process().memory_info().rss
    for mode in MODES:
        out[f"cpu.{mode}#"] = getattr(psutil.cpu_times(), mode)
    for name, disk in psutil.disk_io_counters(perdisk=True, nowrap=False).items():
        out |= {f"disk.{name}.read#": disk.read_bytes, f"disk.{name}.written#": disk.write_bytes}
        out |= {f"disk.{name}.reads#": disk.read_count, f"disk.{name}.writes#": disk.write_count}
        out[f"disk.{name}.busy#"] = disk.busy_time / 1000
    for name, nic in psutil.net_io_counters(pernic=True, nowrap=False).items():
        out |= {f"nic.{name}.rx#": nic.bytes_recv, f"nic.{name}.tx#": nic.bytes_sent}
        out[f"nic.{name}.err#"] = nic.errin + nic.errout
        out[f"nic.{name}.drop#"] = nic.dropin + nic.dropout
    return out


def from_kernel() -> Reading:
    """Files that no tool shows as they are."""
    out: Reading = {}
    for name, short in (("cpu", "cpu"), ("memory", "mem"), ("io", "io")):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/pressure/{name}").read_text()
            for kind, total in re.findall(r"^(some|full).* total=(\d+)$", text, re.MULTILINE):
                out[f"psi.{short}.{kind}#"] = int(total) / 1e6
    out["up"] = float(Path("/proc/uptime").read_text().split()[0])
    out["procs.total"] = int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])
    return out


def _said(*command: str) -> list[list[str]]:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
        env=os.environ | {"LC_ALL": "C"},
    )
    return [line.split() for line in done.stdout.splitlines()]


def from_df() -> Reading:
    """The root alone: it is there in a container, too."""
    size, _, avail, percent = _said("df", "-P", "-B1", "/")[1][1:5]
    out: Reading = {"root.size": int(size), "root.avail": int(avail)}
    out["root.pct"] = int(percent.rstrip("%"))
    inodes = _said("df", "-P", "-i", "/")[1][4]
    if inodes != "-":
        out["root.ipct"] = int(inodes.rstrip("%"))
    return out


def from_free() -> Reading:
    rows = {row[0]: row[1:] for row in _said("free", "-b") if row[0].endswith(":")}
    memory, swap = [int(word) for word in rows["Mem:"]], [int(word) for word in rows["Swap:"]]
    out: Reading = {"mem.total": memory[0], "mem.avail": memory[5]}
    return out | {"swap.total": swap[0], "swap.used": swap[1]}


def parse_node_exporter(text: str) -> Reading:
    """The part of its metrics that the agent has, too."""
    out: Reading = {}

    def add(name: str, value: float) -> None:
        out[name] = out.get(name, 0) + value

    memory = {"MemTotal": "mem.total", "MemAvailable": "mem.avail", "SwapTotal": "swap.total"}
    simple = {f"node_memory_{theirs}_bytes": ours for theirs, ours in memory.items()}
    simple |= {"node_load1": "load.1", "node_load5": "load.5", "node_load15": "load.15"}
    pressure = {"cpu_waiting": "cpu.some", "io_waiting": "io.some", "io_stalled": "io.full"}
    pressure |= {"memory_waiting": "mem.some", "memory_stalled": "mem.full"}
    simple |= {f"node_pressure_{theirs}_seconds_total": f"psi.{ours}#"
               for theirs, ours in pressure.items()}  # fmt: skip
    disk = {"read_bytes": "read", "written_bytes": "written", "reads_completed": "reads"}
    disk |= {"writes_completed": "writes", "io_time_seconds": "busy"}
    nic = {"bytes": ("rx", "tx"), "errs": ("err", "err"), "drop": ("drop", "drop")}
    space = {"size_bytes": "size", "avail_bytes": "avail", "free_bytes": "free"}
    space |= {"files": "files", "files_free": "files_free"}
    for name, labels, number in SAMPLE.findall(text):
        value, label = float(number), dict(LABEL.findall(labels))
        if name in simple:
            out[simple[name]] = value
        elif name == "node_cpu_seconds_total":
            add(f"cpu.{label['mode']}#", value)
        elif found := re.fullmatch(r"node_disk_(\w+)_total", name):
            if found[1] in disk:
                out[f"disk.{label['device']}.{disk[found[1]]}#"] = value
        elif found := re.fullmatch(
            r"node_network_(receive|transmit)_(bytes|errs|drop)_total", name
        ):
            way = nic[found[2]][found[1] == "transmit"]
            add(f"nic.{label['device']}.{way}#", value)
        elif found := re.fullmatch(r"node_filesystem_(\w+)", name):
            if label.get("mountpoint") == "/" and found[1] in space:
                out[f"root.{space[found[1]]}"] = value
        elif name in ("node_time_seconds", "node_boot_time_seconds"):
            add("up", value if name == "node_time_seconds" else -value)
        elif name == "node_memory_SwapFree_bytes":
            out["swap.free"] = value
    if {"root.size", "root.free", "root.avail"} <= out.keys():
        used = out["root.size"] - out["root.free"]
        out["root.pct"] = 100 * used / (used + out["root.avail"])
    if out.get("root.files"):
        out["root.ipct"] = 100 * (1 - out["root.files_free"] / out["root.files"])
    if {"swap.total", "swap.free"} <= out.keys():
        out["swap.used"] = out["swap.total"] - out["swap.free"]
    return out


@contextlib.contextmanager
def node_exporter() -> Iterator[Callable[[], Reading] | None]:
    """One of our own until the block ends; None where it is not installed."""
    if (program := shutil.which("prometheus-node-exporter")) is None:
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    process = subprocess.Popen(
        [program, f"--web.listen-address={address}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def scrape() -> Reading:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            return parse_node_exporter(answer.read().decode())

    try:
        until = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError):
                scrape()
                break
            time.sleep(0.05)
        else:
            raise RuntimeError("node_exporter did not answer")
        yield scrape
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
