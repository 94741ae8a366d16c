"""What mad-api makes of a file with rules (`--rules`), and says of one that is wrong."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def check(program: Path, rules: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, "--check", "--rules", str(rules)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    "text",
    [
        (ROOT / "infra/samples/rules.toml").read_text(encoding="utf-8"),
        "",
        "presets = false\n",
        '[[rule]]\nname = "cpu"\nwarn = 50\n',
        '[[rule]]\nname = "cpu"\nmatch = "tag:a"\nwarn = 50\n\n[[rule]]\nname = "cpu"\nwarn = 60\n',
        '[[mute]]\nfrom = 2025-12-06\nfor = "2h"\n',
        '[[mute]]\nuntil = 2025-12-06T22:00:00+01:00\nweekly = "sat"\n',
    ],
)
def test_a_right_file_is_taken(programs: dict[str, Path], tmp_path: Path, text: str) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(text, encoding="utf-8")
    done = check(programs["mad-api"], rules)
    assert (done.returncode, done.stderr) == (0, "")


def test_all_mistakes_are_named_at_once_with_their_lines(
    programs: dict[str, Path], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        """presets = "no"
rules = 3

[[rule]]
name = "cpu"
warn = "high"
crit = 90
level = 7
match = "cpu>80"

[[rule]]
name = "full"

[[rule]]
name = "mem"
warn = 99

[[rule]]
name = "swap"
warn = 60

[[rule]]
name = "swap"
warn = 70

[[rule]]
warn = { a = 1 }

[[mute]]
weekly = "weekends"
for = "1h"

[[mute]]
for = "1h"

[[mute]]
from = 2025-12-06T22:00:00Z
until = 2025-12-06T21:00:00Z
""",
        encoding="utf-8",
    )
    done = check(programs["mad-api"], rules)
    assert done.returncode == 2
    lines = done.stderr.removeprefix("mad-api: ").splitlines()
    said = [line.removeprefix(f"{rules}:") for line in lines]
    expected = [
        "1: presets: must be true or false",
        "2: rules: unknown; there are presets, [[rule]] and [[mute]]",
        "6: rule cpu: warn: must be a number, or false for none",
        "8: rule cpu: level: unknown; there are name metric match warn crit below for clear "
        "clear_by own_limit enabled",
        "9: rule cpu: match: may look at id, name, tags, region and os only: ",
        "11: rule full: metric: is missing: one of storage network ",
        "11: rule full: warn: is missing, and so is crit: give one, or enabled = false",
        "14: rule mem: crit: must not be below warn, which comes first",
        "22: rule swap: is there for the same hosts in line 18: remove one",
        "27: rule: warn: must be a text, a number, true or false, a time, or a list of texts",
        "30: mute: weekly: 'weekends' must be days, times or both",
        "34: mute: for: needs from in a file; or write until",
        "38: mute: until: must be after from",
    ]
    assert len(said) == len(expected), done.stderr
    for line, start in zip(said, expected, strict=True):
        assert line.startswith(start)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rule]\n", "rules.toml:1: "),
        ('[rule]\nname = "x"\n', "rules.toml:1: rule: must be written [[rule]]"),
        (None, "rules.toml"),
    ],
)
def test_what_is_no_file_of_rules_is_refused(
    programs: dict[str, Path], tmp_path: Path, text: str | None, said: str
) -> None:
    rules = tmp_path / "rules.toml"
    if text is not None:
        rules.write_text(text, encoding="utf-8")
    done = check(programs["mad-api"], rules)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_folder_is_no_file(programs: dict[str, Path], tmp_path: Path) -> None:
    done = check(programs["mad-api"], tmp_path)
    assert done.returncode == 2
    assert "is a directory" in done.stderr


def test_a_signal_reads_it_again_and_a_wrong_one_changes_nothing(
    programs: dict[str, Path], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("", encoding="utf-8")
    log = tmp_path / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [programs["mad-api"], "--listen", "0", "--rules", str(rules)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout
            assert process.stdout.readline().startswith("ready mad-api")

            def reload(text: str, word: str) -> None:
                rules.write_text(text, encoding="utf-8")
                process.send_signal(signal.SIGHUP)
                end = time.monotonic() + 20
                while word not in log.read_text():
                    assert time.monotonic() < end, log.read_text()
                    time.sleep(0.02)

            reload("[[rule]]\nname = 1\n", "program.reload.failed")
            assert "rules.toml:2: " in log.read_text()
            reload('[[rule]]\nname = "cpu"\nwarn = 50\n', "program.reloaded")
        finally:
            process.terminate()
    assert process.returncode == 0


def test_how_long_offline_hosts_stay_has_bounds(programs: dict[str, Path]) -> None:
    for value, code in (("0", 0), ("24h", 0), ("-1h", 2), ("a day", 2)):
        done = subprocess.run(
            [programs["mad-api"], "--check", f"--offline-keep={value}"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == code, value
