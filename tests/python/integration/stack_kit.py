"""A stack in a folder of its own, and the verbs on it, without a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aws_local import Server

from mad.deploy import operations
from mad.deploy.cloud.session import Aws
from mad.deploy.operations import Result, Target, Wishes
from mad.deploy.plan.specs import Address, Kind
from mad.deploy.stack.settings import Role

REGION = "eu-west-2"
_SERVICES = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "service-quotas": "servicequotas",
}


class World:
    """One stack file and the AWS it is made at. Each verb reads the file again."""

    def __init__(self, folder: Path, server: Server, text: str = "", name: str = "shop") -> None:
        self.file = folder / "mad.toml"
        self.server = server
        self.name = name
        self.heard: list[object] = []
        self.used: list[Aws] = []
        """The ways to AWS that verbs took."""
        self.write(text)

    def write(self, text: str) -> None:
        self.file.write_text(f'name = "{self.name}"\nregion = "{REGION}"\n{text}')

    def target(self) -> Target:
        given = operations.target(self.file, endpoint_url=self.server.url)
        self.used.append(given.aws)
        return given

    @property
    def aws(self) -> Aws:
        """A way of the test's own."""
        return Aws(REGION, endpoint_url=self.server.url)

    def calls(self) -> set[str]:
        """Of all verbs so far, as IAM names them: `ec2:RunInstances`."""
        return {
            f"{_SERVICES.get(service, service)}:{operation}"
            for aws in self.used
            for service, operation in aws.calls
        }

    def up(self, **wishes: Any) -> Result:
        return operations.up(
            self.target(), self.heard.append, lambda _looked: True, Wishes(**wishes)
        )

    def scale(self, **counts: int) -> Result:
        given = {Role(role): count for role, count in counts.items()}
        return operations.scale(self.target(), given, self.heard.append, lambda _looked: True)

    def destroy(self) -> Result:
        return operations.destroy(self.target(), self.heard.append, lambda _looked: True)

    def adopt(self, address: str, id: str) -> None:
        kind, _, name = address.partition(".")
        operations.adopt(self.target(), Address(Kind(kind), name), id, self.heard.append)

    def ids(self, kind: Kind) -> dict[str, str]:
        """By name: the ids of what is there."""
        given = operations.target(self.file, endpoint_url=self.server.url)
        found = operations.observe(given).of(kind)
        return {one.spec.name: one.id for one in found}
