"""The first host key of a machine, made here, so that its first contact can be trusted. It is used
once: the first run that reaches the machine makes another there."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HostKey:
    private: str = field(repr=False)
    """OpenSSH's own form; goes into user data and nowhere else."""
    public: str
    """`ssh-ed25519 AAAA…`: the tag `mad:hostkey`."""


class HostKeyError(Exception):
    """`ssh-keygen` is missing or refused."""


def make() -> HostKey:
    """A new ed25519 pair. The files it is made in are private and gone afterwards. Raises
    HostKeyError."""
    with tempfile.TemporaryDirectory(prefix="mad-") as folder:
        file = Path(folder) / "key"
        try:
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)],
                check=True,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=30,
            )
        except FileNotFoundError as error:
            raise HostKeyError(
                "ssh-keygen is not there; install the OpenSSH client (package openssh-client)"
            ) from error
        except (subprocess.SubprocessError, OSError) as error:
            raise HostKeyError(f"ssh-keygen made no host key: {error}") from error
        kind, body = file.with_suffix(".pub").read_text().split()[:2]
        return HostKey(file.read_text(), f"{kind} {body}")
