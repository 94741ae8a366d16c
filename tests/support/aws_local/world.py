"""What the strict parts remember beside moto's models; one world for the whole process."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

STEPS = 2
"""How often something that is being made or removed is looked at before it is there or gone."""


@dataclass(slots=True)
class World:
    steps: int = STEPS
    unseen: int = 1
    """How often what was just made is not found by its id."""
    full: set[str] = field(default_factory=set)
    """Zones without room for another machine."""
    release: int = 1
    """Of the images that are today's."""
    instances: dict[str, int] = field(default_factory=dict)
    """By instance: looks left until its next state."""
    hidden: dict[str, int] = field(default_factory=dict)
    """By id: how often it is still not found."""
    tokens: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """By client token: what was asked for, and the reservation."""
    lingering: dict[str, int] = field(default_factory=dict)
    """By network interface whose owner is gone: looks left until it goes too."""
    caches: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    """By account, region and name: replication groups."""
    subnet_groups: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    cache_tags: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    addresses: int = 5
    vcpus: float = 64.0
    """The quota of a region, of on-demand machines."""


world = World()
guard = threading.RLock()
"""Held while a request is answered: moto's models know no threads."""


def reset() -> None:
    fresh = World()
    for name in World.__slots__:
        setattr(world, name, getattr(fresh, name))


def once(count: dict[str, int], key: str) -> bool:
    """Counts one down; whether there was something left."""
    left = count.get(key, 0)
    if left <= 0:
        count.pop(key, None)
        return False
    count[key] = left - 1
    return True


def replace(owner: Any, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Puts a function in the place of a method; the old one comes as its first argument."""

    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        old = getattr(owner, name, None)

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return function(old, self, *args, **kwargs)

        setattr(owner, name, method)
        return function

    return put
