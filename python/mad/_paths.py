"""Where the parts of mad that are not Python are: programs, the console, the infrastructure files.

In an installed package they lie inside of it. In a checkout (also behind an editable install) they
are in the build tree and in the source tree."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module, resources
from pathlib import Path

BUILDS = ("release", "python", "dev", f"wheel-{sys.implementation.cache_tag}")


class NotInstalledError(FileNotFoundError):
    """A part of mad is missing; the text says where it was looked for and what brings it."""


def _package_folders() -> Iterator[Path]:
    folder = resources.files("mad")
    if isinstance(folder, Path):
        yield folder
    # An editable install spreads the package over the source tree and site-packages.
    for entry in import_module("mad").__path__:
        yield Path(entry)


def checkout() -> Path | None:
    """The root of the checkout this package is run from; None when it is installed."""
    root = Path(__file__).resolve().parents[2]
    is_checkout = (root / "pyproject.toml").is_file() and (root / "include" / "mad").is_dir()
    return root if is_checkout else None


def _candidates(name: str, variable: str, in_checkout: tuple[str, ...]) -> Iterator[Path]:
    if variable in os.environ:
        yield Path(os.environ[variable])
        return
    for folder in _package_folders():
        yield folder / name
    root = checkout()
    if root is not None:
        yield from (root / part for part in in_checkout)


def _find(what: str, candidates: list[Path], remedy: str) -> Path:
    """The one that is there; of several, in a checkout's build trees, the one built last."""
    found = [path for path in candidates if path.exists()]
    if found:
        return max(found, key=lambda path: path.stat().st_mtime)
    looked = ", ".join(dict.fromkeys(str(path) for path in candidates))
    raise NotInstalledError(f"{what} not found; looked at {looked}. {remedy}")


def program(name: str) -> Path:
    """The native program `name` (`mad-api`, `mad-agent`, `mad-proxy`, `mad-web`, `mad-synthetic`).
    `MAD_BIN_DIR` overrides."""
    folders = _candidates("bin", "MAD_BIN_DIR", tuple(f"build/{build}/bin" for build in BUILDS))
    remedy = (
        "Install the package, or build it: cmake --preset release && cmake --build --preset release"
    )
    return _find(name, [folder / name for folder in folders], remedy)


def console() -> Path:
    """The folder of the built console (it holds `index.html`). `MAD_CONSOLE_DIR` overrides."""
    folders = _candidates("console", "MAD_CONSOLE_DIR", ("console/dist",))
    remedy = "Install the package, or build it: npm run build in console/"
    return _find("console", [folder / "index.html" for folder in folders], remedy).parent


def infra() -> Path:
    """The folder of stacks and templates."""
    return _find("infra", list(_candidates("infra", "MAD_INFRA_DIR", ("infra",))), "")
