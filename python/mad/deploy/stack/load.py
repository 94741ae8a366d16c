"""Reads a stack file. All mistakes are told at once, each with its line and what to write."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mad.deploy.stack import checks, values
from mad.deploy.stack.lines import Lines, lines
from mad.deploy.stack.mistakes import Mistake, StackError
from mad.deploy.stack.schema import OTHER_WORDS, ROLES, TABLES, Key
from mad.deploy.stack.settings import (
    Access,
    Containers,
    Machines,
    Network,
    Redis,
    Role,
    Ssh,
    Stack,
    Tls,
    Update,
    Web,
)

__all__ = ["Mistake", "StackError", "load", "parse", "read_text"]

MOST_BYTES = 1 << 20


def load(path: Path, *, region: str | None = None) -> Stack:
    """The stack of a file; `region` goes before the file's. Raises StackError."""
    return parse(read_text(path), path, region=region)


def parse(text: str, path: Path, *, region: str | None = None) -> Stack:
    """The same of a text that is, or will be, the file `path`."""
    plain = text.removeprefix("\ufeff")
    try:
        document = tomllib.loads(plain)
    except tomllib.TOMLDecodeError as error:
        raise StackError([_syntax(path, plain, error)]) from None
    reader = _Reader(path, lines(plain))
    reader.read(document)
    if region is not None:
        reader.key(("region",), region, TABLES[""]["region"], "region")
    checks.check(reader.found)
    if reader.mistakes:
        raise StackError(sorted(reader.mistakes, key=lambda mistake: mistake.line))
    return _stack(reader.found.given, path)


def read_text(path: Path) -> str:
    """As it is, with its own ends of lines. Raises StackError."""

    def refused(problem: str, remedy: str, line: int = 0) -> StackError:
        return StackError([Mistake(path, line, "", problem, remedy)])

    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise refused(
            "there is no such file", "`mad deploy init` writes one, `--stack FILE` names another"
        ) from None
    except IsADirectoryError:
        raise refused("this is a folder", f"name the file: `--stack {path / 'mad.toml'}`") from None
    except OSError as error:
        raise refused(f"cannot be read: {error.strerror}", "check its permissions") from None
    if len(raw) > MOST_BYTES:
        raise refused("larger than 1 MiB", "name a stack file: `mad deploy init` writes one")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise refused("not UTF-8", "save the file as UTF-8", line) from None


_REMEDIES = (
    ("Invalid value", "write strings in double quotes, true and false in small letters"),
    ("Expected '=' after a key", "write it as key = value"),
    ("Cannot overwrite a value", "remove one of the two"),
    ("Cannot declare", "join the two tables under one header"),
    ("Illegal character", "close the string on its line, or write it with three quotes"),
    ("Unterminated", "close what was opened"),
    ("Unclosed", "close what was opened"),
    ("Expected newline", "write one key a line"),
    ("Expected ']'", "close the header with ]"),
)


