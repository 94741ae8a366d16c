"""`mad deploy destroy`: removes all of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mad.cli.deploy import common, hosts_common

if TYPE_CHECKING:
    from mad.deploy.operations import Target

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
        if target.stack.hosts is not None:
            raise typer.Exit(_off_hosts(target, yes, dry_run, as_json))
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


def _off_hosts(target: Target, yes: bool, dry_run: bool, as_json: bool) -> int:
    """Machines that were given stay; what the stack put on them goes."""
    from mad.deploy.rollout import operations as rollout

    hosts = [address for found in (target.stack.hosts or {}).values() for address in found]
    names = ", ".join(dict.fromkeys(hosts))
    if dry_run:
        typer.echo(f"would take {target.stack.name} off {names}")
        return common.OK
    if not yes and not common.agreed(f"Take {target.stack.name} off {names}?"):
        typer.echo("Nothing was changed.", err=True)
        return common.ERROR
    with common.stoppable(target, common.renderer(target, "destroy", as_json)) as show:
        done = rollout.remove(target, show)
    hosts_common.show_end(target, "destroy", done, as_json)
    return hosts_common.code_of(done)
