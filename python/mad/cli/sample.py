"""`mad sample`: one reading of this machine's health."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

import mad


def sample(
    interval: Annotated[
        float, typer.Option(help="Seconds between the two readings that rates come from.")
    ] = 0.5,
) -> None:
    """Print this machine's health as JSON, as an agent would send it."""
    try:
        health = mad.sample(interval)
    except ValueError as error:
        typer.echo(f"mad sample: --interval: {error}", err=True)
        raise typer.Exit(2) from error
    except (mad.Error, ImportError) as error:
        typer.echo(f"mad sample: {error}", err=True)
        raise typer.Exit(1) from error
    print(json.dumps(health, indent=2 if sys.stdout.isatty() else None))
