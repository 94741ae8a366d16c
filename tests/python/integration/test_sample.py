"""One sample of this machine, compared with what the kernel says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import mad

pytestmark = pytest.mark.usefixtures("module")


def test_memory_and_uptime_agree_with_the_kernel() -> None:
    health = mad.sample(0.1)
    lines = Path("/proc/meminfo").read_text().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    assert health["mem"]["total"] == kib["MemTotal"] * 1024
    assert abs(health["mem"]["avail"] - kib["MemAvailable"] * 1024) < kib["MemTotal"] * 1024 / 5
    up = float(Path("/proc/uptime").read_text().split()[0])
    assert abs(health["up"] - up) < 5


def test_storage_is_the_fullest_filesystem_as_df_counts() -> None:
    health = mad.sample(0.1)
    assert 0 <= health["storage"] <= 100
    for disk in health.get("disk", []):
        if disk["m"] == "/":
            stat = os.statvfs("/")
            used = (stat.f_blocks - stat.f_bfree) / (stat.f_blocks - stat.f_bfree + stat.f_bavail)
            assert abs(disk["pct"] - 100 * used) < 1


def test_rates_are_over_the_interval() -> None:
    cpu = mad.sample(0.3)["cpu"]
    assert 0 <= cpu["pct"] <= 100
    assert len(cpu["cores"]) == os.cpu_count()


@pytest.mark.parametrize("interval", [0, 0.05, -1, 61, float("nan")])
def test_an_interval_out_of_range_is_refused(interval: float) -> None:
    with pytest.raises(ValueError, match="interval"):
        mad.sample(interval)


def test_other_threads_run_meanwhile() -> None:
    turns = 0
    sampling = threading.Thread(target=mad.sample, args=(0.3,))
    sampling.start()
    while sampling.is_alive():
        turns += 1
        time.sleep(0.005)
    assert turns > 10


def test_the_command_prints_the_sample_as_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mad", "sample", "--interval", "0.1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert json.loads(done.stdout).keys() >= {"storage", "network", "mem", "cpu"}
