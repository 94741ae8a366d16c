"""The version: of the installed package, or in a checkout what its headers say."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path


def _find() -> str:
    header = Path(__file__).resolve().parents[2] / "include" / "mad" / "config.hpp"
    if header.is_file():
        match = re.search(r'^#define MAD_VERSION "([^"]+)"', header.read_text(), re.MULTILINE)
        if match:
            return match.group(1)
    return metadata.version("mad")


__version__ = _find()
