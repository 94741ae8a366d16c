"""What ssh says when it cannot, as a sentence and a remedy."""

from __future__ import annotations

import re

from mad.deploy.hosts.model import Host, HostError

AGAIN = "run the same command again: it goes on from what is there"
_TABLE: tuple[tuple[str, str, str, str], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed",
        "host_key_changed",
        "it shows another host key than the one that is known",
        "somebody may stand between; if the machine was really made anew, replace the slot or "
        "take its key out of the known ones",
    ),
    (
        r"Permission denied|Too many authentication failures",
        "key_refused",
        "it does not let this key in",
        "check [ssh] private_key and user in the stack file, or load the key into the ssh agent",
    ),
    (
        r"Could not resolve hostname",
        "unreachable",
        "its name has no address",
        "check the name in the stack file",
    ),
    (
        r"Connection refused",
        "unreachable",
        "nothing answers at its ssh port",
        "check that sshd runs there; " + AGAIN,
    ),
    (
        r"timed out|No route to host|Network is unreachable|Connection closed|Connection reset"
        r"|kex_exchange_identification|Broken pipe|not responding|UNKNOWN port",
        "unreachable",
        "it does not answer",
        "check that it runs and that [network] ssh_from lets this machine in; " + AGAIN,
    ),
    (
        r"sudo: a password is required|is not in the sudoers|sudo: .*not allowed",
        "no_sudo",
        "its user may not use sudo without a password",
        "give the user NOPASSWD in sudoers, or name another in [ssh] user",
    ),
    (r"sudo: (command )?not found|sudo: No such", "no_sudo", "sudo is missing", "install sudo"),
    (
        r"python3: (command )?not found|python3: No such|sudo: python3",
        "no_python",
        "python3 is missing",
        "install python3 (3.9 or newer) there",
    ),
)
_COMES = re.compile(
    r"Connection refused|timed out|No route to host|Connection reset|Connection closed"
    r"|kex_exchange_identification|System is booting up|not allowed by PAM"
)


def may_come(errors: str) -> bool:
    """Whether a machine that is still starting says this."""
    return bool(_COMES.search(errors))


def is_known(errors: str) -> bool:
    """Whether one of the sentences fits."""
    return any(re.search(pattern, errors) for pattern, *_ in _TABLE)


def explained(host: Host, code: int, errors: str) -> HostError:
    tail = errors.strip()[-2000:]
    for pattern, name, sentence, remedy in _TABLE:
        if re.search(pattern, errors):
            return HostError(host.name, name, f"{sentence} ({host.address})", remedy, tail)
    if code == 255:
        return HostError(host.name, "unreachable", "the connection was lost", AGAIN, tail)
    sentence = f"the command there ended with {code} and said no result"
    return HostError(host.name, "internal", sentence, AGAIN, tail)
