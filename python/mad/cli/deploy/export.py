"""`mad deploy export --format terraform`: nobody is locked in."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mad.cli.deploy import common

EPILOG = common.examples(
    "mad deploy export --format terraform > main.tf",
    "terraform init && terraform plan     imports what is there; shows no changes",
)


class Format(StrEnum):
    TERRAFORM = "terraform"


def export(
    format: Annotated[
        Format, typer.Option("--format", help="As what.", show_choices=True)
    ] = Format.TERRAFORM,
    as_json: Annotated[bool, typer.Option("--json", help="Errors as JSON.")] = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Print the stack for another tool; what is there already comes with `import` blocks."""
    del format
    with common.reported(as_json):
        from mad.deploy import operations

        target = common.connect(file, region, profile, endpoint_url)
        print(operations.export_terraform(target), end="")
