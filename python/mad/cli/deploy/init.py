"""`mad deploy init`: a commented stack file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from mad.deploy.stack import names, template
from mad.deploy.stack.load import StackError, parse

REGION = "eu-west-2"
"""When nothing says another: the original's."""


def init(
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the stack. Default: the folder's and four characters by chance."
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(help=f"Region of AWS. Default: AWS_REGION, AWS_DEFAULT_REGION or {REGION}."),
    ] = None,
    file: Annotated[
        Path, typer.Option("--stack", "--file", help="Where to write. Never over an existing file.")
    ] = Path("mad.toml"),
    as_json: Annotated[bool, typer.Option("--json", help="Say what was written as JSON.")] = False,
) -> None:
    """Write a commented stack file to begin with."""
    place = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION
    chosen = name or names.of_folder(file.absolute().parent)
    text = template.render(chosen, place)
    try:
        stack = parse(text, file)
        template.write(file, text)
    except StackError as error:
        for mistake in error.mistakes:
            said = f"{mistake.key}: {mistake.problem}; {mistake.remedy}"
            typer.echo(f"mad deploy init: {said}", err=True)
        raise typer.Exit(1) from error
    except FileExistsError as error:
        typer.echo(
            f"mad deploy init: {file} is there already; edit it, or name another by --file",
            err=True,
        )
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(f"mad deploy init: {file} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    if as_json:
        print(json.dumps({"file": str(file), "name": stack.name, "region": stack.region}))
    else:
        print(f"{file}: stack {stack.name} in {stack.region}")
        print("Look into it, then: mad deploy doctor, mad deploy plan, mad deploy up")
