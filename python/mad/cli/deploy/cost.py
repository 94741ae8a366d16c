"""`mad deploy cost`: what a stack costs a month."""

from __future__ import annotations

import json

from mad.cli.deploy import common

EPILOG = common.examples(
    "mad deploy cost",
    "mad deploy plan      shows by how much a change makes it more or less",
)


def cost(
    as_json: common.AsDocument = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Show what the stack costs a month by its file; asks AWS nothing."""
    with common.reported(as_json):
        from mad.deploy import operations

        target = common.connect(file, region, profile, endpoint_url)
        found = operations.cost(target)
        if as_json:
            from mad.cli.deploy.show.json_lines import cost_of

            print(json.dumps(cost_of(found), indent=2))
            return
        from mad.cli.deploy.show import status_view

        common.console().print(status_view.cost(found))
