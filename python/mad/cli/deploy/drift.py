"""`mad deploy drift`: what somebody else changed."""

from __future__ import annotations

import typer

from mad.cli.deploy import common

EPILOG = common.examples(
    "mad deploy drift         exit code 2 when there is some",
    "mad deploy up            makes it as the stack file says again",
)


def drift(
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Show what was changed outside mad since the last run; exit code 2 when something was."""
    with common.reported(as_json):
        from mad.deploy import operations
        from mad.deploy.events import PlanMade

        target = common.connect(file, region, profile, endpoint_url)
        looked = operations.drift(target)
        if looked.plan.empty and not as_json:
            print("No drift: nobody else changed anything.")
            return
        common.renderer(target, "drift", as_json)(PlanMade(looked.plan, looked.observed))
        if not looked.plan.empty:
            raise typer.Exit(common.CHANGES)
