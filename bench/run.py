"""Measures mad beside its peers: `script/bench` builds what this needs and runs it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness import (
    agent_report,
    agents,
    console,
    deploys,
    fleet,
    instructions,
    latency,
    profiles,
    proxies,
    redis,
    report,
    scale,
)
from harness.measure import BenchError, cores, once
from harness.plan import BIN, GROUPS, NAMES, ROOT, SCENARIOS, SERVERS, Scenario
from harness.report import Result

DEFAULT = (*GROUPS, "instructions", "latency", "fleet", "scale", "console", "agent")
CHOICES = (*DEFAULT, "micro", "profile", "deploy", "all")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench", description="Measures mad beside its peers on this machine."
    )
    parser.add_argument(
        "groups",
        nargs="*",
        metavar="GROUP",
        help=f"{', '.join(CHOICES)}; without any: all but micro, profile and deploy",
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of each server (3)")
    parser.add_argument("--seconds", type=float, help="measured in each run (2; agents: 60)")
    parser.add_argument("--warmup", type=float, help="seconds before measuring (1; agents: 10)")
    parser.add_argument("--servers", help=f"only these, of {','.join(NAMES)}")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--check", action="store_true", help="fail when the agent misses a target")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every reading to FILE")
    options = parser.parse_args(arguments)
    if unknown := set(options.groups) - set(CHOICES):
        parser.error(f"no such group: {', '.join(sorted(unknown))} (of {', '.join(CHOICES)})")
    wanted = options.servers.split(",") if options.servers else list(NAMES)
    if unknown := set(wanted) - set(NAMES):
        parser.error(f"no such server: {', '.join(sorted(unknown))} (of {', '.join(NAMES)})")
    positive = (options.runs, 1 if options.seconds is None else options.seconds)
    if min(positive) <= 0 or (options.warmup or 0) < 0:
        parser.error("--runs and --seconds must be positive")
    options.servers = wanted
    options.groups = options.groups or list(DEFAULT)
    if "all" in options.groups:
        options.groups = list(CHOICES[:-1])
    return options


def progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def either(given: float | None, usual: float) -> float:
    return usual if given is None else given


def measure(scenario: Scenario, options: argparse.Namespace) -> list[Result]:
    """Runs every server in turn, as often as asked; a server that fails is not tried again."""
    results = [
        Result(scenario, name)
        for name in scenario.servers
        if name in options.servers and not lacks(scenario, name)
    ]
    for run in range(1, options.runs + 1):
        for result in results:
            if result.failure is not None:
                continue
            try:
                reading = once(
                    scenario, result.server, options.seconds or 2.0, either(options.warmup, 1.0)
                )
            except (BenchError, OSError) as e:
                result.failure = str(e)
                progress(f"{scenario.title}: {result.server} failed: {e}")
                continue
            result.readings.append(reading)
            progress(
                f"{scenario.title}, run {run}: {result.server} {reading.value:,.0f} {scenario.unit}"
            )
    return results


def lacks(scenario: Scenario, name: str) -> bool:
    """Whether the server is one that could not be built on this machine."""
    if scenario.depth > 0 or scenario.upstreams > 0:
        return False
    built = scenario.server(name).built
    return built is not None and not built.exists()


def count_instructions(options: argparse.Namespace) -> tuple[str, bool]:
    """The table of instructions per unit, and whether all went well."""
    if instructions.method() is None:
        return "Instructions are not counted here: neither perf's counters nor valgrind.", True
    counts, fine = [], True
    for scenario in SCENARIOS:
        for name in scenario.servers if scenario.counted else ():
            if name not in options.servers or lacks(scenario, name):
                continue
            try:
                count = instructions.per_unit(scenario, SERVERS[name])
            except (BenchError, OSError) as e:
                progress(f"{scenario.title}: instructions of {name}: {e}")
                count, fine = None, False
            counts.append((scenario.title, name, count))
    return report.instructions_table(counts, instructions.method() or ""), fine


def run_micro() -> tuple[str, bool]:
    """What the micro benches print, and whether all went well."""
    parts, fine = [], True
    for program in sorted(BIN.glob("bench_micro_*")):
        try:
            done = subprocess.run(
                ["taskset", "-c", str(cores()[0]), str(program)],
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as e:
            progress(f"{program.name}: {e}")
            fine = False
            continue
        fine = fine and done.returncode == 0
        parts.append(f"{program.name}:\n\n```\n{(done.stdout + done.stderr).strip()}\n```")
    return "\n\n".join(parts), fine


def measure_agents(options: argparse.Namespace) -> tuple[str, bool]:
    """The section about agents, and whether all went well."""
    try:
        run = agents.measure(options.seconds or 60.0, either(options.warmup, 10.0), progress)
    except (BenchError, OSError, subprocess.SubprocessError) as e:
        progress(f"agents: {e}")
        return f"Agents were not measured: {e}", False
    found = agent_report.checks(run, agent_report.sample_cost())
    about = agent_report.about(report.versions_of_mad())
    missed = any(check.holds is False for check in found)
    return agent_report.section(run, found, about), not (options.check and missed)


def measure_fleet(options: argparse.Namespace) -> tuple[str, bool]:
    """The section about a fleet and its consoles, and whether all went well."""
    if why := fleet.missing():
        progress(f"fleet: skipped: {why}")
        return "", True
    try:
        figures = fleet.measure(options.seconds or 10.0, progress)
    except (BenchError, OSError) as e:
        progress(f"fleet: {e}")
        return f"A fleet was not measured: {e}", False
    about = agent_report.about(report.versions_of_mad()).replace("bench agent", "bench fleet")
    return fleet.section(figures, about), True


def measure_latency(options: argparse.Namespace) -> tuple[str, bool]:
    """The section about how soon consoles see what agents send, and whether all went well."""
    try:
        rows = latency.measure(options.seconds or 1.5, progress)
    except (BenchError, OSError) as e:
        progress(f"latency: {e}")
        return f"Latencies of a fleet were not measured: {e}", False
    about = agent_report.about(report.versions_of_mad()).replace("bench agent", "bench latency")
    return latency.section(rows, about), all(row.highest for row in rows)


def measure_scale(options: argparse.Namespace) -> tuple[str, bool]:
    """The section about cost curves over connections, and whether all went well."""
    try:
        figures = scale.measure(options.seconds or 5.0, progress)
    except (BenchError, OSError) as e:
        progress(f"scale: {e}")
        return f"Scale was not measured: {e}", False
    about = agent_report.about(report.versions_of_mad()).replace("bench agent", "bench scale")
    return scale.section(figures, about), True


def measure_console(options: argparse.Namespace) -> tuple[str, bool]:
    """The section about the console in a browser, and whether all went well."""
    if why := console.missing():
        progress(f"console: skipped: {why}")
        return "", True
    try:
        figures = console.measure(options.seconds or 15.0, progress)
    except (BenchError, OSError, subprocess.SubprocessError) as e:
        progress(f"console: {e}")
        return f"The console was not measured: {e}", False
    about = agent_report.about(report.versions_of_mad()).replace("bench agent", "bench console")
    return console.section(figures, about), True


def measure_profiles(options: argparse.Namespace) -> tuple[str, bool]:
    """The section about where the time goes, and whether all went well."""
    if why := profiles.missing():
        progress(f"profile: skipped: {why}")
        return "", True
    try:
        found = profiles.measure(options.servers, options.seconds or 4.0, progress)
    except (BenchError, OSError, subprocess.SubprocessError) as e:
        progress(f"profile: {e}")
        return f"Profiles were not taken: {e}", False
    about = agent_report.about(report.versions_of_mad()).replace("bench agent", "bench profile")
    return profiles.section(found, about), True


def measure_deploys(_options: argparse.Namespace) -> tuple[str, bool]:
    """The section about deploys, and whether all went well."""
    if why := deploys.missing():
        progress(f"deploy: skipped: {why}")
        return "", True
    try:
        figures = deploys.measure(progress)
    except (BenchError, OSError, subprocess.SubprocessError) as e:
        progress(f"deploy: {e}")
        return f"Deploys were not measured: {e}", False
    about = agent_report.about(report.versions_of_mad()).replace("bench agent", "bench deploy")
    return deploys.section(figures, about), True


def as_json(results: Sequence[Result]) -> str:
    def line(result: Result) -> str:
        return json.dumps(
            {
                "scenario": result.scenario.title,
                "server": result.server,
                "unit": result.scenario.unit,
                "failure": result.failure,
                "readings": [
                    {name: getattr(reading, name) for name in reading.__slots__}
                    for reading in result.readings
                ],
            }
        )

    return "".join(line(result) + "\n" for result in results)


def why_not(scenario: Scenario) -> str | None:
    """What the scenario lacks on this machine."""
    if scenario.upstreams > 0:
        return proxies.missing()
    return redis.missing() if scenario.needs_redis else None


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    began = time.monotonic()
    busy = os.getloadavg()[0]
    wanted = [scenario for scenario in SCENARIOS if scenario.group in options.groups]
    skipped = {scenario: why for scenario in wanted if (why := why_not(scenario))}
    for scenario, why in skipped.items():
        progress(f"{scenario.title}: skipped: {why}")
    results = [
        result
        for scenario in wanted
        if scenario not in skipped
        for result in measure(scenario, options)
    ]
    fine = all(result.failure is None for result in results)
    tables = [report.table(results)] if results else []
    tables += [report.added_latency(results), report.closed(results), report.targets(results)]
    tables += [f"Not measured: {scenario.title}: {why}." for scenario, why in skipped.items()]
    if "instructions" in options.groups:
        text, counted = count_instructions(options)
        tables.append(text)
        fine = fine and counted
    if "micro" in options.groups:
        text, ran = run_micro()
        tables.append(text)
        fine = fine and ran
    sections = []
    for group, take in (
        ("latency", measure_latency),
        ("fleet", measure_fleet),
        ("scale", measure_scale),
        ("console", measure_console),
        ("profile", measure_profiles),
        ("deploy", measure_deploys),
        ("agent", measure_agents),
    ):
        if group in options.groups:
            section, measured = take(options)
            sections.append(section)
            fine = fine and measured
    if busy > 0.5:
        tables.append(f"The machine was busy when this began (load {busy:.1f}): rates are low.")

    print(report.machine(), report.versions(), *filter(None, tables), sep="\n\n")
    if results:
        print(f"\n{report.KEY.format(runs=options.runs)}")
    print("", *sections, sep="\n\n")
    print(f"\n{time.monotonic() - began:.0f} s in all")
    if options.json:
        options.json.write_text(as_json(results))
    if options.write:
        page = ROOT / "docs" / "benchmarks.md"
        if set(options.groups) - {
            "agent",
            "console",
            "deploy",
            "fleet",
            "latency",
            "profile",
            "scale",
        }:
            text = report.document(page.read_text(), tables, options.runs, arguments)
            page.write_text(text)
        for section in sections:
            if section.startswith("## "):
                page.write_text(agent_report.put_section(page.read_text(), section))
        print(f"written: {page.relative_to(ROOT)}")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
