"""`mad deploy scale api=4`: other counts, in the stack file and at AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mad.cli.deploy import common, hosts_common

if TYPE_CHECKING:
    from mad.deploy.stack.settings import Role

EPILOG = common.examples(
    "mad deploy scale api=4",
    "mad deploy scale api=4 web=3 --yes",
    "Machines that go are drained first; new ones get the release of the others of their role.",
    "Roles are api, api_lb, client and web. Comments in the stack file stay.",
)


def counts_of(words: list[str]) -> dict[Role, int]:
    """`["api=4"]` as counts. Raises OperationError."""
    from mad.deploy.operations import OperationError
    from mad.deploy.stack.settings import Role

    found: dict[Role, int] = {}
    for word in words:
        name, _, number = word.partition("=")
        if name not in list(Role) or not (number.isascii() and number.isdigit()):
            raise OperationError(
                f"'{word}' is not a role and a count",
                f"write ROLE=N, such as api=4; roles are {', '.join(Role)}",
            )
        if Role(name) in found:
            raise OperationError(f"{name} is given twice", "give each role once")
        found[Role(name)] = int(number)
    return found


def scale(
    counts: Annotated[list[str], typer.Argument(metavar="ROLE=N…", help="How many of each role.")],
    allow_data_loss: common.AllowDataLoss = False,
    yes: common.Yes = False,
    dry_run: common.DryRun = False,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Write other counts into the stack file, then do what `up` does."""
    with common.reported(as_json):
        from mad.cli.deploy.show import status_view
        from mad.deploy import operations
        from mad.deploy.rollout import operations as rollout

        wanted = counts_of(counts)
        wishes = operations.Wishes(allow_data_loss=allow_data_loss)
        target = common.connect(file, region, profile, endpoint_url)
        with common.stoppable(target, common.renderer(target, "scale", as_json)) as show:
            ask = common.Asker(yes)
            hosts = rollout.Hosts(target, show)
            result = operations.scale(
                target,
                wanted,
                show,
                ask,
                wishes,
                dry_run=dry_run,
                before=hosts.drain,
                then=hosts.follow,
            )
            code = common.ended(result, show)
        if hosts.done is not None:
            hosts_common.show_end(target, "hosts", hosts.done, as_json)
            code = code or hosts_common.code_of(hosts.done)
        if result.status is not None and not as_json:
            common.console().print(status_view.outputs(result.status))
        raise typer.Exit(code)
