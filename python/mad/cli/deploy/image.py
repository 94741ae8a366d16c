"""`mad deploy image build` and `push`: container images of the programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mad.cli.deploy import common, hosts_common

if TYPE_CHECKING:
    from mad.deploy.images.build import Image
    from mad.deploy.images.engine import Login

app = typer.Typer(
    help="Container images of the programs: mad-api, mad-api-lb, mad-client and mad-web.",
    epilog=common.examples(
        "mad deploy image build                                    all four",
        "mad deploy image build --role api --tag $COMMIT           one, under a tag of yours",
        "mad deploy image push --registry registry.example.org/health --tag $COMMIT",
        "mad deploy deploy --role api --version $COMMIT            and that on the hosts",
    ),
    no_args_is_help=True,
)

Registry = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Where images are pushed to, as registry.example.org/team. "
        "Default: [containers] registry of the stack file.",
        envvar="MAD_REGISTRY",
    ),
]
Tag = Annotated[
    str | None,
    typer.Option(
        metavar="TAG", help="Also what /ready says as version. Default: that of the package."
    ),
]


@app.command("build")
def build(
    role: hosts_common.Roles = None,
    tag: Tag = None,
    platform: Annotated[
        str | None,
        typer.Option(metavar="OS/ARCH", help="linux/amd64, linux/arm64: that of the programs."),
    ] = None,
    binaries: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Programs in the place of the package's."),
    ] = None,
    registry: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Names them as they will be pushed."),
    ] = None,
    as_json: common.AsJson = False,
) -> None:
    """Build images from scratch, with the programs of this package and nothing else in them."""
    with common.reported(as_json):
        from mad.deploy.images import build as images
        from mad.deploy.images import engine
        from mad.deploy.images.release import own_tag
        from mad.deploy.release.build import own

        roles = hosts_common.roles_of(role)
        if tag is not None:
            images.check_tag(tag)
        _check_registry(registry)
        release = own(tag or own_tag(), binaries)
        tags = [tag] if tag is not None else [release.version, "latest"]
        images.build(
            engine.find(),
            release,
            roles,
            tags=tags,
            registry=registry,
            platform=platform,
            tell=lambda one: _told(one, "built", as_json),
        )


@app.command("push")
def push(
    role: hosts_common.Roles = None,
    tag: Tag = None,
    registry: Registry = None,
    username: Annotated[
        str | None, typer.Option(metavar="NAME", help="Sign in for this push alone.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Its password comes on stdin.")
    ] = False,
    file: common.StackFile = common.STACK_FILE,
    as_json: common.AsJson = False,
) -> None:
    """Push images that were built here. Without --username as `docker login` has signed in."""
    with common.reported(as_json):
        from mad.deploy.images import build as images
        from mad.deploy.images import engine
        from mad.deploy.images.release import own_tag
        from mad.deploy.operations import OperationError

        roles = hosts_common.roles_of(role)
        login = _login(username, password_stdin)
        where = registry
        if where is None and file.is_file():
            from mad.deploy.stack.load import load

            where = load(file).containers.registry
        if where is None:
            raise OperationError(
                "no registry is named",
                "give --registry NAME, or [containers] registry in the stack file",
            )
        _check_registry(where)
        images.push(
            engine.find(),
            roles,
            tag=tag if tag is not None else own_tag(),
            registry=where,
            login=login,
            tell=lambda one: _told(one, "pushed", as_json),
        )


def _login(username: str | None, password_stdin: bool) -> Login | None:
    from mad.deploy.images.engine import Login
    from mad.deploy.operations import OperationError

    if (username is not None) != password_stdin:
        raise OperationError(
            "--username and --password-stdin belong together",
            "echo PASSWORD | mad deploy image push --username NAME --password-stdin",
        )
    if username is None:
        return None
    password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise OperationError("no password came on stdin", "echo PASSWORD | mad deploy image push …")
    return Login(username, password)


def _check_registry(registry: str | None) -> None:
    import re

    from mad.deploy.operations import OperationError
    from mad.deploy.stack.references import PREFIX

    if registry is not None and not re.fullmatch(PREFIX, registry):
        raise OperationError(
            f"{registry!r} is no registry",
            "write it as registry.example.org/team, without https://",
        )


def _told(image: Image, what: str, as_json: bool) -> None:
    if as_json:
        import json

        line = {"event": "image", "state": what, "role": image.role.value}
        print(json.dumps(line | {"image": image.name, "id": image.id}), flush=True)
        return
    typer.echo(f"{what} {image.name}  {image.id}")