def _syntax(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Mistake:
    said = str(error)
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", said)
    line = int(place[1]) if place and place[1] else len(text.splitlines()) or 1
    column = f" at column {place[2]}" if place and place[2] else ""
    problem = said[: place.start()] if place else said
    remedy = next(
        (what for begin, what in _REMEDIES if problem.startswith(begin)),
        "see https://toml.io for how values are written",
    )
    return Mistake(path, line, "", f"not TOML{column}: {problem}", remedy)


class _Reader:
    """Goes through a document, and collects what is right and what is not."""

    def __init__(self, path: Path, where: Lines) -> None:
        self.path = path
        self.where = where
        self.mistakes: list[Mistake] = []
        self.found = checks.Found({}, self.mistake)

    def mistake(self, path: tuple[str | int, ...], problem: str, remedy: str) -> None:
        key = ".".join(part for part in path if isinstance(part, str))
        self.mistakes.append(Mistake(self.path, self.where.of(*path), key, problem, remedy))

    def read(self, document: Mapping[str, Any]) -> None:
        for name, value in document.items():
            if name in TABLES[""]:
                self.key((name,), value, TABLES[""][name], name)
            elif name in TABLES and name:
                self.table(name, value)
            else:
                self.unknown_at_top(name, value)

    def table(self, name: str, value: object) -> None:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            self.mistake((name,), "an array of tables", f"write [{name}], once")
            return
        if not isinstance(value, dict):
            first = next(iter(TABLES[name]))
            remedy = f"write [{name}] on a line and {first} = … below it"
            self.mistake((name,), f"{values.kind(value)} where a table is expected", remedy)
            return
        self.found.given.setdefault(name, {})
        for word, item in value.items():
            known = TABLES[name].get(word)
            if known:
                self.key((name, word), item, known, word)
            else:
                self.unknown((name, word), tuple(TABLES[name]))

    def key(self, path: tuple[str, ...], value: object, key: Key, word: str) -> None:
        table = path[0] if len(path) > 1 else ""
        given = self.found.given.setdefault(table, {})
        given[word] = checks.WRONG
        try:
            read = key.reader.read(value)
            given[word] = values.path(self.path.absolute().parent)(read) if key.file else read
        except values.Wrong as wrong:
            item = () if wrong.item is None else (wrong.item,)
            self.mistake((*path, *item), wrong.problem, wrong.remedy)

    def unknown(self, path: tuple[str, str], known: tuple[str, ...]) -> None:
        table, word = path
        near = OTHER_WORDS.get(word.lower())
        if near not in known:
            near = values.nearest(word.lower(), known)
        owners = [name for name, keys in TABLES.items() if word in keys and name != table]
        if near:
            remedy = f"write {near}"
        elif len(owners) == 1:
            home = f"[{owners[0]}]" if owners[0] else "the top of the file, above all tables"
            remedy = f"it belongs to {home}"
        else:
            remedy = f"known in [{table}]: {', '.join(known)}"
        self.mistake(path, "unknown key", remedy)

    def unknown_at_top(self, name: str, value: object) -> None:
        is_table = isinstance(value, dict)
        what = "table" if is_table else "key"
        tables = tuple(table for table in TABLES if table)
        known = tables if is_table else tuple(TABLES[""])
        near = values.nearest(name.lower(), known)
        owners = [table for table in tables if name in TABLES[table]]
        if near:
            remedy = f"write [{near}]" if is_table else f"write {near}"
        elif owners and not is_table:
            remedy = f"it belongs below {' or '.join(f'[{owner}]' for owner in owners)}"
        else:
            listed = ", ".join(f"[{one}]" if is_table else one for one in known)
            remedy = f"known {what}s: {listed}"
        self.mistake((name,), f"unknown {what}", remedy)


def _fields(given: Mapping[str, Mapping[str, Any]], table: str) -> dict[str, Any]:
    """As the settings name them; keys whose field is the stack's own are left out."""
    own = {"api_lb_kind", "release_url", "lock_bucket"}
    named = {
        TABLES[table][word].field or word: value for word, value in given.get(table, {}).items()
    }
    return {word: value for word, value in named.items() if word not in own}


def _stack(given: Mapping[str, Mapping[str, Any]], path: Path) -> Stack:
    hosts = given.get("hosts")
    defaults = Stack("", "")

    def machines(role: Role) -> Machines:
        fields = _fields(given, role)
        fields = {
            word: fields[word] for word in ("count", "type", "image", "disk_gib") if word in fields
        }
        fields.setdefault("count", defaults.machines(role).count)
        if hosts is not None:
            fields["count"] = len(hosts.get(role, ()))
        return Machines(**fields)

    web = {word: value for word, value in _fields(given, "web").items() if word in ("lb", "domain")}
    top = given.get("", {})
    own: dict[str, Any] = {}
    for table, word in (("api_lb", "kind"), ("release", "url"), ("lock", "bucket")):
        if word in given.get(table, {}):
            own[TABLES[table][word].field or word] = given[table][word]
    return Stack(
        name=top["name"],
        region=top.get("region", ""),
        api=machines(Role.API),
        api_lb=machines(Role.API_LB),
        client=machines(Role.CLIENT),
        web=Web(machines(Role.WEB), **web),
        network=Network(**_fields(given, "network")),
        ssh=Ssh(**_fields(given, "ssh")),
        redis=Redis(**_fields(given, "redis")),
        tls=Tls(**_fields(given, "tls")) if given.get("tls") else None,
        access=Access(**_fields(given, "access")),
        update=Update(**_fields(given, "update")),
        runtime=top.get("runtime", "native"),
        containers=Containers(**_fields(given, "containers")),
        hosts={Role(role): hosts[role] for role in ROLES if role in hosts} if hosts else None,
        monthly_usd=given.get("limits", {}).get("monthly_usd"),
        file=path.absolute(),
        **own,
    )
