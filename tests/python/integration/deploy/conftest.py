"""An AWS on loopback, empty at the start of each test."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class LocalAws:
    url: str


@pytest.fixture(scope="session")
def _moto() -> Iterator[str]:
    from moto.ec2.models.key_pairs import KeyPairBackend
    from moto.ec2.responses.key_pairs import KeyPairs
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    guard = threading.Lock()
    take, drop = KeyPairBackend.import_key_pair, KeyPairs.delete_key_pair

    def import_once(self: Any, *given: Any, **named: Any) -> Any:
        with guard:
            return take(self, *given, **named)

    def delete_by_id(self: Any) -> Any:
        """EC2 takes the id as well as the name."""
        id = self._get_param("KeyPairId")
        with guard:
            for pair in list(self.ec2_backend.key_pairs.values()):
                if pair.id == id:
                    del self.ec2_backend.key_pairs[pair.key_name]
        return drop(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeyPairBackend, "import_key_pair", import_once)
        patch.setattr(KeyPairs, "delete_key_pair", delete_by_id)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def aws_local(_moto: str, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    import urllib.request

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    reset = urllib.request.Request(f"{_moto}/moto-api/reset", method="POST")
    with urllib.request.urlopen(reset, timeout=30):
        pass
    return LocalAws(_moto)
