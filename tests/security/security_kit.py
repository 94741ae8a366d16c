"""Programs of tests: started with all that they say kept, ended when the test is."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("MAD_BIN_DIR", ROOT / "build" / "dev" / "bin"))
LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """One that runs."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    """What it said, on both streams."""

    @property
    def command_line(self) -> str:
        return Path(f"/proc/{self.process.pid}/cmdline").read_text()

    def awaited(self, text: str, count: int = 1) -> None:
        """Returns once it has said `text` so often."""
        until = time.monotonic() + LIMIT_S
        while self.log.read_text().count(text) < count:
            assert time.monotonic() < until, f"never said: {text}\n{self.log.read_text()[-2000:]}"
            time.sleep(0.05)


@contextlib.contextmanager
def program(folder: Path, name: str, *flags: str, listens: bool = True) -> Iterator[Program]:
    """Runs it until the block ends; then it must end in order."""
    log = folder / f"{name}-{time.monotonic_ns()}.log"
    words = [str(BIN / name), *(("--listen", "127.0.0.1:0") if listens else ()), *flags]
    with log.open("wb") as said:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    made = Program(process, 0, log)
    try:
        if listens:
            made.awaited(f"ready {name} ")
            ready = log.read_text().partition(f"ready {name} ")[2].split()[0]
            made = Program(process, int(ready.rpartition(":")[2]), log)
        yield made
        assert process.poll() is None, log.read_text()[-2000:]
    finally:
        process.terminate()
        try:
            code = process.wait(LIMIT_S)
        finally:
            process.kill()
            process.wait()
    assert code == 0


def secret_file(folder: Path, name: str, text: str) -> str:
    """Its path; only its owner may read it."""
    made = folder / name
    made.touch(0o600)
    made.write_text(text)
    return str(made)


def certificate(folder: Path, name: str, kind: str = "ec") -> tuple[str, str]:
    """A certificate that signs itself, for `name`, and its key: their paths."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    kinds = {
        "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "rsa": ["rsa:2048"],
    }
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=DNS:{name}", "-newkey", *kinds[kind]]
    subprocess.run(
        [*command, "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=LIMIT_S
    )
    key.chmod(0o600)
    return str(cert), str(key)
