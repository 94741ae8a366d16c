"""`mad deploy status`: what is there, and where it is reached."""

from __future__ import annotations

import json

from mad.cli.deploy import common

EPILOG = common.examples(
    "mad deploy status",
    "mad deploy status --json | jq -r .outputs.api_url",
)


def status(
    as_json: common.AsDocument = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Show the machines and services of the stack, and where they are reached."""
    with common.reported(as_json):
        from mad.deploy import operations

        target = common.connect(file, region, profile, endpoint_url)
        seen = operations.status(target)
        if as_json:
            from mad.cli.deploy.show.json_lines import outputs_of

            document = {
                "stack": seen.name,
                "region": seen.region,
                "account": seen.account,
                "held_by": seen.held_by,
                "wanted": {role.value: count for role, count in seen.wanted},
                "outputs": outputs_of(seen),
            }
            print(json.dumps(document, indent=2))
            return
        from mad.cli.deploy.show import status_view

        common.console().print(status_view.whole(seen))
