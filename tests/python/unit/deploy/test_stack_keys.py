"""Which public key goes onto the machines."""

from __future__ import annotations

import base64
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mad.deploy.stack.keys import VARIABLE, config_folder, private_key_path, read_public_key
from mad.deploy.stack.load import StackError, load
from mad.deploy.stack.settings import Ssh, Stack


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path


def wire(*parts: bytes) -> str:
    return base64.b64encode(b"".join(len(p).to_bytes(4) + p for p in parts)).decode()


def ed25519() -> str:
    return f"ssh-ed25519 {wire(b'ssh-ed25519', bytes(range(32)))}"


def rsa(bits: int) -> str:
    modulus = (1 << (bits - 1)).to_bytes(bits // 8 + 1)
    return "ssh-rsa " + wire(b"ssh-rsa", b"\x01\x00\x01", modulus)


STACK = Stack("mad-x7k2", "eu-west-2")


def with_key(path: Path) -> Stack:
    return Stack("mad-x7k2", "eu-west-2", ssh=Ssh(public_key=path))


@pytest.mark.parametrize("key", [ed25519(), rsa(2048), rsa(4096)])
def test_a_public_half_alone_is_taken_and_its_comment_dropped(home: Path, key: str) -> None:
    path = home / "id.pub"
    path.write_text(f"# mine\n\n  {key} somebody@somewhere and more\r\n")
    assert read_public_key(with_key(path)) == key
    assert private_key_path(with_key(path)) is None


REFUSED: list[tuple[str, str, str]] = [
    ("", "empty", "ssh-keygen -t ed25519"),
    ("text", "not a public key", "ssh-keygen -t ed25519"),
    ("hello world", "not a public key", "ssh-keygen -t ed25519"),
    (rsa(1024), "an RSA key of 1024 bits", "ssh-keygen -t ed25519"),
    ("ssh-dss AAAA", "type ssh-dss", "ssh-keygen -t ed25519"),
    ("ecdsa-sha2-nistp256 AAAA", "type ecdsa-sha2-nistp256", "ssh-keygen -t ed25519"),
    ("sk-ssh-ed25519@openssh.com AAAA", "type sk-ssh-ed25519", "ssh-keygen -t ed25519"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nx", "a private key", "ssh-keygen -y"),
    ("PuTTY-User-Key-File-3: ssh-ed25519", "a private key", "ssh-keygen -y"),
    ("---- BEGIN SSH2 PUBLIC KEY ----\nx", "not in OpenSSH's form", "ssh-keygen -i"),
    ("-----BEGIN PUBLIC KEY-----\nx", "not in OpenSSH's form", "ssh-keygen -i"),
    (ed25519()[:-8], "damaged or cut off", "copy the whole line"),
    (f"ssh-ed25519 {wire(b'ssh-ed25519', b'short')}", "damaged", "copy the whole line"),
    (f"ssh-rsa {wire(b'ssh-ed25519', bytes(32))}", "damaged", "copy the whole line"),
    (f"ssh-ed25519 {wire()}", "not a public key", "ssh-keygen"),
    ("ssh-ed25519 ????", "damaged", "copy the whole line"),
    (f"{ed25519()}\n{rsa(2048)}", "2 keys", "leave one"),
]


@pytest.mark.parametrize(("text", "problem", "remedy"), REFUSED)
def test_any_other_key_is_refused_with_a_remedy(
    home: Path, text: str, problem: str, remedy: str
) -> None:
    key = home / "id.pub"
    key.write_text(text)
    file = home / "mad.toml"
    file.write_text('name = "ab"\nregion = "eu-west-2"\n[ssh]\npublic_key = "id.pub"\n')
    with pytest.raises(StackError) as caught:
        read_public_key(load(file))
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line, mistake.key) == (file, 4, "ssh.public_key")
    assert str(key) in mistake.problem
    assert problem in mistake.problem
    assert remedy in mistake.remedy


def test_a_key_that_is_not_there_is_told_with_who_named_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StackError, match=r"ssh.public_key: .*none: there is no such file"):
        read_public_key(with_key(home / "none"))
    with pytest.raises(StackError, match="cannot be read: Is a directory"):
        read_public_key(with_key(home))
    monkeypatch.setenv(VARIABLE, "~/none")
    with pytest.raises(StackError, match=rf"{VARIABLE}: {home}/none: there is no such file"):
        read_public_key(STACK)


def test_the_variable_counts_when_the_file_names_no_key(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "id_rsa.pub").write_text(rsa(2048))
    (home / "id_rsa").write_text("private")
    (home / "other").write_text(ed25519())
    monkeypatch.setenv(VARIABLE, "~/id_rsa.pub")
    assert read_public_key(STACK) == rsa(2048)
    assert private_key_path(STACK) == home / "id_rsa"
    assert read_public_key(with_key(home / "other")) == ed25519()
    assert private_key_path(with_key(home / "other")) is None
    monkeypatch.setenv(VARIABLE, "")
    assert read_public_key(STACK) not in (rsa(2048), ed25519())


def test_a_private_key_that_is_named_is_taken_as_it_is() -> None:
    stack = Stack("ab", "", ssh=Ssh(private_key=Path("/keys/id")))
    assert private_key_path(stack) == Path("/keys/id")


def test_without_any_a_pair_is_made_once(home: Path) -> None:
    assert private_key_path(STACK) is None
    key = read_public_key(STACK)
    folder = home / ".config/mad/mad-x7k2"
    private = folder / "id_ed25519"
    assert key.startswith("ssh-ed25519 ")
    assert private_key_path(STACK) == private
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = private.read_bytes()
    assert read_public_key(STACK) == key
    assert private.read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["id_ed25519", "id_ed25519.pub"]


def test_a_pair_that_was_cut_off_is_made_whole(home: Path) -> None:
    key = read_public_key(STACK)
    (home / ".config/mad/mad-x7k2/id_ed25519.pub").unlink()
    assert read_public_key(STACK) == key


@pytest.mark.parametrize(
    ("given", "base"),
    [("/cfg", "/cfg"), ("relative", "~/.config"), ("", "~/.config")],
)
def test_the_folder_follows_the_variable(
    monkeypatch: pytest.MonkeyPatch, given: str, base: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", given)
    assert config_folder(STACK) == Path(base).expanduser() / "mad/mad-x7k2"


def _missing(*_: object, **__: object) -> None:
    raise FileNotFoundError(2, "No such file", "ssh-keygen")


def _failing(*_: object, **__: object) -> None:
    raise subprocess.CalledProcessError(1, "ssh-keygen", stderr="out of luck\n")


@pytest.mark.parametrize(
    ("act", "said"),
    [(_missing, "install openssh-client"), (_failing, "ssh-keygen failed: out of luck")],
)
def test_when_no_pair_can_be_made_a_key_of_ones_own_is_the_remedy(
    monkeypatch: pytest.MonkeyPatch, act: Callable[..., None], said: str
) -> None:
    monkeypatch.setattr(subprocess, "run", act)
    with pytest.raises(StackError) as caught:
        read_public_key(STACK)
    assert said in str(caught.value)
    assert "name a key of yours as ssh.public_key" in str(caught.value)


def test_a_folder_that_cannot_be_made_is_told(home: Path) -> None:
    (home / ".config").write_text("a file")
    with pytest.raises(StackError, match="no pair can be made in"):
        read_public_key(STACK)
