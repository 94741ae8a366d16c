"""Writes HCL as `terraform fmt` and `tofu fmt` leave it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Code:
    """An expression as it stands: `aws_vpc.main.id`."""

    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """`resource "aws_vpc" "main" { … }`. Arguments come before blocks, as people write them."""

    type: str
    labels: tuple[str, ...] = ()
    arguments: Mapping[str, Value] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    comment: str = ""
    """Lines above it."""


Value: TypeAlias = "Code | str | bool | int | Sequence[Value] | Mapping[str, Value]"


def text(value: str) -> str:
    """A quoted string in which nothing is a template."""
    quoted = json.dumps(value, ensure_ascii=False)
    return quoted.replace("${", "$${").replace("%{", "%%{")


def write(blocks: Iterable[Block]) -> str:
    """A whole file."""
    return "\n\n".join("\n".join(_block(block, "")) for block in blocks) + "\n"


def _block(block: Block, indent: str) -> list[str]:
    head = " ".join((block.type, *map(text, block.labels)))
    comment = [f"{indent}# {line}".rstrip() for line in block.comment.splitlines()]
    inner = indent + "  "
    groups = [_arguments(block.arguments, inner)] if block.arguments else []
    groups += [_block(one, inner) for one in block.blocks]
    if not groups:
        return [*comment, f"{indent}{head} {{}}"]
    body = [line for group in groups for line in ("", *group)][1:]
    return [*comment, f"{indent}{head} {{", *body, f"{indent}}}"]


def _arguments(arguments: Mapping[str, Value], indent: str) -> list[str]:
    """Short ones in one run whose signs stand below each other, then each long one apart."""
    short: dict[str, str] = {}
    long: list[list[str]] = []
    for name, value in arguments.items():
        if isinstance(value, Mapping) and value:
            inner = {_key(key): item for key, item in value.items()}
            long.append([f"{indent}{name} = {{", *_arguments(inner, indent + "  "), f"{indent}}}"])
        else:
            short[name] = _short(value)
    wide = max(map(len, short), default=0)
    rows = [f"{indent}{name:<{wide}} = {value}" for name, value in short.items()]
    groups = ([rows] if rows else []) + long
    return [line for group in groups for line in ("", *group)][1:]


def _key(key: str) -> str:
    plain = key.replace("_", "").replace("-", "").isalnum() and key[0].isalpha()
    return key if plain else text(key)


def _short(value: Value) -> str:
    if isinstance(value, Code):
        return value.text
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{}"
    return f"[{', '.join(map(_short, value))}]"
