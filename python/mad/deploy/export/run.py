"""Looks at a stack and writes it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mad.deploy.plan.specs import KeyPairSpec, Kind

if TYPE_CHECKING:
    from mad.deploy.operations import Target
    from mad.deploy.plan.model import Observed


def export_terraform(given: Target) -> str:
    """The stack of the file as HCL; what lives of it is taken over. Changes nothing. Raises
    AwsError, StackError."""
    from mad.deploy.cloud import registry
    from mad.deploy.export.terraform import terraform
    from mad.deploy.plan.desired import desired

    observed = registry.observe(given.aws, given.stack, images=True)
    return terraform(
        given.stack, desired(given.stack, observed, _public_key(given, observed)), observed
    )


def _public_key(given: Target, observed: Observed) -> str:
    """That of the key pair that is there; else the one `up` would take."""
    from mad.deploy.stack.keys import read_public_key

    for found in observed.of(Kind.KEY_PAIR):
        if isinstance(found.spec, KeyPairSpec) and found.spec.public_key:
            return found.spec.public_key
    return read_public_key(given.stack)
