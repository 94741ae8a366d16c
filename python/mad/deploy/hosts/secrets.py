"""Secrets of a stack, where a command needs them: read once, kept in memory, shown nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mad.deploy.cloud.names import secret_path
from mad.deploy.cloud.session import Aws
from mad.deploy.operations import OperationError


@dataclass(frozen=True, slots=True)
class Secrets:
    """All of a stack, by name."""

    values: Mapping[str, str] = field(repr=False)

    def get(self, name: str) -> str:
        """Raises OperationError for one that is not there."""
        try:
            return self.values[name]
        except KeyError:
            raise OperationError(
                f"the secret {name} is not there", "`up` makes it; run that first"
            ) from None


@dataclass(frozen=True, slots=True)
class SsmSecrets:
    """Those in SSM, decrypted for this command."""

    aws: Aws
    stack: str

    def all(self) -> Mapping[str, str]:
        path = secret_path(self.stack)
        found = self.aws.pages(
            "ssm", "get_parameters_by_path", "Parameters", Path=path, WithDecryption=True
        )
        return {str(one["Name"]).rpartition("/")[2]: str(one["Value"]) for one in found}
