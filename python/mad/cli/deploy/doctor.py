"""`mad deploy doctor`: is everything there that a run depends on."""

from __future__ import annotations

import json

import typer

from mad.cli.deploy import common

EPILOG = common.examples(
    "mad deploy doctor         before the first `up`: changes nothing, asks EC2 by DryRun",
)


def doctor(
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Check everything that `up` depends on, with a remedy for each; exit code 1 if one fails."""
    with common.reported(as_json):
        from mad.deploy.cloud import doctor as looks
        from mad.deploy.cloud.checks import Level
        from mad.deploy.cloud.session import Aws
        from mad.deploy.stack.settings import Stack

        def connect(stack: Stack) -> Aws:
            return Aws(stack.region, profile=profile, endpoint_url=endpoint_url)

        found = looks.checks(file, connect, region=region)
        if as_json:
            for check in found:
                line = {
                    "event": "check",
                    "name": check.name,
                    "level": check.level.value,
                    "sentence": check.sentence,
                    "remedy": check.remedy,
                }
                print(json.dumps(line))
        else:
            from mad.cli.deploy.show import status_view

            common.console().print(status_view.checks(found))
        if any(check.level == Level.FAIL for check in found):
            raise typer.Exit(common.ERROR)
