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
        typer.Option(
            help=f"Region of AWS. Default: --profile's, AWS_REGION, AWS_DEFAULT_REGION or {REGION}."
        ),
    ] = None,
    file: Annotated[
        Path, typer.Option("--stack", "--file", help="Where to write. Never over an existing file.")
    ] = Path("mad.toml"),
    as_json: Annotated[bool, typer.Option("--json", help="Say what was written as JSON.")] = False,
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Profile of the AWS configuration: its region."),
    ] = None,
    endpoint_url: Annotated[
        str | None,
        typer.Option("--endpoint-url", metavar="URL", help="As of the other verbs; asks nobody."),
    ] = None,
) -> None:
    """Write a commented stack file to begin with."""
    del endpoint_url
    named = _region_of(profile) if profile else None
    place = region or named or _region_around() or REGION
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


def _region_around() -> str | None:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def _region_of(profile: str) -> str | None:
    """What the AWS configuration says of a profile; ends the command when it says nothing of it."""
    import botocore.session
    from botocore.exceptions import ProfileNotFound

    try:
        found = botocore.session.Session(profile=profile).get_scoped_config().get("region")
    except ProfileNotFound as error:
        typer.echo(f"mad deploy init: there is no profile {profile}: aws configure list", err=True)
        raise typer.Exit(1) from error
    return str(found) if found else None
