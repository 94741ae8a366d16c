"""Samples again and again."""

from __future__ import annotations

import asyncio
import doctest
import gc
import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import mad
from mad import _health, _sampler

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.usefixtures("module")


@pytest.mark.parametrize("documented", [_sampler, _health])
def test_what_the_docs_show_is_so(documented: Any) -> None:
    done = doctest.testmod(documented)
    assert done.attempted > 0
    assert done.failed == 0


def test_a_for_gives_samples_with_rates() -> None:
    with mad.Sampler(interval=0.2) as sampler:
        taken = list(itertools.islice(sampler, 3))
    assert [health["cpu"]["pct"] >= 0 for health in taken] == [True] * 3
    assert taken[-1]["up"] >= taken[0]["up"]
    assert sampler.closed


def test_an_async_for_keeps_no_loop_waiting() -> None:
    async def main() -> tuple[int, int]:
        turns = samples = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.005)

        running = asyncio.create_task(others())
        with mad.Sampler(interval=0.2) as sampler:
            async for health in sampler:
                assert health["storage"] >= 0
                samples += 1
                if samples == 3:
                    break
        running.cancel()
        return samples, turns

    samples, turns = asyncio.run(main())
    assert samples == 3
    assert turns > 10


def test_closing_ends_a_for_of_another_thread_at_once() -> None:
    sampler = mad.Sampler(interval=60)
    seen: list[mad.Health] = []
    iterating = threading.Thread(target=lambda: seen.extend(sampler))
    iterating.start()
    sampler.close()
    sampler.close()
    iterating.join(10)
    assert not iterating.is_alive()
    assert seen == []


def test_closing_ends_an_async_for() -> None:
    async def main() -> int:
        sampler = mad.Sampler(interval=0.2)
        seen = 0
        async for _ in sampler:
            seen += 1
            sampler.close()
        return seen

    assert asyncio.run(main()) == 1


def test_a_closed_sampler_says_so() -> None:
    sampler = mad.Sampler()
    assert (sampler.interval, sampler.closed) == (2.5, False)
    sampler.close()
    with pytest.raises(ValueError, match="closed"):
        sampler.take()
    assert list(sampler) == []


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_closing_gives_the_files_back() -> None:
    before = open_files()
    sampler = mad.Sampler()
    assert open_files() > before
    sampler.close()
    gc.collect()
    assert open_files() == before


def test_a_sampler_may_be_shared_by_threads() -> None:
    failures: list[BaseException] = []
    with mad.Sampler() as sampler:

        def take() -> None:
            try:
                for _ in range(200):
                    assert sampler.take()["mem"]["total"] > 0
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert failures == []


def test_readings_too_close_have_no_rates() -> None:
    with mad.Sampler() as sampler:
        sampler.take()
        assert "cpu" not in sampler.take() or "pct" not in sampler.take()["cpu"]
        time.sleep(0.15)
        assert sampler.take()["cpu"]["pct"] >= 0


def test_it_looks_where_it_is_told(tmp_path: Path) -> None:
    data = ROOT / "tests/data/host/linux-6.1-kvm/before"
    with mad.Sampler(procfs=str(data / "proc"), sysfs=str(data / "sys")) as sampler:
        meminfo = (data / "proc/meminfo").read_text().split()
        assert sampler.take()["mem"]["total"] == int(meminfo[1]) * 1024
    with mad.Sampler(procfs=str(tmp_path)) as sampler:
        health = sampler.take()
        assert {"cpu", "mem", "net"} <= set(health["err"])
        assert (health["network"], "mem" in health) == (0, False)


def test_interfaces_are_chosen() -> None:
    with mad.Sampler(nics=["lo"]) as only, mad.Sampler(no_nics=["*"]) as none:
        time.sleep(0.15)
        assert [nic["n"] for nic in only.take()["net"]["ifs"]] == ["lo"]
        assert none.take().get("net", {}).get("ifs", []) == []


@pytest.mark.parametrize("interval", [0, 0.19, -1, 61, float("nan")])
def test_an_interval_out_of_range_is_refused(interval: float) -> None:
    with pytest.raises(ValueError, match="interval"):
        mad.Sampler(interval)


def test_a_scope_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="scope"):
        mad.Sampler(scope="machine")  # type: ignore[arg-type]


def test_a_name_is_no_list_of_names() -> None:
    with pytest.raises(TypeError, match="lists"):
        mad.Sampler(nics="eth0")


def test_machines_that_start_together_do_not_sample_together() -> None:
    phases = {_sampler.Pace(10).wait(taken=0, now=0) for _ in range(100)}
    assert len(phases) > 90
    assert min(phases) < 5 < max(phases)


def test_the_example_prints_lines() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples/python_sampler.py", "0.2", "3"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("cpu ")]
    assert len(lines) == 3
    assert all("fullest disk" in line and "?" not in line for line in lines)
