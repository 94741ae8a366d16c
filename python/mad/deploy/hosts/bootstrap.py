"""What is sent to a host before a request: the code that answers it."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "mad_remote"
COMMAND = """\
import sys,os,tempfile,shutil
n=int(sys.stdin.buffer.readline())
b=sys.stdin.buffer.read(n)
d=tempfile.mkdtemp(prefix='mad-',dir='/run')
try:
    p=os.path.join(d,'r.zip')
    open(p,'wb').write(b)
    sys.dont_write_bytecode=True
    sys.path.insert(0,p)
    from mad_remote.main import main
    c=main()
finally:
    shutil.rmtree(d,True)
sys.exit(c)
"""
"""For `python3 -c`: reads the length of the archive, the archive, and leaves the rest of its input
to `main`."""


@cache
def archive() -> bytes:
    """The package `remote` as a zip, the same for the same sources."""
    folder = Path(__file__).resolve().parents[1] / "remote"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.rglob("*.py")):
            name = f"{PACKAGE}/{file.relative_to(folder).as_posix()}"
            packed.writestr(zipfile.ZipInfo(name), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def request(wanted: dict[str, Any]) -> bytes:
    """All that goes before the bytes of an operation."""
    code = archive()
    line = json.dumps(wanted, separators=(",", ":")).encode()
    return b"%d\n" % len(code) + code + line + b"\n"
