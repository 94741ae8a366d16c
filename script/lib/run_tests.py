"""Runs groups of tests, shows what they print, and adds up what they counted.

Each group is a function that returns its counts. A step that cannot run (a build that fails, a
folder that is not there) is a failure of its group, never a silent pass.

What is built comes first; then the groups run beside each other, the longest first: they mostly
wait. What one prints is kept until it has ended. The sanitizers and the fuzzers, which compute,
follow one by one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from counts import Counts, from_ctest, from_fuzz, from_pytest, from_text

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
RESULTS = BUILD / "test-results"
DEPLOY = ROOT / "tests" / "python" / "integration" / "deploy"
PROGRAMS = ("mad-api", "mad-agent", "mad-proxy", "mad-web", "mad-synthetic")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# What the runners find everything by. Colours would only disturb the counting.
ENVIRONMENT = os.environ | {
    "MAD_BIN": str(BUILD / "dev" / "bin"),
    "MAD_BIN_DIR": str(BUILD / "dev" / "bin"),
    "MAD_CONSOLE_DIR": str(ROOT / "console" / "dist"),
    "NO_COLOR": "1",
    "FORCE_COLOR": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class StepFailedError(Exception):
    """A step that others build upon did not work; it has said why."""


class Output(threading.local):
    """What a thread prints: shown at once, or `kept` until its group has ended."""

    kept: bytearray | None = None


output = Output()
printing = threading.Lock()
building = threading.Lock()
interrupted = threading.Event()


def show(piece: bytes) -> None:
    if output.kept is not None:
        output.kept += piece
        return
    with printing:
        sys.stdout.buffer.write(piece)
        sys.stdout.flush()


def say(text: str) -> None:
    show(f"{text}\n".encode())


def heading(text: str) -> None:
    say(f"\n==> {text}")


def run(
    command: Sequence[str | Path],
    *,
    timeout: float = 1200,
    cwd: Path = ROOT,
    environment: dict[str, str] | None = None,
    quiet: bool = False,
) -> tuple[int, str]:
    """Runs a command, shows its output as it comes (`quiet`: only when it fails) and returns its
    exit code and output. At the time limit it and its children are ended, and that is a failure."""
    shown = " ".join(str(part) for part in command)
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=ENVIRONMENT | (environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    collected = bytearray()
    deadline = time.monotonic() + timeout
    timed_out = False
    try:
        while not timed_out and not interrupted.is_set():
            ended = process.poll() is not None
            if select.select([pipe], [], [], 0.2)[0]:
                piece = os.read(pipe, 1 << 16)
                if not piece:
                    break
                collected += piece
                if not quiet:
                    show(piece)
            elif ended:
                break
            timed_out = time.monotonic() > deadline
    finally:
        stopped = timed_out or interrupted.is_set() or sys.exc_info()[0] is not None
        if process.poll() is None and stopped:
            end_group(process)
    code = process.wait()
    text = collected.decode(errors="replace")
    if timed_out:
        code = code or 1
    if quiet and code != 0:
        say(text)
    if timed_out:
        say(f"ended at its limit of {timeout:.0f} s: {shown}")
    elif code != 0:
        say(f"exit code {code}: {shown}")
    return code, text


def end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(5)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def check(
    name: str,
    command: Sequence[str | Path],
    cwd: Path = ROOT,
    environment: dict[str, str] | None = None,
) -> Counts:
    """A step that passes or fails as a whole."""
    code, _ = run(command, cwd=cwd, environment=environment, quiet=True)
    say(f"{'ok    ' if code == 0 else 'FAILED'} {name}")
    return Counts(passed=1) if code == 0 else Counts(failed=1)


def need_folder(path: Path) -> None:
    if not path.exists():
        say(f"missing: {path.relative_to(ROOT)}")
        raise StepFailedError


def settle(code: int, counts: Counts | None) -> Counts:
    """A runner's counts, corrected by its exit code: it may not fail in silence."""
    if counts is None:
        say("the runner printed no counts")
        return Counts(passed=1) if code == 0 else Counts(failed=1)
    if code != 0 and counts.failed == 0:
        counts.failed = 1
    if counts.total == 0:
        say("the runner ran no test")
        counts.failed = 1
    return counts


# --- builds -------------------------------------------------------------------------------------


@cache
def built(preset: str, *targets: str) -> bool:
    """Builds a preset once a run; whether that worked."""
    started = time.monotonic()
    say(f"building {preset} {' '.join(targets)}")
    code, _ = run(["cmake", "--preset", preset], quiet=True, timeout=300)
    if code == 0:
        command = ["cmake", "--build", "--preset", preset]
        command += ["--target", *targets] if targets else []
        code, _ = run([*command, "--", "-k", "0", "--quiet"], timeout=2700)
    say(f"build {preset}: {time.monotonic() - started:.0f} s")
    return code == 0


def need_build(preset: str, *targets: str) -> None:
    with building:
        if not built(preset, *targets):
            raise StepFailedError


