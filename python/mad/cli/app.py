"""Puts the commands together."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from mad import __version__, _programs
from mad.cli import NATIVE, doctor, proxy_top, sample, top, up
from mad.cli.deploy.app import app as deploy

app = typer.Typer(
    help="Real-time health of machines: servers, agents and a console.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mad {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del version


app.command("up")(up.up)
app.command("top")(top.top)
app.command("sample")(sample.sample)
app.command("doctor")(doctor.doctor)
app.add_typer(deploy, name="deploy")


def _add_native(short: str) -> None:
    """Only for the list of commands: main() runs these before anything is parsed here."""

    def command(arguments: Annotated[list[str] | None, typer.Argument()] = None) -> NoReturn:
        _programs.run(f"mad-{short}", arguments or [])

    app.command(short, help=f"Run mad-{short} (see: mad {short} --help).")(command)


_proxy = typer.Typer(
    help="Run mad-proxy (see: mad proxy --help), or show a running one live: mad proxy top."
)
_proxy.callback()(lambda: None)
_proxy.command("top")(proxy_top.top)

for _short in NATIVE:
    if _short == "proxy":
        app.add_typer(_proxy, name=_short)
    else:
        _add_native(_short)
