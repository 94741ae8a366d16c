"""How long it takes to bring a release to seven hosts, beside the same done by Ansible in the same
run: real hosts, booted here, in a stack of the local AWS."""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import BenchError
from .plan import BIN
from .report import align

if TYPE_CHECKING:
    from fleet_kit import Fleet

HEADING = "## Deploys"
ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = ROOT / "bench" / "peers" / "ansible" / "site.yml"
RUNS = 3
INVENTORY = "from mad.cli.deploy.inventory import main; main()"
AT_ONCE = '\n[update]\nmax_parallel = "100%"\ncanary = 0\nmin_healthy_time = "0s"\n'
WAYS = ("mad deploy", "mad deploy, all at once", "ansible-playbook")


@dataclass(slots=True)
class Figures:
    """Seconds of each run, by way."""

    same: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    changed: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    up: float = 0.0


def missing() -> str | None:
    for folder in ("tests/hosts", "tests/support"):
        if str(ROOT / folder) not in sys.path:
            sys.path.insert(0, str(ROOT / folder))
    from hosts_world.image import missing as no_hosts

    why = no_hosts()
    if why is not None:
        return why
    if importlib.util.find_spec("ansible") is None:
        return "no ansible: script/setup test installs it"
    names = ("mad-api", "mad-proxy", "mad-agent", "mad-web")
    lacks = [name for name in names if not (BIN / name).exists()]
    if lacks or not (ROOT / "console" / "dist" / "index.html").exists():
        return f"no {', '.join(lacks) or 'console'}: build the preset `release` and the console"
    return None


def measure(progress: Callable[[str], None]) -> Figures:
    from fleet_kit import Fleet
    from hosts_world import World

    figures = Figures()
    folder = Path(tempfile.mkdtemp(prefix="madb-", dir="/var/tmp"))
    try:
        with World(folder / "w") as world:
            fleet = Fleet(world, folder / "operator", BIN, ROOT / "console" / "dist")
            figures.up = fleet.change("up").seconds
            progress(f"up from nothing: {figures.up:.1f} s")
            _playbook(fleet, BIN)
            for run in range(RUNS):
                _once(fleet, f"r{run}", figures, progress)
    except (AssertionError, RuntimeError) as error:
        raise BenchError(str(error)[-500:]) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def _once(fleet: Fleet, name: str, figures: Figures, progress: Callable[[str], None]) -> None:
    file = fleet.folder / "mad.toml"
    usual = file.read_text()
    for way in WAYS:
        programs = fleet.folder / f"{name}-{WAYS.index(way)}"
        programs.mkdir()
        for program in BIN.glob("mad-*"):
            # Another file that does the same: one byte more at its end.
            (programs / program.name).write_bytes(program.read_bytes() + name.encode())
            (programs / program.name).chmod(0o755)
        if way == WAYS[2]:
            changed, same = (lambda: _playbook(fleet, programs),) * 2  # noqa: B023
        else:
            words = ("--version", programs.name, "--binaries", str(programs))
            changed, same = (lambda: fleet.change("deploy", *words).seconds,) * 2  # noqa: B023
        if way == WAYS[1]:
            file.write_text(usual.partition("[update]")[0] + AT_ONCE)
        try:
            for kind, do in (("changed", changed), ("same", same)):
                seconds = do()
                getattr(figures, kind)[way].append(seconds)
                progress(f"{way}, {kind}: {seconds:.1f} s")
        finally:
            file.write_text(usual)
            shutil.rmtree(programs)


def _playbook(fleet: Fleet, programs: Path) -> float:
    began = time.monotonic()
    inventory = fleet.folder / "inventory"
    if not inventory.exists():
        inventory.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{INVENTORY}" "$@"\n')
        inventory.chmod(0o755)
    environment = fleet.environment() | {
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_NOCOWS": "1",
        "ANSIBLE_HOME": str(fleet.folder / "ansible"),
        "LC_ALL": "C.UTF-8",
    }
    words = [sys.executable, "-m", "ansible", "playbook"]
    done = subprocess.run(
        fleet.world.inside(
            [*words, "-i", str(inventory), str(PLAYBOOK), "-e", f"programs={programs}"]
        ),
        env=environment,
        cwd=fleet.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"ansible-playbook: {done.stdout[-800:]}{done.stderr[-400:]}")
    return time.monotonic() - began


def section(figures: Figures, about: str) -> str:
    rows = [["by", "nothing changed", "programs of all 7 changed"]]
    rows += [[way, _seconds(figures.same[way]), _seconds(figures.changed[way])] for way in WAYS]
    return f"""{HEADING}

{about}

Seven Debian hosts (2 api, 1 api_lb, 2 client, 2 web), real sshd and systemd, on this machine; the
median of {RUNS} runs, least and most in brackets, seconds. `up` from nothing to the verified system
took {figures.up:.1f} s. `mad deploy` as it is by default goes host by host and waits until each was
healthy for its `min_healthy_time` (8 s here); “all at once” does neither (`max_parallel = "100%"`,
`canary = 0`, `min_healthy_time = "0s"`), as the playbook, which copies, restarts and does not look.
Its ssh is multiplexed and pipelined, with 10 forks.

{align(rows, 1)}
"""


def _seconds(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"