@cache
def console_built() -> bool:
    """Builds the console when its sources changed since the last build."""
    code, _ = run([ROOT / "script" / "lib" / "build_console"], quiet=True, timeout=600)
    return code == 0


def need_console() -> None:
    need_folder(ROOT / "console" / "package.json")
    with building:
        if not console_built():
            raise StepFailedError


# --- groups -------------------------------------------------------------------------------------


def ctest(preset: str, label: str, jobs: int, prefix: Sequence[str] = ()) -> Counts:
    need_build(preset)
    junit = RESULTS / f"{preset}-{label.replace('|', '-')}.xml"
    junit.unlink(missing_ok=True)
    command = [*prefix, "ctest", "--test-dir", str(BUILD / preset), "--label-regex", f"^({label})$"]
    command += ["--output-on-failure", "--no-tests=error", "--parallel", str(jobs)]
    command += ["--test-output-size-passed", "1000000", "--test-output-size-failed", "10000000"]
    code, _ = run([*command, "--output-junit", str(junit)], timeout=1500)
    return settle(code, from_ctest(junit) if junit.exists() else None)


def pytest(folder: Path, timeout: float, environment: dict[str, str], *more: str) -> Counts:
    need_folder(folder)
    junit = RESULTS / f"pytest-{folder.name}.xml"
    junit.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-rs", f"--junitxml={junit}", *more, str(folder)]
    code, _ = run(command, timeout=timeout, environment=environment)
    return settle(code, from_pytest(junit) if junit.exists() else None)


def unit() -> Counts:
    return ctest("dev", "unit", os.cpu_count() or 2)


def integration() -> Counts:
    return ctest("dev", "integration", 2 * (os.cpu_count() or 2))  # they wait


def python() -> Counts:
    need_build("dev")
    need_build("python", "mad_core")
    need_console()
    environment = {"PYTHONPATH": str(BUILD / "python" / "package")}
    sources = ["python", "tests/python", "tests/package", "tests/abuse", "tests/agent"]
    sources += [
        "tests/faults",
        "tests/hosts",
        "tests/security",
        "tests/support",
        "script/lib",
        "bench",
    ]
    tool = [sys.executable, "-m"]
    counts = check("ruff check", [*tool, "ruff", "check", *sources])
    counts += check("ruff format", [*tool, "ruff", "format", "--check", *sources])
    counts += check("mypy --strict", [*tool, "mypy"])
    stubtest = [*tool, "mypy.stubtest", "mad._core", "--ignore-unused-allowlist"]
    stubtest += ["--allowlist", "tests/python/stubtest.allow"]
    counts += check("stubtest mad._core", stubtest, environment=environment)
    return counts + pytest(ROOT / "tests" / "python", 900, environment, f"--ignore={DEPLOY}")


def deploy() -> Counts:
    """`mad.deploy` against a local AWS."""
    need_build("python", "mad_core")
    environment = {"PYTHONPATH": str(BUILD / "python" / "package")}
    return pytest(DEPLOY, 1500, environment, "-n", "3")  # they wait


def conformance() -> Counts:
    need_folder(ROOT / "tests" / "conformance" / "run")
    need_build("dev")
    code, text = run([ROOT / "tests" / "conformance" / "run"], timeout=900)
    return settle(code, from_text(text))


def console() -> Counts:
    folder = ROOT / "console"
    need_folder(folder / "package.json")
    scripts = json.loads((folder / "package.json").read_text())["scripts"]
    counts = Counts()
    for name in ("lint", "typecheck"):
        if name in scripts:
            counts += check(f"npm run {name}", ["npm", "run", "--silent", name], cwd=folder)
    need_console()
    counts += Counts(passed=1)
    code, text = run(["npm", "test", "--silent"], cwd=folder, timeout=600)
    return counts + settle(code, from_text(text))


def browser() -> Counts:
    folder = ROOT / "tests" / "browser"
    need_folder(folder)
    if not any(shutil.which(name) for name in BROWSERS):
        return Counts(skipped=1, reasons=["browser: no Chromium on this machine"])
    need_build("dev")
    need_console()
    code, text = run(["npm", "test", "--silent"], cwd=folder, timeout=600)
    return settle(code, from_text(text))


def package() -> Counts:
    need_build("dev")
    need_console()
    environment = {"PYTHONPATH": str(ROOT / "python")}
    return pytest(ROOT / "tests" / "package", 3000, environment)


def abuse() -> Counts:
    """What peers send that nobody should, beside healthy sessions."""
    need_build("dev", "mad-api", "mad-proxy")
    return pytest(ROOT / "tests" / "abuse", 1200, {}, "-n", "3")  # they wait


def faults() -> Counts:
    """A system that things happen to: see tests/faults/test_all_agree.py."""
    need_build("dev", "mad-api", "mad-proxy")
    return pytest(ROOT / "tests" / "faults", 3600, {}, "--capture=no")


def security() -> Counts:
    """TLS row by row, secrets in nothing that is said, units scored, all that is shipped."""
    need_build("dev", "mad-api", "mad-proxy", "mad-agent")
    need_build("release", *PROGRAMS)
    return pytest(ROOT / "tests" / "security", 600, {"PYTHONPATH": str(ROOT / "python")})


