"""The face of each kind of resource. Comparing is the planner's (`mad.deploy.plan.difference`);
the other verbs are here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from mad.deploy.cloud import tags
from mad.deploy.cloud.session import Aws
from mad.deploy.plan.model import Found, Observed
from mad.deploy.plan.specs import Address, Spec
from mad.deploy.stack.settings import Stack


@dataclass(slots=True)
class Context:
    """What a verb may use. `ids` grows while a plan is applied; the engine writes it."""

    aws: Aws
    stack: Stack
    lease: str
    """The lock's lease: makes tokens of this run unlike those of another."""
    observed: Observed
    ids: dict[Address, str] = field(default_factory=dict)
    """Of all that exists, by address; of a slot that is being replaced the new one."""
    progress: Callable[[str], None] = lambda _text: None
    """Says what is waited for."""
    cancelled: Event = field(default_factory=Event)

    def tags_of(self, spec: Spec, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """All tags of a resource of ours (`mad.deploy.cloud.tags.of`)."""
        return tags.of(self.stack.name, spec, extra or {})


class Resource(Protocol):
    """One kind. Each verb may be called again after it was cut off anywhere, and ends in the same
    state. Raises `AwsError` alone."""

    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        """All of this kind that carry the stack's tags."""

    def create(self, context: Context, spec: Spec) -> str:
        """Makes it, waits until others can use it, and gives its id. Finds one that an
        interrupted run left before it makes another."""

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        """Makes `found` as `spec` says, as far as AWS can in place."""

    def delete(self, context: Context, found: Found) -> None:
        """Removes it and waits until it is gone. Gone already is done."""
