"""`mad deploy adopt ADDRESS ID`: takes a resource that exists into the stack."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from mad.cli.deploy import common

if TYPE_CHECKING:
    from mad.deploy.plan.specs import Address

EPILOG = common.examples(
    "mad deploy adopt instance.api-0 i-0123456789abcdef0",
    "mad deploy adopt elastic_ip.api_lb-0 eipalloc-0123456789abcdef0",
    "mad deploy plan       names the addresses, and shows what would change afterwards",
)


def address_of(word: str) -> Address:
    """`instance.api-0`. Raises OperationError."""
    from mad.deploy.operations import OperationError
    from mad.deploy.plan.specs import Address, Kind

    kind, _, name = word.partition(".")
    if kind not in list(Kind) or not name:
        raise OperationError(
            f"'{word}' is no address", "write KIND.NAME as `plan` shows it, such as instance.api-0"
        )
    return Address(Kind(kind), name)


def adopt(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="As `plan` names it.")],
    id: Annotated[str, typer.Argument(metavar="ID", help="Its id or name at AWS.")],
    yes: common.Yes = False,
    dry_run: common.DryRun = False,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Take a resource that exists into the stack: it is checked, and tagged."""
    with common.reported(as_json):
        from mad.deploy import operations

        place = address_of(address)
        target = common.connect(file, region, profile, endpoint_url)
        if dry_run:
            typer.echo(f"would tag {id} as {place} of {target.stack.name}")
            return
        if not yes and not common.agreed(f"Tag {id} as {place} of {target.stack.name}?"):
            typer.echo("Nothing was changed.", err=True)
            raise typer.Exit(common.ERROR)
        with common.stoppable(target, common.renderer(target, "adopt", as_json)) as show:
            changes = operations.adopt(target, place, id, show)
        if as_json:
            told = [asdict(one) for one in changes]
            line = {"event": "adopted", "address": str(place), "id": id, "changes": told}
            print(json.dumps(line))
            return
        print(f"{id} is {place} of {target.stack.name} now.")
        if changes:
            print("The next `mad deploy up` changes:")
        for one in changes:
            print(f"  {one.field}: {one.before} -> {one.after}")