def agent() -> Counts:
    """The small static builds, also for another machine where its compiler is there."""
    need_build("dev", "mad-api")
    need_build("agent")
    if shutil.which("aarch64-linux-gnu-g++"):
        need_build("agent-arm64")
    return pytest(ROOT / "tests" / "agent", 900, {})


def hosts() -> Counts:
    """A stack on real hosts, booted here, and containers: with the programs that users get."""
    need_build("release", *PROGRAMS)
    need_console()
    environment = {
        "PYTHONPATH": str(ROOT / "python"),
        "MAD_RELEASE_BIN_DIR": str(BUILD / "release" / "bin"),
    }
    return pytest(ROOT / "tests" / "hosts", 2400, environment)


def asan() -> Counts:
    return ctest("asan", "unit|integration", os.cpu_count() or 2)


def tsan() -> Counts:
    # GCC 12's runtime refuses address layouts that newer kernels choose at random.
    prefix = ["setarch", "-R"]
    if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode != 0:
        prefix = []
    return ctest("tsan", "unit|integration", os.cpu_count() or 2, prefix)


def fuzz() -> Counts:
    need_folder(ROOT / "script" / "fuzz")
    code, text = run([ROOT / "script" / "fuzz", "10"], timeout=2400)
    return settle(code, from_fuzz(text))


def tidy() -> Counts:
    """clang-tidy over every source of a program or a module."""
    need_folder(ROOT / "script" / "tidy")
    code, text = run([ROOT / "script" / "tidy"], timeout=3600)
    passed = len(re.findall(r"^ok ", text, re.MULTILINE))
    return settle(code, Counts(passed, len(re.findall(r"^FINDING ", text, re.MULTILINE))))


# The longest first.
GROUPS: dict[str, Callable[[], Counts]] = {
    group.__name__: group
    for group in (package, conformance, integration, deploy, python, browser, console, unit)
}
MORE: dict[str, Callable[[], Counts]] = {
    group.__name__: group
    for group in (abuse, faults, security, agent, hosts, asan, tsan, tidy, fuzz)
}
BESIDE = max(1, (os.cpu_count() or 2) // 2)  # groups at a time: rows measure time
COMPILES = {"package"}  # runs after them: tests beside a compiler would measure that


def build_for(chosen: Sequence[str]) -> None:
    """What the groups share, before any of them: tests beside a compiler would measure that. A
    failure is told by the groups that need it."""
    with contextlib.suppress(StepFailedError):
        if set(chosen) & (GROUPS.keys() - {"console"}):
            need_build("dev")
        if set(chosen) & {"python", "deploy"}:
            need_build("python", "mad_core")
        if set(chosen) & {"python", "console", "browser", "package"}:
            need_console()


def run_group(name: str, group: Callable[[], Counts]) -> tuple[Counts, float]:
    """A group's counts and its seconds."""
    started = time.monotonic()
    heading(name)
    try:
        counts = group()
    except StepFailedError:
        counts = Counts(failed=1)
    return counts, time.monotonic() - started


def run_kept(name: str, group: Callable[[], Counts]) -> tuple[Counts, float]:
    """The same beside others."""
    say(f"started: {name}")
    output.kept = bytearray()
    try:
        return run_group(name, group)
    finally:
        kept, output.kept = output.kept, None
        show(bytes(kept))


def run_groups(chosen: Sequence[str]) -> dict[str, tuple[Counts, float]]:
    build_for(chosen)
    together = [name for name in GROUPS if name in chosen and name not in COMPILES]
    results: dict[str, tuple[Counts, float]] = {}
    if len(together) > 1:
        with ThreadPoolExecutor(BESIDE) as pool:
            try:
                started = [(name, pool.submit(run_kept, name, GROUPS[name])) for name in together]
                results = {name: future.result() for name, future in started}
            except BaseException:
                interrupted.set()
                pool.shutdown(cancel_futures=True)
                raise
    for name in chosen:
        if name not in results:
            results[name] = run_group(name, (GROUPS | MORE)[name])
    return results


def main(arguments: Sequence[str]) -> int:
    known = GROUPS | MORE
    unknown = [name for name in arguments if name not in known and name != "all"]
    if unknown:
        print(f"no such group: {' '.join(unknown)}; there are: {' '.join(known)} all")
        return 2
    chosen = list(known) if "all" in arguments else list(arguments) or list(GROUPS)
    if "all" in arguments:
        ENVIRONMENT["MAD_TEST_EVERYTHING"] = "1"
    RESULTS.mkdir(parents=True, exist_ok=True)
    total = Counts()
    table: list[str] = []
    started = time.monotonic()
    for name, (counts, seconds) in run_groups(chosen).items():
        table.append(f"{name:<12} {seconds:6.0f} s   {counts}")
        total += counts
    heading(f"summary after {time.monotonic() - started:.0f} s")
    print("\n".join(table))
    for reason in total.reasons:
        print(f"skipped: {reason}")
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    # A shell ignores it for what it starts with `&`, and tests send it to programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(130)
