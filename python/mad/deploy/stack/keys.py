"""The ssh key that goes onto the machines of a stack."""

from __future__ import annotations

import base64
import binascii
import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from mad.deploy.stack.lines import lines
from mad.deploy.stack.mistakes import Mistake, StackError
from mad.deploy.stack.settings import Stack

VARIABLE = "SSH_PUBLIC_KEY_FILE"
LEAST_RSA_BITS = 2048
_MAKE = "make one: ssh-keygen -t ed25519, and name its .pub file"


class _RefusedError(Exception):
    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def config_folder(stack: Stack) -> Path:
    """Where this user's files of the stack are: `~/.config/mad/<stack>`, or below
    `XDG_CONFIG_HOME`."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    # A relative one is to be ignored, by the rule that names the variable.
    base = Path(given) if given.startswith("/") else Path.home() / ".config"
    return base / "mad" / stack.name


def read_public_key(stack: Stack) -> str:
    """Type and body, without the comment. Of `ssh.public_key`, else of SSH_PUBLIC_KEY_FILE, else
    of the stack's own pair, which is made when it is missing. Raises StackError."""
    path, key = _given(stack)
    try:
        if path is None:
            return parse_public_key(_made(stack).read_text(encoding="utf-8"))
        return parse_public_key(_contents(path))
    except _RefusedError as refused:
        problem = f"{path}: {refused.problem}" if path else refused.problem
        raise StackError([_mistake(stack, key, problem, refused.remedy)]) from None


def private_key_path(stack: Stack) -> Path | None:
    """`ssh.private_key`, else the public one's file without `.pub` if it is there. None: ssh's
    agent, or its own configuration, holds it."""
    if stack.ssh.private_key:
        return stack.ssh.private_key
    public, _ = _given(stack)
    if public is None:
        path = config_folder(stack) / "id_ed25519"
    elif public.suffix == ".pub":
        path = public.with_suffix("")
    else:
        return None
    return path if path.is_file() else None


def parse_public_key(text: str) -> str:
    """`ssh-ed25519 AAAA…` of a line as `ssh-keygen` writes it; raises what `read_public_key`
    turns into a mistake."""
    rows = [row.strip() for row in text.splitlines()]
    rows = [row for row in rows if row and not row.startswith("#")]
    if not rows:
        raise _RefusedError("empty", _MAKE)
    if "PRIVATE KEY" in rows[0] or rows[0].startswith("PuTTY-User-Key-File"):
        raise _RefusedError(
            "this is a private key",
            "name the public one; ssh-keygen -y -f FILE > FILE.pub writes it",
        )
    if "SSH2 PUBLIC KEY" in rows[0] or "BEGIN" in rows[0]:
        raise _RefusedError(
            "not in OpenSSH's form", "write it anew: ssh-keygen -i -f FILE > NEW.pub"
        )
    if len(rows) > 1:
        raise _RefusedError(f"{len(rows)} keys are in the file", "leave one in it")
    words = rows[0].split()
    if len(words) < 2:
        raise _RefusedError("not a public key", _MAKE)
    kind, body = words[:2]
    if kind not in ("ssh-ed25519", "ssh-rsa"):
        known = kind.startswith(("ssh-", "ecdsa-", "sk-"))
        problem = f"a key of type {kind}, which EC2 does not take" if known else "not a public key"
        raise _RefusedError(problem, _MAKE)
    _check_body(kind, body)
    return f"{kind} {body}"


def _check_body(kind: str, body: str) -> None:
    try:
        parts = _fields(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError):
        parts = []
    if not parts or parts[0] != kind.encode() or len(parts) != (2 if kind == "ssh-ed25519" else 3):
        raise _RefusedError("the key is damaged or cut off", "copy the whole line of its .pub file")
    if kind == "ssh-ed25519" and len(parts[1]) != 32:
        raise _RefusedError("the key is damaged or cut off", "copy the whole line of its .pub file")
    bits = int.from_bytes(parts[-1]).bit_length()
    if kind == "ssh-rsa" and bits < LEAST_RSA_BITS:
        raise _RefusedError(f"an RSA key of {bits} bits, {LEAST_RSA_BITS} are the least", _MAKE)


def _fields(blob: bytes) -> list[bytes]:
    """Each is four bytes of length and so many of content."""
    parts: list[bytes] = []
    while blob:
        length = int.from_bytes(blob[:4])
        if len(blob) < 4 + length:
            raise ValueError
        parts.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return parts


def _given(stack: Stack) -> tuple[Path | None, str]:
    """The file that was named, and by what."""
    if stack.ssh.public_key:
        return stack.ssh.public_key, "ssh.public_key"
    named = os.environ.get(VARIABLE)
    if named:
        with suppress(RuntimeError):
            return Path(named).expanduser(), VARIABLE
        return Path(named), VARIABLE
    return None, "ssh.public_key"


def _contents(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(64 << 10).decode("utf-8", "replace")
    except FileNotFoundError:
        raise _RefusedError("there is no such file", _MAKE) from None
    except OSError as error:
        raise _RefusedError(
            f"cannot be read: {error.strerror}", "name a file that you may read"
        ) from None


def _mistake(stack: Stack, key: str, problem: str, remedy: str) -> Mistake:
    file = stack.file or Path("mad.toml")
    line = 0
    if key == "ssh.public_key":
        with suppress(OSError, ValueError):
            line = lines(file.read_text(encoding="utf-8")).of("ssh", "public_key")
    return Mistake(file, line, key, problem, remedy)


def _made(stack: Stack) -> Path:
    """The public half of the stack's own pair. Two commands at once agree on one, and one that is
    cut off leaves none or a whole one."""
    folder = config_folder(stack)
    private, public = folder / "id_ed25519", folder / "id_ed25519.pub"
    if public.exists():
        return public
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as spare:
            fresh = Path(spare) / "id_ed25519"
            if not private.exists():
                _keygen("-q", "-t", "ed25519", "-N", "", "-C", f"mad-{stack.name}", "-f", fresh)
                with suppress(FileExistsError):
                    os.link(fresh, private)
            half = Path(spare) / "half"
            half.write_text(_keygen("-y", "-f", private), encoding="utf-8")
            half.replace(public)
    except OSError as error:
        problem = f"no pair can be made in {folder}: {error.strerror}"
        raise _RefusedError(problem, "name a key of yours as ssh.public_key") from None
    return public


def _keygen(*arguments: str | Path) -> str:
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            stdin=subprocess.DEVNULL,
        ).stdout
    except FileNotFoundError:
        raise _RefusedError(
            "ssh-keygen is not installed",
            "install openssh-client, or name a key of yours as ssh.public_key",
        ) from None
    except subprocess.SubprocessError as error:
        said = str(getattr(error, "stderr", "") or error).strip()
        raise _RefusedError(
            f"ssh-keygen failed: {said}", "name a key of yours as ssh.public_key"
        ) from None
