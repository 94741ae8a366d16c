"""Whatever happens to the system, afterwards every console shows of every host what it last said.

The order of faults is random; its seed is printed, and MAD_FAULTS_SEED plays it again.
MAD_FAULTS_MINUTES says for how long (default: 1.5; all of them once take some 4),
MAD_FAULTS_ONLY takes those with a word in their name."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import time
from pathlib import Path

import pytest
from faults import in_random_order
from fleet import Agent, Console, agrees
from relay import Relay
from system import BIN, NODES, System

AGENTS = 20
LIMIT_S = 60.0
"""From the end of a fault to the last console that shows all again."""


async def play(folder: Path, seed: int, minutes: float) -> None:
    system = System(folder)
    await system.start()
    agents = [Agent(f"agent-{n}") for n in range(AGENTS)]
    consoles = [Console("at the proxy")] + [Console(f"at node {n}") for n in range(NODES)]
    try:
        for agent in agents:
            await agent.start(f"http://127.0.0.1:{system.links['agents'].port}")
        await consoles[0].start(f"http://127.0.0.1:{system.proxy.port}")
        for n in range(NODES):
            await consoles[1 + n].start(f"http://127.0.0.1:{system.nodes[n].port}")
        await agrees(agents, consoles, LIMIT_S)
        until, survived = time.monotonic() + 60 * minutes, 0
        only = os.environ.get("MAD_FAULTS_ONLY", "")
        for fault in in_random_order(seed, only):
            if time.monotonic() > until:
                break
            began = time.monotonic()
            await fault.act(system)
            healed = time.monotonic()
            try:
                await agrees(agents, consoles, LIMIT_S)
            except AssertionError as error:
                raise AssertionError(f"after: {fault.name} (seed {seed}): {error}") from None
            survived += 1
            after = time.monotonic() - healed
            print(
                f"{fault.name}: {healed - began:.1f} s, all agree {after:.1f} s later", flush=True
            )
            for program in (system.redis, system.proxy, *system.nodes):
                assert program.crashed() == ""
            for console in consoles:
                assert console.wrong == [], f"{fault.name} (seed {seed})"
        seen = sum(console.updates for console in consoles)
        print(f"seed {seed}: {survived} faults survived, {seen} updates looked at", flush=True)
        assert survived > 0
    finally:
        for agent in agents:
            await agent.stop()
        for console in consoles:
            await console.stop()
        await system.stop()
        await asyncio.sleep(0.1)  # what was aborted is closed in a turn of its own
    gc.collect()  # what the clients' library has not closed is told of now


@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")  # of the clients' library
def test_all_agree_after_every_fault(tmp_path: Path) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server (apt-get install redis-server)")
    assert (BIN / "mad-api").exists()
    seed = int(os.environ.get("MAD_FAULTS_SEED", str(time.time_ns() % 1_000_000)))
    minutes = float(os.environ.get("MAD_FAULTS_MINUTES", "1.5"))
    print(f"seed {seed}")
    asyncio.run(play(tmp_path, seed, minutes))


def test_the_check_finds_a_console_that_is_behind() -> None:
    """Nothing passes a relay that is silent: that must be seen."""

    async def behind() -> None:
        agent, console = Agent("a"), Console("nowhere")
        with pytest.raises(AssertionError, match="is away"):
            await agrees([agent], [console], 0.2)

    asyncio.run(behind())


def test_a_relay_does_what_it_says() -> None:
    """Silence, slices, and a cut; else the faults would be none."""

    async def use() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(100):
                writer.write(data)
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        relay = Relay(server.sockets[0].getsockname()[1])
        await relay.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(b"through")
        assert await asyncio.wait_for(reader.readexactly(7), 10) == b"through"
        relay.weather.silent = True
        writer.write(b"held")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        relay.weather.silent = False
        assert await asyncio.wait_for(reader.readexactly(4), 10) == b"held"
        relay.cut()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 10)
        writer.transport.abort()
        await relay.stop()
        server.close()
        await asyncio.sleep(0.1)  # what was aborted is closed in a turn of its own

    asyncio.run(use())
