"""`mad deploy rollback`: the release before, at once."""

from __future__ import annotations

from typing import Annotated

import typer

from mad.cli.deploy import common, hosts_common

EPILOG = common.examples(
    "mad deploy rollback --role api             the release before on all api hosts",
    "mad deploy rollback --role api --to 1.1.0  one that is still on them",
    "Nothing is uploaded: hosts keep three releases.",
)


def rollback(
    role: hosts_common.Roles = None,
    to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Default: the release before.")
    ] = None,
    yes: common.Yes = False,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Give hosts the release before again: all at once, without an upload."""
    with common.reported(as_json):
        from mad.deploy.rollout import operations as rollout

        roles = hosts_common.roles_of(role)
        target = common.connect(file, region, profile, endpoint_url)
        if not yes and not common.agreed(f"Roll back {', '.join(roles)}?"):
            raise typer.Exit(common.ERROR)
        with common.stoppable(target, common.renderer(target, "rollback", as_json)) as show:
            done = rollout.rollback(target, roles, to, show)
        hosts_common.show_end(target, "rollback", done, as_json)
        raise typer.Exit(hosts_common.code_of(done))
