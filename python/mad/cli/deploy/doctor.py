"""`mad deploy doctor`: is everything there that a run depends on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mad.cli.deploy import common, hosts_common, looking

if TYPE_CHECKING:
    from mad.deploy.cloud.checks import Check

EPILOG = common.examples(
    "mad deploy doctor         before the first `up`: changes nothing, asks EC2 by DryRun",
    "mad deploy doctor --binaries out/arm64    are these the programs for the machines",
    "Machines that run are looked at over ssh: their port is open for this one meanwhile.",
)


Hosts = Annotated[
    bool, typer.Option("--hosts/--no-hosts", help="Whether to look at machines that run.")
]


def doctor(
    hosts: Hosts = True,
    binaries: hosts_common.Binaries = None,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Check all that `up` depends on, machines that run too; exit code 1 if something fails."""
    with common.reported(as_json), looking.ended_well():
        from mad.deploy.cloud import doctor as looks
        from mad.deploy.cloud.checks import Level
        from mad.deploy.cloud.session import Aws
        from mad.deploy.stack.settings import Stack

        def connect(stack: Stack) -> Aws:
            return Aws(stack.region, profile=profile, endpoint_url=endpoint_url)

        found = looks.checks(file, connect, region=region)
        broken = [check.name for check in found if check.level == Level.FAIL]
        if hosts and not {"stack file", "credentials"} & set(broken):
            found += on_hosts(file, region, profile, endpoint_url, tuple(binaries or ()))
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


def on_hosts(
    file: Path,
    region: str | None,
    profile: str | None,
    endpoint_url: str | None,
    binaries: tuple[Path, ...],
) -> tuple[Check, ...]:
    """Of machines that run; none while there are none."""
    from mad.deploy.cloud.session import AwsError
    from mad.deploy.hosts import doctor as looks
    from mad.deploy.hosts import visit

    try:
        seen = visit.see(common.connect(file, region, profile, endpoint_url))
    except AwsError:
        # What AWS refuses is among its own checks.
        return ()
    return looks.checks(seen, binaries) if seen.hosts else ()
