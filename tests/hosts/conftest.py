from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_kit import ROOT, SLOTS, Fleet
from hosts_world import World
from hosts_world.image import missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    why = missing()
    if why is not None:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def programs() -> Path:
    """Static ones, as they go to hosts."""
    folder = Path(os.environ.get("MAD_RELEASE_BIN_DIR", ROOT / "build" / "release" / "bin"))
    assert (folder / "mad-api").exists(), f"no programs in {folder}: build the preset `release`"
    return folder


@pytest.fixture(scope="session")
def console() -> Path:
    folder = Path(os.environ.get("MAD_CONSOLE_DIR", ROOT / "console" / "dist"))
    assert (folder / "index.html").exists(), f"no console in {folder}: build it"
    return folder


@pytest.fixture(scope="session")
def fleet(programs: Path, console: Path) -> Iterator[Fleet]:
    """A world with the local AWS and nothing else in it yet."""
    # Short, as paths of sockets have to be, and not on a file system that is an overlay itself.
    folder = Path(tempfile.mkdtemp(prefix="madw-", dir=os.environ.get("MAD_WORLD_DIR", "/var/tmp")))
    try:
        with World(folder / "w") as world:
            yield Fleet(world, folder / "operator", programs, console)
            assert not world.trouble, world.trouble
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def up(fleet: Fleet) -> Fleet:
    """`up` from nothing: 2 api, 1 api_lb, 2 client, 2 web and Redis."""
    done = fleet.change("up")
    print(f"up from nothing to a verified system: {done.seconds:.1f} s")
    assert set(done.hosts("done")) == set(SLOTS)
    return fleet
