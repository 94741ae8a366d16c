"""`mad deploy unlock`: breaks the lock of a run that is dead."""

from __future__ import annotations

import json

import typer

from mad.cli.deploy import common

EPILOG = common.examples(
    "mad deploy unlock         says whose it is, and asks",
    "A run that is still alive notices, and changes nothing more.",
)


def unlock(
    yes: common.Yes = False,
    dry_run: common.DryRun = False,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Break the lock of the stack, whoever holds it."""
    with common.reported(as_json):
        from mad.deploy import operations

        target = common.connect(file, region, profile, endpoint_url)
        holder = operations.holder(target)
        if holder is not None and not dry_run:
            who = f"`{holder.op}` by {holder.who} on {holder.host} since {holder.started}"
            if not yes and not common.agreed(f"Break the lock of {who}?"):
                typer.echo("Nothing was changed.", err=True)
                raise typer.Exit(common.ERROR)
            holder = operations.unlock(target)
        if as_json:
            print(json.dumps({"event": "unlocked", "holder": holder and holder.who}))
        elif holder is None:
            print("Nobody holds the lock.")
        else:
            done = "would break" if dry_run else "broke"
            print(
                f"{done} the lock of `{holder.op}` by {holder.who} on {holder.host}, "
                f"since {holder.started}"
            )
