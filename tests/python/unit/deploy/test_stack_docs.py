"""docs/mad-toml.md says what the reader and the settings do, and the samples load."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from mad.deploy.stack.load import StackError, load, parse
from mad.deploy.stack.schema import ROLES, TABLES
from mad.deploy.stack.settings import REDIS_VERSIONS, Role, Stack
from mad.deploy.stack.values import spoken

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs/mad-toml.md").read_text(encoding="utf-8")
SAMPLES = sorted((ROOT / "infra/stacks").glob("*.toml"))
PLAIN = Stack("mad-x7k2", "eu-west-2")


def rows() -> dict[tuple[str, str], tuple[str, str]]:
    """Type and default of each key, by table and key."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    table = ""
    for line in PAGE.splitlines():
        if line.startswith("## "):
            table = line[3:].strip("[]") if line.startswith("## [") else ""
        elif match := re.match(r"\| `(\w+)` \| (.+?) \| (.+?) \| .+ \|$", line):
            assert (table, match[1]) not in found
            found[table, match[1]] = (match[2], match[3])
    return found


def default(table: str, word: str) -> object:
    """What the settings hold when the file says nothing; None: there is no default."""
    key = TABLES[table][word]
    field = key.field or word
    if table in ROLES and word != "kind":
        role = Role(table)
        machines = PLAIN.machines(role)
        part: object = machines if hasattr(machines, word) else PLAIN.web
    elif (table, word) == ("redis", "version"):
        return REDIS_VERSIONS[PLAIN.redis.engine]
    elif table in ("", "limits", "lock", "release", "api_lb"):
        part = PLAIN
    else:
        part = getattr(PLAIN, table)
    if part is None or table == "hosts" or word in ("name", "region"):
        return None
    value = getattr(part, field)
    return spoken(value) if field.endswith("_s") else value


def shown(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    return f'"{value}"' if isinstance(value, str) else str(value)


def test_the_page_has_every_key_with_its_type_and_default() -> None:
    wanted = {
        (table, word): (key.reader.words, shown(default(table, word)))
        for table, keys in TABLES.items()
        for word, key in keys.items()
    }
    assert rows() == wanted


def test_the_messages_on_the_page_are_those_that_are_said() -> None:
    (block,) = re.findall(r"```\n(mad\.toml:.*?)```", PAGE, re.DOTALL)
    text = (
        'name = "ab"\nregion = "eu-west-2"\n'
        + "\n" * 5
        + "[api]\ncuont = 3\n"
        + "\n" * 2
        + '[network]\nssh_from = [\n"10.0.0.1/8"]\n'
        + "\n" * 6
        + '[tls]\ncert = "/dev/null/x"\n'
    )
    with pytest.raises(StackError) as caught:
        parse(text, Path("mad.toml"))
    said = str(caught.value).splitlines()
    assert block.splitlines() == said[:3]


def test_there_are_samples() -> None:
    assert [path.stem for path in SAMPLES] == ["minimal", "original", "private"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_loads(path: Path) -> None:
    assert load(path).file == path
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_the_sample_of_the_original_has_its_shape() -> None:
    stack = load(ROOT / "infra/stacks/original.toml")
    machines = [stack.machines(role) for role in Role]
    assert [one.count for one in machines] == [2, 1, 2, 2]
    assert {one.type for one in machines} == {"t2.micro"}
    assert (stack.network.profile, stack.web.lb, stack.redis.engine) == ("open", "classic", "redis")


def test_the_least_sample_is_the_defaults() -> None:
    path = ROOT / "infra/stacks/minimal.toml"
    assert load(path) == Stack("mad-minimal", "eu-west-2", file=path)
    assert set(tomllib.loads(path.read_text(encoding="utf-8"))) == {"name", "region"}
