"""`mad deploy destroy`: removes all of a stack."""

from __future__ import annotations

import typer

from mad.cli.deploy import common

EPILOG = common.examples(
    "mad deploy destroy                shows what goes, asks, removes it, looks again",
    "mad deploy destroy --dry-run      shows what would go",
    "mad deploy destroy --yes          for robots",
    "Exit code 1 when anything is left; what is left is named.",
)


def destroy(
    yes: common.Yes = False,
    dry_run: common.DryRun = False,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Remove all of the stack, data of Redis included, and look whether anything is left."""
    with common.reported(as_json):
        from mad.deploy import operations

        target = common.connect(file, region, profile, endpoint_url)
        with common.stoppable(target, common.renderer(target, "destroy", as_json)) as show:
            ask = common.Asker(yes, "Remove all of it?")
            result = operations.destroy(target, show, ask, dry_run=dry_run)
            code = common.ended(result, show)
        for found in result.left:
            common.say(
                as_json,
                f"{found.address} ({found.id}) is still there",
                "run the same command again; it names what holds it",
            )
        asked = not dry_run and not result.declined
        interrupted = result.outcome is not None and result.outcome.interrupted
        if asked and not interrupted and not result.left and not as_json:
            common.console().print(
                f"Nothing of {target.stack.name} is left in {target.stack.region}.", style="green"
            )
        raise typer.Exit(code)
