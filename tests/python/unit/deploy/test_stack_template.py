"""The file that `init` writes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mad.cli.deploy.init import init
from mad.deploy.stack import names, template
from mad.deploy.stack.load import load, parse
from mad.deploy.stack.schema import TABLES
from mad.deploy.stack.settings import REDIS_VERSIONS, Stack

TEXT = template.render("mad-x7k2", "eu-west-2")
ROWS = TEXT.splitlines()
CODE = re.compile(r"#(\[?\w+)")
DEFAULTS = [number for number, row in enumerate(ROWS) if CODE.match(row) and "# example" not in row]
DEFAULTS = [number for number in DEFAULTS if not ROWS[number].startswith("#[")]
EXAMPLES = [number for number, row in enumerate(ROWS) if CODE.match(row) and "# example" in row]


def plain(path: Path) -> Stack:
    return Stack("mad-x7k2", "eu-west-2", file=path)


def test_it_loads_without_a_mistake_and_says_nothing_but_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mad.toml"
    assert parse(TEXT, path) == plain(path)


@pytest.mark.parametrize("number", DEFAULTS, ids=[ROWS[number] for number in DEFAULTS])
def test_a_commented_default_changes_nothing(tmp_path: Path, number: int) -> None:
    path = tmp_path / "mad.toml"
    text = "\n".join([*ROWS[:number], ROWS[number][1:], *ROWS[number + 1 :]])
    stack = parse(text, path)
    if ROWS[number].startswith("#version"):
        assert stack.redis.version == REDIS_VERSIONS[stack.redis.engine]
        stack = replace(stack, redis=replace(stack.redis, version=None))
    assert stack == plain(path)


@pytest.mark.parametrize("table", ["", *(table for table in TABLES if table != "hosts")])
def test_the_examples_of_a_table_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "fullchain.pem").write_text("-----BEGIN CERTIFICATE-----")
    (tmp_path / "privkey.pem").write_text("-----BEGIN PRIVATE KEY-----")
    (tmp_path / "tokens.toml").write_text("")
    (tmp_path / "registry-password").write_text("secret")
    within, rows = "", []
    for number, row in enumerate(ROWS):
        header = re.match(r"#?\[(\w+)\]", row)
        within = header[1] if header else within
        mine = within == table and (number in EXAMPLES or row.startswith("#["))
        rows.append(row[1:] if mine else row)
    stack = parse("\n".join(rows), tmp_path / "mad.toml")
    has_examples = bool(set(rows) - set(ROWS))
    assert (stack != plain(tmp_path / "mad.toml")) == has_examples


def test_the_example_of_machines_that_exist_loads() -> None:
    at = ROWS.index("#[hosts]")
    rows = ['name = "rack"', *(row[1:] for row in ROWS[at:])]
    stack = parse("\n".join(rows), Path("mad.toml"))
    assert stack.hosts
    assert all(stack.hosts.values())
    assert stack.api.count == 2


def test_it_shows_every_key() -> None:
    within, shown = "", set()
    for row in ROWS:
        header = re.match(r"#?\[(\w+)\]", row)
        within = header[1] if header else within
        word = re.match(r"#?(\w+) = ", row)
        if word:
            shown.add((within, word[1]))
    assert shown == {(table, word) for table, keys in TABLES.items() for word in keys}


def test_a_line_is_no_longer_than_a_terminal_of_100() -> None:
    assert max(map(len, ROWS)) <= 100


@pytest.mark.parametrize(
    ("folder", "begins"),
    [
        ("health", "health-"),
        ("My Project!", "my-project-"),
        ("2026-fleet", "fleet-"),
        ("_", "mad-"),
        ("ü", "mad-"),
        ("a-very-long-name-of-a-folder", "a-very-long-name-of-"),
        ("exactly-eighteen-c--x", "exactly-eighteen-c-"),
    ],
)
def test_a_name_comes_from_the_folder(tmp_path: Path, folder: str, begins: str) -> None:
    name = names.of_folder(tmp_path / folder)
    assert re.fullmatch(re.escape(begins) + "[a-z0-9]{4}", name) or name.startswith(begins)
    assert names.reader().read(name) == name
    assert names.of_folder(tmp_path / folder) != name


def command(*arguments: str) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(init)
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_init_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    code, said, _ = command()
    stack = load(Path("mad.toml"))
    assert code == 0
    assert stack.name.startswith("fleet-")
    assert stack.region == "us-east-2"
    assert stack.name in said
    assert list(folder.iterdir()) == [folder / "mad.toml"]


def test_init_takes_name_and_region(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    code, said, _ = command(
        "--name", "prod", "--region", "eu-north-1", "--stack", str(path), "--json"
    )
    assert code == 0
    assert json.loads(said) == {"file": str(path), "name": "prod", "region": "eu-north-1"}
    assert (load(path).name, load(path).region) == ("prod", "eu-north-1")


def test_init_never_writes_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mad.toml"
    path.write_text("mine")
    code, _, said = command("--file", str(path))
    assert code == 1
    assert "is there already" in said
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--name", "A_b"), 'name: "A_b" cannot be a name'),
        (("--region", "eu-west-2a"), "region: "),
        (("--name", 'ab"\nruntime = "native'), "cannot be a name"),
        (("--file", "missing/mad.toml"), "cannot be written: No such file"),
    ],
)
def test_init_says_what_it_cannot_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, wrong = command(*arguments)
    assert code == 1
    assert said in wrong
    assert list(tmp_path.iterdir()) == []
