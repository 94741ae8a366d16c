"""`mad deploy open`: the console in a browser."""

from __future__ import annotations

import json
import webbrowser
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mad.cli.deploy import common, looking

if TYPE_CHECKING:
    from mad.deploy.hosts.visit import Seen
    from mad.deploy.operations import Target

EPILOG = common.examples(
    "mad deploy open                          the console, in a browser",
    "mad deploy open --print                  its address",
    "mad deploy open --role viewer            and signed in as a viewer, for an hour",
    "mad deploy open --role viewer --for 8h --print    a link for a wall, say",
    "Whoever has such a link sees the fleet until it ends: it is printed with --print alone.",
)


def open_(
    role: Annotated[
        str | None,
        typer.Option(metavar="ROLE", help="Make a link that signs in: viewer. Over ssh."),
    ] = None,
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long that is good: 30m, 8h, 7d.")
    ] = "1h",
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the address, or the link, and open nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON; the link with --print alone.")
    ] = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Open the console of the stack, on request signed in."""
    with common.reported(as_json), looking.ended_well():
        from mad.deploy.hosts import links, visit

        seconds = seconds_of(lasts)
        target = common.connect(file, region, profile, endpoint_url)
        seen = visit.see(target)
        console = links.console_of(seen)
        link = links.make(seen, wiring_of(target, seen), role, seconds) if role else None
        opened = not only_print and webbrowser.open(link.url if link else console)
        if as_json:
            told: dict[str, Any] = {"console": console, "opened": opened}
            if link is not None:
                told["expires"] = link.expires
                told |= {"link": link.url} if only_print else {}
            print(json.dumps(told, indent=2))
        elif only_print:
            print(link.url if link else console)
        else:
            print(console)
        if link is not None and not only_print and not opened:
            common.say(as_json, "no browser could be opened here", "give --print to see the link")
            raise typer.Exit(common.ERROR)


def seconds_of(text: str) -> int:
    """Raises OperationError."""
    import time

    from mad.deploy.hosts import journals, links
    from mad.deploy.operations import OperationError

    now = time.time()
    seconds = round(now - journals.since_of(text, now)) if text[-1:] in "smhd" else 0
    if not links.SHORTEST_S <= seconds <= links.LONGEST_S:
        raise OperationError(f"a link cannot last '{text}'", "write 60s to 366d, such as 8h")
    return seconds


def wiring_of(target: Target, seen: Seen) -> Any:
    from mad.deploy.rollout import operations as rollout

    return rollout.wiring_of(target, seen.hosts, seen.status)
