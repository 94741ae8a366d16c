"""`mad deploy drift`: what somebody else changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from mad.cli.deploy import common, looking

if TYPE_CHECKING:
    from mad.deploy.hosts.look import Looked, Strayed
    from mad.deploy.operations import Target
    from mad.deploy.plan.model import Observed

EPILOG = common.examples(
    "mad deploy drift         exit code 2 when there is some",
    "mad deploy drift --no-hosts    of AWS alone",
    "mad deploy up            makes it as the stack file says again",
)


def drift(
    hosts: looking.AskHosts = None,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Show what was changed outside mad, at AWS and on the machines; exit code 2 for any."""
    with common.reported(as_json), looking.ended_well():
        from mad.deploy import operations
        from mad.deploy.events import PlanMade
        from mad.deploy.hosts import look

        target = common.connect(file, region, profile, endpoint_url)
        # With [hosts] there is nothing at AWS that could have changed.
        made = operations.drift(target) if target.stack.hosts is None else None
        changed = made is not None and not made.plan.empty
        found = asked(target, hosts, made.observed if made else None)
        gone = tuple(look.strayed(found))
        unknown = [one for one in found if one.error is not None]
        if made is not None and (changed or as_json):
            common.renderer(target, "drift", as_json)(PlanMade(made.plan, made.observed))
        (as_lines if as_json else for_people)(gone, unknown)
        if not changed and not gone and not as_json:
            some = ", as far as that is known" if unknown else ""
            print(f"No drift: nobody else changed anything{some}.")
        if changed or gone:
            raise typer.Exit(common.CHANGES)


def asked(target: Target, hosts: bool | None, observed: Observed | None) -> tuple[Looked, ...]:
    """What the hosts say; nothing where they are not to be asked."""
    from mad.deploy.hosts import visit
    from mad.deploy.hosts.look import look

    if hosts is False:
        return ()
    seen = visit.see(target, observed)
    return look(seen) if seen.hosts and (hosts or seen.filled) else ()


def for_people(gone: tuple[Strayed, ...], unknown: list[Looked]) -> None:
    from mad.cli.deploy.show import hosts_view

    out = common.console()
    if gone:
        out.print("\nfiles and programs of the machines", style="bold")
        out.print(hosts_view.astray(gone))
    for one in unknown:
        out.print(hosts_view.why(one))


def as_lines(gone: tuple[Strayed, ...], unknown: list[Looked]) -> None:
    for one in gone:
        told = {"host": one.host.name, "role": one.host.role.value, "what": one.what}
        print(json.dumps({"event": "drift", **told, "how": one.how}))
    for looked in unknown:
        assert looked.error is not None
        error = {"message": looked.error.sentence, "remedy": looked.error.remedy}
        print(json.dumps({"event": "unknown", "host": looked.host.name, **error}))
