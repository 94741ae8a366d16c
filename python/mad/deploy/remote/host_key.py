"""Gives a host an ed25519 key for its sshd that was made there: the first one came with the user
data of the machine, which others may read. Runs before another operation, whose request has
`host_key`:

- `{"make": true}`: makes the next pair beside the one that serves; again gives the same one.
- `{"switch": public}`: lets sshd serve the next pair, where that is the one that is named.

Both give `{"serves", "next"}`: public halves, `ssh-ed25519 AAAA…`. Each step is whole or not done,
and done again it changes nothing."""

from __future__ import annotations

from typing import Any

from .places import Places, discard, move, write
from .system import RefusedError, System

FOLDER = "/etc/ssh"
SERVES = f"{FOLDER}/ssh_host_ed25519_key"
NEXT = f"{FOLDER}/mad_host_key_next"
SERVICES = ("ssh.service", "sshd.service")


def run(wanted: dict[str, Any], places: Places, system: System) -> dict[str, str | None]:
    """Raises RefusedError when the host cannot, and then serves the key that it did."""
    if _public(places, NEXT) is None:
        # Half a pair: a run ended in between.
        discard(places.system(NEXT))
        if wanted.get("make"):
            _make(places, system)
    if wanted.get("switch") and wanted["switch"] == _public(places, NEXT):
        _switch(places, system)
    return {"serves": _public(places, SERVES), "next": _public(places, NEXT)}


def _make(places: Places, system: System) -> None:
    young = f"{NEXT}.new"
    for path in (young, f"{young}.pub"):
        discard(places.system(path))
    system.must(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(places.system(young))]
    )
    # The public half last: where it is, the pair is whole.
    move(places.system(young), places.system(NEXT))
    move(places.system(f"{young}.pub"), places.system(f"{NEXT}.pub"))


def _switch(places: Places, system: System) -> None:
    serves, following = places.system(SERVES), places.system(NEXT)
    old = serves.read_text() if serves.exists() else None
    public = places.system(f"{NEXT}.pub").read_text()
    # A copy: a run that ends here finds both halves of the next one again.
    write(serves, following.read_text(), 0o600)
    code, text = system.run(["sshd", "-t"])
    if code == 127:
        code, text = system.run(["/usr/sbin/sshd", "-t"])
    if code != 0:
        if old is not None:
            write(serves, old, 0o600)
        raise RefusedError(
            "refused",
            "sshd does not take its new key, and keeps the one it has",
            "look at its configuration on the host",
            text[-2000:],
        )
    write(places.system(f"{SERVES}.pub"), public)
    _reload(system)
    for path in (f"{NEXT}.pub", NEXT):
        discard(places.system(path))


def _reload(system: System) -> None:
    """Connections that are there stay. With a socket unit each connection reads the key anew."""
    for service in SERVICES:
        if system.run(["systemctl", "is-active", "--quiet", service])[0] == 0:
            system.must(["systemctl", "reload", service])
            return


def _public(places: Places, path: str) -> str | None:
    try:
        words = places.system(f"{path}.pub").read_text().split()
    except OSError:
        return None
    return " ".join(words[:2]) if len(words) > 1 else None
