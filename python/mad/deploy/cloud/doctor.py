"""Looks at everything that a run depends on, before the first write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mad.deploy.cloud.checks import Check
from mad.deploy.cloud.session import Aws
from mad.deploy.stack.settings import Stack


def checks(path: Path, connect: Callable[[Stack], Aws]) -> tuple[Check, ...]:
    """All checks of the stack in `path`, in the order people read them. Writes nothing (EC2 is
    asked by `DryRun`). A stack file that does not load is a check that fails; what needs none of it
    is still looked at. `connect` makes the way to AWS, with the command line's profile and
    endpoint. Raises nothing that AWS or the file system may say."""
    raise NotImplementedError


def obstacles(aws: Aws, stack: Stack) -> tuple[Check, ...]:
    """Those checks that fail, for `up`: asked when something is to be made, before the first
    write. Empty: nothing known stands in the way."""
    raise NotImplementedError
