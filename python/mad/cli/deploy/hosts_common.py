"""What the verbs share that change hosts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mad.cli.deploy import common

if TYPE_CHECKING:
    from mad.deploy.operations import Target
    from mad.deploy.rollout.operations import Agree, Deployed
    from mad.deploy.rollout.run import Inspected
    from mad.deploy.stack.settings import Role

GATE = 4
"""Exit code: a new release was not well, and is taken back."""

Roles = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="api, api_lb, client or web; repeat. All of them."),
]
Version = Annotated[
    str | None,
    typer.Option(metavar="VERSION", help="Of the release. Default: that of the installed package."),
]
Binaries = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR",
        help="Programs in the place of the package's; repeat, a folder for each architecture.",
    ),
]


def roles_of(given: list[str] | None) -> tuple[Role, ...]:
    """Raises OperationError for what is no role."""
    from mad.deploy.operations import OperationError
    from mad.deploy.stack.settings import Role

    known = {role.value: role for role in Role}
    for name in given or ():
        if name not in known:
            raise OperationError(f"{name} is no role", f"write one of {', '.join(known)}")
    return tuple(known[name] for name in given) if given else tuple(Role)


def asker(yes: bool) -> Agree:
    def agree(seen: tuple[Inspected, ...]) -> bool:
        if yes:
            return True
        for one in seen:
            if not one.same:
                typer.echo(f"  ~ {one.host.name}: {one.why}")
        return common.agreed("Change these hosts?")

    return agree


def code_of(deployed: Deployed) -> int:
    """The exit code of a command that changed hosts."""
    ended = deployed.ended
    if deployed.declined:
        typer.echo("Nothing was changed.", err=True)
        return common.ERROR
    if ended.gate:
        return GATE
    if ended.interrupted:
        typer.echo("mad deploy: interrupted; run the same command again to go on", err=True)
        return common.INTERRUPTED
    return common.OK if ended.ok else common.ERROR


def document(op: str, deployed: Deployed) -> dict[str, object]:
    """The last line of `--json`."""
    ended = deployed.ended
    return {
        "op": op,
        "ok": deployed.ok,
        "same": [host.name for host in ended.same],
        "switched": [host.name for host in ended.switched],
        "reverted": [host.name for host in ended.reverted],
        "failed": {host.name: error.sentence for host, error in ended.failed},
        "left": [host.name for host in ended.left],
        "interrupted": ended.interrupted,
        "gate_failed": ended.gate,
    }


def show_end(target: Target, op: str, deployed: Deployed, as_json: bool) -> None:
    """Says how it ended."""
    if as_json:
        import sys

        from mad.cli.deploy.show.json_lines import JsonLines

        lines = JsonLines(sys.stdout, target.stack.name, target.stack.region)
        lines.line("end", document(op, deployed))
        return
    ended = deployed.ended
    parts = [
        f"{len(ended.switched)} changed",
        f"{len(ended.same)} as they were",
        *([f"{len(ended.reverted)} taken back"] if ended.reverted else []),
        *([f"{len(ended.failed)} failed"] if ended.failed else []),
        *([f"{len(ended.left)} not tried"] if ended.left else []),
    ]
    typer.echo(f"{op}: " + ", ".join(parts))
