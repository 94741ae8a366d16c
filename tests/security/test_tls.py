"""What mad-api and mad-proxy agree to over TLS, row by row, and what a scanner finds."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import ssl
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from security_kit import LIMIT_S, Program, certificate, program

EC, RSA = "ec.example", "rsa.example"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Program]]:
    folder = tmp_path_factory.mktemp("tls")
    ec, rsa = certificate(folder, EC), certificate(folder, RSA, "rsa")
    flags = [word for cert, key in (ec, rsa) for word in ("--tls-cert", cert, "--tls-key", key)]
    with (
        program(folder, "mad-api", *flags) as api,
        program(
            folder, "mad-proxy", *flags, "--upstream", f"https://localhost:{api.port}"
        ) as proxy,
    ):
        yield {"mad-api": api, "mad-proxy": proxy}


@pytest.fixture(params=["mad-api", "mad-proxy"])
def server(servers: dict[str, Program], request: pytest.FixtureRequest) -> Program:
    return servers[request.param]


def client(server: Program, *flags: str, name: str = EC, said: str = "") -> str:
    """What `openssl s_client` prints."""
    address = f"127.0.0.1:{server.port}"
    done = subprocess.run(
        ["openssl", "s_client", "-connect", address, "-servername", name, *flags],
        input=said.encode(),
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    return (done.stdout + done.stderr).decode(errors="replace")


ANY = "-cipher", "ALL:@SECLEVEL=0"


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(server: Program, version: str) -> None:
    said = client(server, version, *ANY)
    assert "alert protocol version" in said
    assert "Cipher is (NONE)" in said


@pytest.mark.parametrize(("version", "name"), [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_versions_of_today_are_spoken(server: Program, version: str, name: str) -> None:
    assert f"New, {name}, Cipher is " in client(server, version)


@pytest.mark.parametrize(
    "cipher",
    [
        *("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        *("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256"),
        *("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"),
    ],
)
def test_ephemeral_keys_with_authenticated_ciphers_are_spoken(server: Program, cipher: str) -> None:
    said = client(server, "-tls1_2", "-cipher", cipher, name=RSA if "RSA-" in cipher else EC)
    assert f"Cipher is {cipher}" in said


@pytest.mark.parametrize(
    "cipher",
    [
        *("AES128-SHA", "AES256-SHA256", "AES128-GCM-SHA256", "AES256-GCM-SHA384"),  # no ECDHE
        *("ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA256"),  # CBC
        *("DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-SHA", "DHE-RSA-CHACHA20-POLY1305"),
        *("NULL-SHA256", "ECDHE-RSA-NULL-SHA", "ADH-AES128-GCM-SHA256", "AECDH-AES128-SHA"),
        *("CAMELLIA128-SHA", "ECDHE-RSA-CAMELLIA128-SHA256"),
        *("ECDHE-ECDSA-AES128-CCM8", "ARIA128-GCM-SHA256"),
    ],
)
def test_others_are_not(server: Program, cipher: str) -> None:
    said = client(server, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0", name=RSA)
    assert "no cipher match" not in said, "this OpenSSL does not know it: the row says nothing"
    assert "handshake failure" in said
    assert "Cipher is (NONE)" in said


def test_of_protocols_above_only_http_1_1(server: Program) -> None:
    assert "ALPN protocol: http/1.1" in client(server, "-alpn", "h2,http/1.1")
    said = client(server, "-alpn", "h2")
    assert "no application protocol" in said
    assert "No ALPN negotiated" in client(server)


def test_nothing_is_compressed(server: Program) -> None:
    for version in ("-tls1_2", "-tls1_3"):
        assert "Compression: NONE" in client(server, version, "-comp")


def test_nothing_is_agreed_anew(server: Program) -> None:
    assert "no renegotiation" in client(server, "-tls1_2", said="R\n")


def test_each_name_has_its_certificate(server: Program) -> None:
    for asked, told in ((EC, EC), (RSA, RSA), ("other.example", EC)):
        assert f"subject=CN = {told}" in client(server, name=asked)


def test_plain_http_is_ended(server: Program) -> None:
    with socket.create_connection(("127.0.0.1", server.port), LIMIT_S) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while data := plain.recv(4096):
                assert not data.startswith(b"HTTP/")


@pytest.mark.parametrize("size", [1, 5, 40, 200])
def test_a_hello_that_is_cut_harms_nobody(server: Program, size: int) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    said = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=EC)
    with contextlib.suppress(ssl.SSLWantReadError):
        said.do_handshake()
    hello = outgoing.read()
    for end in (b"", b"\xff" * 100):
        with socket.create_connection(("127.0.0.1", server.port), LIMIT_S) as cut:
            cut.sendall(hello[:size] + end)
    assert "Cipher is TLS" in client(server)


def test_a_scanner_finds_nothing(server: Program) -> None:
    if shutil.which("sslscan") is None:
        pytest.skip("needs sslscan (apt-get install sslscan)")
    done = subprocess.run(
        ["sslscan", "--no-colour", "--xml=-", f"--sni-name={RSA}", f"127.0.0.1:{server.port}"],
        capture_output=True,
        timeout=120,
        check=True,
    )
    test = ElementTree.fromstring(done.stdout).find("ssltest")
    assert test is not None
    protocols = [p for p in test.iter("protocol") if p.get("enabled") == "1"]
    spoken = {f"{p.get('type')}{p.get('version')}" for p in protocols}
    assert spoken == {"tls1.2", "tls1.3"}
    ciphers = list(test.iter("cipher"))
    assert len(ciphers) == 6
    assert {cipher.get("strength") for cipher in ciphers} <= {"strong", "acceptable"}
    assert {leak.get("vulnerable") for leak in test.iter("heartbleed")} == {"0"}
    for again in test.iter("renegotiation"):
        assert again.get("supported") == "0"
    assert all(int(group.get("bits", "0")) >= 112 for group in test.iter("group"))


def read_line(peer: ssl.SSLSocket) -> bytes:
    peer.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    data = b""
    while b"\r\n\r\n" not in data:
        data += peer.recv(4096)
    return data.split(b"\r\n")[0]


def test_certificates_are_read_again_and_no_connection_is_lost(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "one.example")
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with program(tmp_path, "mad-api", "--tls-cert", cert, "--tls-key", key) as api:
        raw = socket.create_connection(("127.0.0.1", api.port), LIMIT_S)
        with trusting.wrap_socket(raw, server_hostname="one.example") as kept:
            assert read_line(kept) == b"HTTP/1.1 200 OK"
            for wrong in ("", "rubbish", Path(key).read_text()):
                right = Path(cert).read_text()
                Path(cert).write_text(wrong)
                before = api.log.read_text().count("program.reload.failed")
                api.process.send_signal(signal.SIGHUP)
                api.awaited("program.reload.failed", before + 1)
                assert "subject=CN = one.example" in client(api)
                Path(cert).write_text(right)
            (tmp_path / "new").mkdir()
            fresh = certificate(tmp_path / "new", "two.example")
            for old, new in zip((cert, key), fresh, strict=True):
                Path(old).write_text(Path(new).read_text())
            api.process.send_signal(signal.SIGHUP)
            api.awaited("program.reloaded")
            assert "subject=CN = two.example" in client(api)
            assert read_line(kept) == b"HTTP/1.1 200 OK"
