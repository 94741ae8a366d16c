"""mad-agent under valgrind: what it reads was written, what it takes it gives back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from agent_kit import BIN, LIMIT_S, awaited, is_seen, running

WRONG = 99
VALGRIND = [
    "valgrind",
    "--quiet",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=definite,indirect,possible",
    f"--error-exitcode={WRONG}",
]

pytestmark = pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="needs valgrind (apt-get install valgrind)"
)


@pytest.fixture
def nodes() -> list[str]:
    """The command of a node that keeps its address over a restart."""
    with running([str(BIN / "mad-api"), "--listen", "127.0.0.1:0"]) as first:
        assert first.stdout is not None
        url = first.stdout.readline().split()[2]
    return [str(BIN / "mad-api"), "--listen", url.removeprefix("http://")]


def test_the_check_finds_what_is_wrong(tmp_path: Path) -> None:
    source = tmp_path / "leak.c"
    source.write_text("#include <stdlib.h>\nint main(void) { return malloc(8) == 0; }\n")
    subprocess.run(["cc", "-O0", "-o", tmp_path / "leak", source], check=True)
    done = subprocess.run(
        [*VALGRIND, tmp_path / "leak"], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == WRONG, done.stderr


def test_one_sample() -> None:
    done = subprocess.run(
        [*VALGRIND, str(BIN / "mad-agent"), "--once"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("transport", ["websocket", "polling", "both"])
def test_samples_to_a_node_that_goes_and_comes_back(
    transport: str, nodes: list[str], tmp_path: Path
) -> None:
    url = f"http://{nodes[-1]}"
    flags = ["--api", url, "--id", "checked", "--interval", "1s", "--transport", transport]
    said = tmp_path / "said"
    with said.open("w") as errors:
        agent = subprocess.Popen(
            [*VALGRIND, str(BIN / "mad-agent"), *flags],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, "HOME": str(tmp_path)},
        )
        try:
            for _ in range(2):
                with running(nodes) as node:
                    assert node.stdout is not None
                    assert node.stdout.readline().startswith("ready")
                    assert awaited(lambda: is_seen(url)), said.read_text()
            agent.send_signal(signal.SIGTERM)
            code = agent.wait(LIMIT_S)
        finally:
            agent.kill()
            agent.wait()
    assert code == 0, said.read_text()
