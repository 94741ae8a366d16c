"""`mad deploy plan`: what `up` would do."""

from __future__ import annotations

from typing import Annotated

import typer

from mad.cli.deploy import common

EPILOG = common.examples(
    "mad deploy plan",
    "mad deploy plan --detailed-exitcode    exit code 2 when something is to be done",
    "mad deploy plan --json                 the plan as one JSON object",
)


def plan(
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when something is to be done.")
    ] = False,
    refresh_images: common.RefreshImages = False,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Show what `up` would do and what it costs a month; changes nothing and takes no lock."""
    with common.reported(as_json):
        from mad.deploy import operations
        from mad.deploy.events import PlanMade

        target = common.connect(file, region, profile, endpoint_url)
        looked = operations.plan_of(target, operations.Wishes(refresh_images=refresh_images))
        common.renderer(target, "plan", as_json)(PlanMade(looked.plan, looked.observed))
        if detailed_exitcode and not looked.plan.empty:
            raise typer.Exit(common.CHANGES)
