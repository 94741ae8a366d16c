"""Where `deploy --version` finds a release."""

from __future__ import annotations

import functools
import http.server
import io
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from release_kit import AARCH64, console, programs

from mad.deploy.release import archive
from mad.deploy.release.build import Release, own
from mad.deploy.release.find import Releases, agreed, from_s3
from mad.deploy.release.manifest import ReleaseError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's own programs are those in `bin`."""
    monkeypatch.setenv("MAD_BIN_DIR", str(programs(tmp_path / "bin")))
    console(tmp_path / "console", monkeypatch)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(version: str, folder: Path, machine: int | None = None) -> Release:
    binaries = programs(folder / f"bin-{version}-{machine}", machine) if machine else None
    release = own(version, binaries)
    archive.write(release, folder / "dist")
    return release


def test_without_a_version_it_is_the_installed_one() -> None:
    with Releases() as releases:
        assert releases.guess() == releases.of("x86_64") == own()
        with pytest.raises(ReleaseError, match="are for x86_64, and not for aarch64") as raised:
            releases.of("aarch64")
    assert "--binaries" in raised.value.remedy


def test_folders_of_programs_each_for_its_architecture(here: Path) -> None:
    arm = programs(here / "arm", AARCH64)
    with Releases(None, [here / "bin", arm]) as releases:
        assert releases.of("x86_64").manifest.arch == "x86_64"
        assert releases.of("aarch64").manifest.arch == "aarch64"
    with (
        Releases(None, [arm]) as releases,
        pytest.raises(ReleaseError, match="programs for aarch64, and not for x86_64"),
    ):
        releases.of("x86_64")


def test_a_version_is_found_in_dist(here: Path) -> None:
    wanted = made("1.2.0", here)
    made("1.2.0", here, AARCH64)
    with Releases("1.2.0") as releases:
        assert releases.guess() is None
        assert releases.of("x86_64").id == wanted.id
        assert releases.of("aarch64").manifest.arch == "aarch64"


def test_the_hosts_go_before_dist() -> None:
    there = own("1.2.0").manifest
    with Releases("1.2.0") as releases:
        found = releases.of("x86_64", there)
    assert (found.manifest, found.sources) == (there, {})


def test_nowhere_is_said_with_all_places(here: Path) -> None:
    made("1.1.0", here)
    with (
        Releases("1.2.0", url="s3://bucket/mad", fetch=lambda *_: False) as releases,
        pytest.raises(ReleaseError) as raised,
    ):
        releases.of("x86_64")
    said = str(raised.value)
    assert "not on the hosts, not in dist, not in s3://bucket/mad" in said
    assert "mad-1.1.0-x86_64.tar.zst" in said
    assert "mad deploy pack --version 1.2.0" in raised.value.remedy


def test_an_archive_of_another_version_is_refused(here: Path) -> None:
    made("1.1.0", here)
    (here / "dist/mad-1.1.0-x86_64.tar.zst").rename(here / "dist/mad-1.2.0-x86_64.tar.zst")
    with (
        Releases("1.2.0") as releases,
        pytest.raises(ReleaseError, match=r"holds the release 1\.1"),
    ):
        releases.of("x86_64")


@pytest.mark.parametrize("version", ["", "../x", "a/b", "-v", "x" * 65])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ReleaseError, match="is no version"):
        Releases(version)


def test_what_all_hosts_have(here: Path) -> None:
    one, other = own("1.2.0").manifest, own("1.2.0", programs(here / "b", more=b"x")).manifest
    both = {one.id: one.text, other.id: other.text}
    assert agreed([both, {other.id: other.text}], "x86_64", "1.2.0") == other
    assert agreed([both, {}], "x86_64", "1.2.0") is None
    assert agreed([both], "aarch64", "1.2.0") is None
    assert agreed([{one.id: other.text}], "x86_64", "1.2.0") is None
    assert agreed([], "x86_64", "1.2.0") is None


def test_an_object_of_s3(here: Path) -> None:
    wanted = made("1.2.0", here)
    body = (here / "dist/mad-1.2.0-x86_64.tar.zst").read_bytes()
    (here / "dist/mad-1.2.0-x86_64.tar.zst").unlink()
    asked: list[tuple[str, str]] = []

    def call(_service: str, _operation: str, **how: Any) -> dict[str, Any]:
        asked.append((how["Bucket"], how["Key"]))
        if not how["Key"].endswith("x86_64.tar.zst"):
            raise KeyError("NoSuchKey")
        return {"Body": io.BytesIO(body)}

    fetch = from_s3(call, lambda error: isinstance(error, KeyError))
    with Releases("1.2.0", url="s3://bucket/a/b/", fetch=fetch) as releases:
        assert releases.of("x86_64").id == wanted.id
        with pytest.raises(ReleaseError, match="not in s3://bucket/a/b/"):
            releases.of("aarch64")
    assert asked[0] == ("bucket", "a/b/mad-1.2.0-x86_64.tar.zst")


@pytest.fixture
def server(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serves `web` over TLS, with a certificate that this process takes."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", "key.pem", "-out", "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", "cert.pem")
    (here / "web").mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            if self.path.startswith("/away/"):
                self.send_response(302)
                self.send_header("Location", "http://localhost:1/")
                self.end_headers()
            elif self.path.startswith("/broken/"):
                self.send_error(500)
            else:
                super().do_GET()

    handler = functools.partial(Quiet, directory=str(here / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("cert.pem", "key.pem")
        serving.socket = context.wrap_socket(serving.socket, server_side=True)
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield f"https://localhost:{serving.server_address[1]}"
        serving.shutdown()
        thread.join()


def test_a_place_of_the_web(here: Path, server: str) -> None:
    wanted = made("1.2.0", here)
    (here / "dist/mad-1.2.0-x86_64.tar.zst").rename(here / "web/mad-1.2.0-x86_64.tar.zst")
    with Releases("1.2.0", url=f"{server}/") as releases:
        assert releases.of("x86_64").id == wanted.id
        with pytest.raises(ReleaseError, match="not in https://localhost"):
            releases.of("aarch64")


@pytest.mark.parametrize(
    ("path", "said"), [("/broken", "answers 500"), ("/away", "cannot be fetched")]
)
def test_a_place_of_the_web_that_does_not_serve(server: str, path: str, said: str) -> None:
    with Releases("1.2.0", url=server + path) as releases, pytest.raises(ReleaseError, match=said):
        releases.of("x86_64")


def test_a_certificate_that_nobody_vouches_for(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with (
        Releases("1.2.0", url=server) as releases,
        pytest.raises(ReleaseError, match="certificate"),
    ):
        releases.of("x86_64")
