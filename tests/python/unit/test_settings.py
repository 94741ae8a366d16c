"""What `mad up` accepts, and what it says to the rest."""

from __future__ import annotations

import pytest

from mad._address import Address, parse_address
from mad.local.settings import Settings, SettingsError, check, listen_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8081", Address("127.0.0.1", 8081)),
        ("0", Address("127.0.0.1", 0)),
        (":9000", Address("127.0.0.1", 9000)),
        ("localhost:80", Address("127.0.0.1", 80)),
        ("127.0.0.2:80", Address("127.0.0.2", 80)),
        ("[::1]:80", Address("::1", 80)),
    ],
)
def test_an_address_is_a_port_or_host_and_port(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "x", "localhost", "1.2.3.4:", "70000", "-1", "::1:80", "\u0663"]
)
def test_another_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="--listen"):
        listen_address(text)


@pytest.mark.parametrize(
    ("address", "origins"),
    [
        (Address("127.0.0.1", 80), ["http://127.0.0.1:80", "http://localhost:80"]),
        (Address("::1", 80), ["http://[::1]:80", "http://localhost:80"]),
        (Address("127.0.0.2", 80), ["http://127.0.0.2:80"]),
    ],
)
def test_origins_are_what_a_browser_may_call_the_page(address: Address, origins: list[str]) -> None:
    assert address.origins == origins


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(nodes=0), "--nodes"),
        (Settings(agents=-1), "--agents"),
        (Settings(agents=9001), "9000 at most"),
        (Settings(nodes=2), "apt-get install redis-server"),
        (Settings(listen=Address("0.0.0.0", 1)), "everybody"),
        (Settings(listen=Address("example.net", 1)), "everybody"),
    ],
)
def test_what_cannot_work_is_refused(settings: Settings, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        check(settings, has_redis=False)


def test_the_defaults_are_accepted() -> None:
    check(Settings(), has_redis=False)
    check(Settings(redis="redis://localhost"), has_redis=False)
    check(Settings(nodes=3, redis="redis://localhost"), has_redis=False)
    check(Settings(nodes=3), has_redis=True)
