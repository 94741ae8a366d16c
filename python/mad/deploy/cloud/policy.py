"""The least that a person or a robot must be allowed at AWS for a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mad.deploy.stack.settings import Stack


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy; `Effect` is always `Allow`."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, str | tuple[str, ...]]] | None = None


def policy(stack: Stack, *, account: str = "*", everything: bool = False) -> tuple[Statement, ...]:
    """What the stack's own options need; `everything`: of every option, `adopt` and another's VPC
    too. `account` is put into ARNs; `*` fits any."""
    raise NotImplementedError


def document(statements: tuple[Statement, ...]) -> str:
    """The policy as AWS takes it: indented JSON."""
    raise NotImplementedError
