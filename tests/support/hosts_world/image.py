"""The system that all hosts boot: made once by mmdebstrap, kept in the build folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "python3",
    "iproute2",
    "sudo",
    "procps",
    "ca-certificates",
    "libnss-myhostname",
)
AT_HAND = ("redis-server",)
"""Not installed, but apt on a host, which reaches no mirror, finds it in its cache."""
FETCH = (
    "APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq -y --no-install-recommends --download-only"
    f" install {' '.join(AT_HAND)}"
)
SYSTEM = "bookworm"
NEEDS = ("systemd-nspawn", "mmdebstrap", "ip", "mount", "ssh-keygen")


class Missing(Exception):  # noqa: N818
    """Why there can be no hosts here."""


def missing() -> str | None:
    """What stands in the way of real hosts on this machine; None: nothing."""
    if os.geteuid() != 0:
        return "real hosts need root"
    lacks = [name for name in NEEDS if shutil.which(name) is None]
    if lacks:
        return f"real hosts need {', '.join(lacks)}"
    return None


def root_image() -> Path:
    """The folder with the system. Raises Missing."""
    why = missing()
    if why is not None:
        raise Missing(why)
    key = hashlib.sha256(" ".join((SYSTEM, *PACKAGES, FETCH)).encode()).hexdigest()[:12]
    folder = ROOT / "build" / "hosts" / f"{SYSTEM}-{key}"
    if (folder / "etc" / "os-release").exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    young = folder.with_name(f".{folder.name}.{os.getpid()}")
    archive = young.with_suffix(".tar")
    try:
        subprocess.run(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                f"--customize-hook={FETCH}",
                "--skip=cleanup/apt",
                SYSTEM,
                str(archive),
            ],
            check=True,
            timeout=900,
            stdin=subprocess.DEVNULL,
        )
        young.mkdir()
        subprocess.run(
            ["tar", "--exclude=./dev/*", "-xf", str(archive), "-C", str(young)],
            check=True,
            timeout=300,
        )
        for key_file in (young / "etc" / "ssh").glob("ssh_host_*"):
            key_file.unlink()
        young.rename(folder)
    except (subprocess.SubprocessError, OSError) as error:
        shutil.rmtree(young, ignore_errors=True)
        raise Missing(f"the system of the hosts could not be made: {error}") from error
    finally:
        archive.unlink(missing_ok=True)
    return folder
