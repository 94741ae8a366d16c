"""`mad deploy status`: what is there, where it is reached, and what runs on the machines."""

from __future__ import annotations

import json

from mad.cli.deploy import common, looking

EPILOG = common.examples(
    "mad deploy status",
    "mad deploy status --no-hosts     quick: without asking the machines",
    "mad deploy status --json | jq -r .outputs.api_url",
)


def status(
    hosts: looking.AskHosts = None,
    as_json: common.AsDocument = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Show the machines and services of the stack, where they are reached and what they run."""
    with common.reported(as_json), looking.ended_well():
        from mad.deploy.hosts import visit
        from mad.deploy.hosts.look import look

        there = visit.see(common.connect(file, region, profile, endpoint_url))
        asked = there.filled if hosts is None else hosts
        found = look(there) if asked and there.hosts else ()
        seen = there.status
        if as_json:
            from mad.cli.deploy.show import hosts_view
            from mad.cli.deploy.show.json_lines import outputs_of

            document = {
                "stack": seen.name,
                "region": seen.region,
                "account": seen.account,
                "held_by": seen.held_by,
                "wanted": {role.value: count for role, count in seen.wanted},
                "outputs": outputs_of(seen),
                "hosts": hosts_view.document(found) if asked else None,
            }
            print(json.dumps(document, indent=2))
            return
        from mad.cli.deploy.show import hosts_view, status_view

        out = common.console()
        out.print(status_view.whole(seen))
        if found:
            out.print()
            out.print(hosts_view.running(found))
