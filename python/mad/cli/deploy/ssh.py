"""`mad deploy ssh NAME`: a shell on one host."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mad.cli.deploy import common, looking

if TYPE_CHECKING:
    from mad.deploy.hosts.model import Host

EPILOG = common.examples(
    "mad deploy ssh api-0                  a shell there",
    "mad deploy ssh api-0 -- sudo -i       a command",
    "mad deploy ssh api-0 -- 'df -h | tail -1'",
    "mad deploy ssh api-0 --json           how it is reached; connects to nothing",
    "Its exit code is that of the command there, 255 when ssh itself failed.",
)


def ssh(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The machine, such as api-0, or a role of one.")
    ],
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND…", help="Behind --. Default: a shell."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print how it is reached, as JSON, and end.")
    ] = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Log in to a machine of the stack: its key is known, its port open while this lasts."""
    with common.reported(as_json), looking.ended_well():
        from mad.deploy.hosts import commands, visit

        seen = visit.see(common.connect(file, region, profile, endpoint_url))
        host = visit.named(seen.hosts, name)
        if as_json:
            print(json.dumps(document(host), indent=2))
            return
        with visit.way(seen) as calls:
            tty = sys.stdin.isatty() and sys.stdout.isatty()
            words = calls.argv(host, multiplexed=False, tty=tty)
            if tty:
                # Somebody is there to be asked for the passphrase of a key.
                words[1:1] = ["-o", "BatchMode=no"]
            code = attached([*words, *([commands.script(command)] if command else ())])
        raise typer.Exit(code)


def attached(words: list[str]) -> int:
    """Runs ssh on this terminal; Ctrl-C is for the other side."""
    process = subprocess.Popen(words)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        if process.poll() is None:
            process.terminate()
            process.wait()
    return code if code >= 0 else 128 - code


def document(host: Host) -> dict[str, object]:
    return {
        "host": host.name,
        "role": host.role.value,
        "address": host.address,
        "port": host.port,
        "user": host.user,
        "host_keys": list(host.host_keys),
        "over": host.over.name if host.over else None,
    }
