"""Command lines of `mad deploy` in scripts and docs: found, and held to what the program takes.
Nothing of them is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer

from mad.cli.deploy.app import app

PROGRAM = re.compile(r"(?:\bpython3? -m mad\.deploy|\bmad deploy)(?=\s|$)")
OPERATORS = set(";|&<>()")


def in_script(text: str) -> Iterator[list[str]]:
    """The words behind `mad deploy` or `python -m mad.deploy`, of each such command of a script."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.lstrip().startswith("#"):
            continue
        for found in PROGRAM.finditer(line):
            yield words(line[found.end() :])


def words(text: str) -> list[str]:
    """As a shell parts them, up to the end of the command."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[str] = []
    for word in lexer:
        if set(word) <= OPERATORS:
            break
        found.append(word)
    return found


@cache
def verbs() -> dict[str, Any]:
    commands: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
    return commands


def check(given: list[str]) -> None:
    """Raises what the program says against the words: an unknown verb or option, a wrong value."""
    command, rest, name = _verb_of(given)
    try:
        command.make_context(name, list(rest))
    except typer.Exit:
        # `--help`
        return


def check_options(given: list[str]) -> None:
    """The same of its verb and the names of its options alone: values may be placeholders."""
    command, rest, name = _verb_of(given)
    known = {one for parameter in command.params for one in parameter.opts}
    known |= {one for parameter in command.params for one in parameter.secondary_opts}
    for word in rest:
        if word == "--":
            return
        option = word.partition("=")[0]
        assert not option.startswith("-") or option in known | {"--help"}, f"{name}: {option}"


def _verb_of(given: list[str]) -> tuple[Any, list[str], str]:
    assert given, "no verb"
    found, rest = verbs(), given
    names: list[str] = []
    while True:
        assert rest, f"{' '.join(names)}: a verb is missing"
        names.append(rest[0])
        assert rest[0] in found, f"{' '.join(names)}: there is no such verb"
        command, rest = found[rest[0]], rest[1:]
        inner = getattr(command, "commands", None)
        if inner is None or not rest or rest[0].startswith("-"):
            return command, rest, " ".join(names)
        found = inner
