"""`mad deploy pack`: a release as a file, for `deploy --version`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mad.cli.deploy import common, hosts_common

EPILOG = common.examples(
    "mad deploy pack                                      dist/mad-VERSION-ARCH.tar.zst",
    "mad deploy pack --version 1.2.0 --binaries arm/bin   other programs, another version",
    "`deploy --version` finds it in ./dist, or where [release] url says that it was put.",
)


def pack(
    version: hosts_common.Version = None,
    binaries: hosts_common.Binaries = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to put it.")] = Path("dist"),
    as_json: common.AsJson = False,
) -> None:
    """Make a release of the installed programs and console: an archive that hosts can be given."""
    with common.reported(as_json):
        from mad.deploy.release import archive
        from mad.deploy.release.build import own

        folders: list[Path | None] = [*(binaries or ())] or [None]
        for folder in folders:
            release = own(version, folder)
            file = archive.write(release, out)
            if as_json:
                told = {"file": str(file), "id": release.id, "version": release.version}
                told |= {"arch": release.manifest.arch, "bytes": str(file.stat().st_size)}
                typer.echo(json.dumps({"event": "packed", **told}))
            else:
                typer.echo(file)
