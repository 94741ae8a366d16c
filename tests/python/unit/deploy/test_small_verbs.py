"""`init`, `iam-policy` and rows of `drift`, as people see them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from plan_kit import machine, update
from rich.console import Console
from typer.testing import CliRunner

from mad.cli.deploy.app import app
from mad.cli.deploy.show import plan_view
from mad.deploy.plan.model import Change, Plan

POLICY_LIMIT = 6144


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "MAD_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return tmp_path


def typed(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def test_the_stack_file_gets_the_region_of_the_profile(place: Path) -> None:
    (place / "config").write_text("[profile far]\nregion = ap-south-1\n")
    code, said, _ = typed("init", "--profile", "far", "--endpoint-url", "http://127.0.0.1:1")
    assert (code, 'region = "ap-south-1"' in (place / "mad.toml").read_text()) == (0, True), said


def test_a_region_that_is_given_goes_before_the_profile_s(place: Path) -> None:
    (place / "config").write_text("[profile far]\nregion = ap-south-1\n")
    assert typed("init", "--profile", "far", "--region", "eu-west-1")[0] == 0
    assert 'region = "eu-west-1"' in (place / "mad.toml").read_text()


def test_a_profile_that_is_not_there_is_named(place: Path) -> None:
    code, _, said = typed("init", "--profile", "nobody")
    assert (code, "there is no profile nobody" in said) == (1, True)
    assert not (place / "mad.toml").exists()


def test_a_policy_that_is_too_long_is_printed_in_parts(place: Path) -> None:
    (place / "mad.toml").write_text('name = "shop"\nregion = "eu-west-2"\n')
    parts = []
    for number in ("1", "2"):
        code, said, _ = typed("iam-policy", "--all", "--part", number)
        assert code == 0
        assert len("".join(said.split())) <= POLICY_LIMIT
        parts.append([one["Sid"] for one in json.loads(said)["Statement"]])
    assert parts[0]
    assert parts[1]
    assert not set(parts[0]) & set(parts[1])
    _, both, told = typed("iam-policy", "--all")
    assert "--part 1 to --part 2" in told
    assert all(f'"{sid}"' in both for sid in (*parts[0], *parts[1]))


def test_a_part_that_is_not_there_is_an_error(place: Path) -> None:
    (place / "mad.toml").write_text('name = "shop"\nregion = "eu-west-2"\n')
    code, _, said = typed("iam-policy", "--all", "--part", "3")
    assert (code, "there is no part 3: the policy has 2 parts" in said) == (1, True)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("tcp 22 from 0.0.0.0/0", "", "ingress: tcp 22 from 0.0.0.0/0 -> (not set)"),
        ("", "tcp 80 from 0.0.0.0/0", "ingress: (not set) -> tcp 80 from 0.0.0.0/0"),
    ],
)
def test_a_value_that_only_goes_or_comes_says_so(before: str, after: str, shown: str) -> None:
    change = Change("ingress", before, after)
    plan = Plan((update(machine("api-0"), "i-1", changes=(change,)),))
    console = Console(width=120, force_terminal=False, no_color=True)
    with console.capture() as held:
        console.print(plan_view.render(plan, None, "shop", "eu-west-2"))
    assert shown in held.get()
