"""The way to AWS: one session, one client for each service, errors as one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class AwsError(Exception):
    """A call that failed for good, as a sentence and a remedy (`mad.deploy.cloud.errors`)."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"{service}:{operation}: {code}: {message}")
        self.service = service
        self.operation = operation
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Identity:
    account: str
    arn: str


class Aws:
    """Calls of one account and region. Credentials come from the usual chain alone."""

    def __init__(
        self, region: str, *, profile: str | None = None, endpoint_url: str | None = None
    ) -> None:
        self.region = region
        self.profile = profile
        self.endpoint_url = endpoint_url

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """`call("ec2", "describe_vpcs", VpcIds=[…])`. Throttling and the like were tried again.
        Raises AwsError."""
        raise NotImplementedError

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        """All items under `key` of all pages."""
        raise NotImplementedError

    def identity(self) -> Identity:
        """Who calls; asked once."""
        raise NotImplementedError
