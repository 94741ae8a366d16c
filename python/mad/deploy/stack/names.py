"""What a stack may be called. Its name is part of every name at AWS: of a load balancer's 32
characters (`mad-<stack>-web`) and of a replication group's 40, where hyphens neither end a name nor
stand in pairs."""

from __future__ import annotations

import re
import secrets
import string
from pathlib import Path

from mad.deploy.stack.values import Reader, Wrong, text_of

MOST = 24
LEAST = 2
WORDS = f"{LEAST} to {MOST} of a-z, 0-9 and single hyphens, a letter first, no hyphen last"


def legal(text: str, most: int = MOST) -> str:
    """The nearest name that may be used; empty when nothing of `text` is left."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower())
    return re.sub(r"^[^a-z]+", "", plain)[:most].rstrip("-")


def reader() -> Reader:
    def read(value: object) -> str:
        text = text_of(value, "mad-x7k2")
        fits = LEAST <= len(text) <= MOST
        if fits and re.fullmatch(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", text):
            return text
        near = legal(text)
        example = near if len(near) >= LEAST else "mad-x7k2"
        if len(text) > MOST and re.fullmatch(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", text):
            problem = f'"{text}" has {len(text)} characters'
        else:
            problem = f'"{text}" cannot be a name'
        raise Wrong(problem, f'write {WORDS}: "{example}"')

    return Reader(WORDS, read)


def of_folder(folder: Path) -> str:
    """The folder's name made legal, a hyphen and four characters by chance, so that two people
    never share a name by accident."""
    letters = string.ascii_lowercase + string.digits
    chance = "".join(secrets.choice(letters) for _ in range(4))
    return f"{legal(folder.resolve().name, MOST - 5) or 'mad'}-{chance}"
