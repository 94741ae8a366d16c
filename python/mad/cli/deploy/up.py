"""`mad deploy up`: makes the stack as its file says, to the system that runs on it."""

from __future__ import annotations

from typing import Annotated

import typer

from mad.cli.deploy import common, hosts_common

EPILOG = common.examples(
    "mad deploy up                     shows the plan, asks, then does it",
    "mad deploy up --yes --json        for robots: one JSON object a line",
    "mad deploy up --dry-run           shows the plan and ends",
    "Ctrl-C lets nothing new start and waits for what runs; run it again to go on.",
)


def up(
    infra_only: Annotated[
        bool,
        typer.Option("--infra-only", help="Stop before the hosts: machines and services alone."),
    ] = False,
    create_default_vpc: Annotated[
        bool,
        typer.Option(
            "--create-default-vpc", help="Make the region's default VPC when there is none."
        ),
    ] = False,
    binaries: hosts_common.Binaries = None,
    refresh_images: common.RefreshImages = False,
    allow_data_loss: common.AllowDataLoss = False,
    yes: common.Yes = False,
    dry_run: common.DryRun = False,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Make the stack as its file says: show the plan, ask, do it. Safe to interrupt and repeat."""
    with common.reported(as_json):
        from mad.cli.deploy.show import status_view
        from mad.deploy import operations
        from mad.deploy.rollout import operations as rollout

        wishes = operations.Wishes(refresh_images, allow_data_loss, create_default_vpc)
        target = common.connect(file, region, profile, endpoint_url)
        if target.stack.hosts is not None:
            # The machines are there: what is left of `up` is what `deploy` does.
            options = rollout.Options(binaries=tuple(binaries or ()), dry_run=dry_run or infra_only)
            with common.stoppable(target, common.renderer(target, "up", as_json)) as show:
                done = rollout.deploy(target, options, show, hosts_common.asker(yes))
            hosts_common.show_end(target, "up", done, as_json)
            if done.status is not None and not as_json:
                common.console().print(status_view.outputs(done.status))
            raise typer.Exit(hosts_common.code_of(done))
        with common.stoppable(target, common.renderer(target, "up", as_json)) as show:
            ask = common.Asker(yes)
            hosts = rollout.Hosts(target, show, tuple(binaries or ()))
            then = None if infra_only else hosts.finish
            result = operations.up(
                target, show, ask, wishes, dry_run=dry_run, before=hosts.drain, then=then
            )
            code = common.ended(result, show)
        if hosts.done is not None:
            hosts_common.show_end(target, "hosts", hosts.done, as_json)
            code = code or hosts_common.code_of(hosts.done)
        if result.status is not None and not as_json:
            common.console().print(status_view.outputs(result.status))
        raise typer.Exit(code)
