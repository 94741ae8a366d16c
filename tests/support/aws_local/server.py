"""Serves it: moto's application, with the strict parts, the faults and the record before it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from aws_local.faults import Fault, Faults
from aws_local.wire import Call, read, refusal
from aws_local.world import guard, reset, world
from aws_local.young import refused, remember

# Images are ours: without moto's thousands a region is made anew in no time.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
_applied = threading.Event()

StartResponse = Callable[..., Any]


def _apply() -> None:
    """Makes moto strict, once in a process."""
    if _applied.is_set():
        return
    from aws_local import balancers, caches, images, machines, network

    for part in (machines, network, balancers, images, caches):
        part.apply()
    _applied.set()


class CutError(ConnectionError):
    """The client gets no answer."""


class Server:
    """One local AWS on loopback. `with Server() as aws: … aws.url`"""

    def __init__(self, port: int = 0) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import make_server

        _apply()
        self.faults = Faults()
        self.calls: list[Call] = []
        """Every call that arrived, refused ones too; those of `DryRun` say so."""
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", port, self._answer, threaded=True, request_handler=MotoRequestHandler
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._cut: int | None = None
        self._cut_done = False
        self._arrived = 0
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        self.reset()
        return self

    def __exit__(self, *_rest: object) -> None:
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()

    def serve(self) -> None:
        """Until interrupted."""
        self.reset()
        self._server.serve_forever()

    def reset(self) -> None:
        """A fresh account: nothing made, nothing recorded, nothing told to fail."""
        from moto.moto_api._internal.models import moto_api_backend

        with guard:
            moto_api_backend.reset()
            reset()
            self.calls.clear()
            self.faults.faults.clear()
            self.faults.allowed = None
            self.faults.before = None
            self._cut, self._cut_done, self._arrived = None, False, 0

    @property
    def full(self) -> set[str]:
        """Zones without room for another machine."""
        return world.full

    def grant(self, vcpus: float) -> None:
        """Another quota of vCPUs, until the next reset."""
        world.vcpus = vcpus

    def publish(self) -> None:
        """Newer images of all systems."""
        from aws_local import images

        with guard:
            images.publish()

    def cut(self, n: int | None, *, done: bool = False) -> None:
        """Cuts the connection at the n-th call from now on and at all after it, before they are
        looked at; with `done` only at that one, once it is done. None: no more."""
        with guard:
            self._cut, self._cut_done, self._arrived = n, done, 0

    def fail(self, call: str, code: str, **how: Any) -> None:
        """`fail("ec2:RunInstances", "InsufficientInstanceCapacity", times=2)`"""
        self.faults.faults.append(Fault(call, code, **how))

    def _answer(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith("/aws-local/"):
            return self._told(environ, start)
        call = read(environ)
        if call is None:
            with guard:
                return list(self._moto(environ, start))
        try:
            return self._call(call, environ, start)
        except CutError:
            # The handler finds nobody to write to.
            with contextlib.suppress(OSError, KeyError):
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return []

    def _call(self, call: Call, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        self.calls.append(call)
        with guard:
            self._arrived += 1
            last = self._cut is not None and self._arrived == self._cut
            if self._cut is not None and self._arrived >= self._cut and not self._cut_done:
                raise CutError
        refusing = self.faults.of(call)
        with guard:
            refusing = refusing or refused(call)
            if refusing is None:
                body = list(self._moto(environ, start))
                remember(call, b"".join(body))
        if last:
            raise CutError
        if refusing is None:
            return body
        status, fields, text = refusal(call, *refusing)
        start(f"{status} refused", [*fields.items(), ("Content-Length", str(len(text)))])
        return [text]

    def _told(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        """For those outside of the process: `GET /aws-local/calls`, `POST /aws-local/reset`,
        `POST /aws-local/fail` with the fields of a `Fault`, `POST /aws-local/full` with a list of
        zones, `POST /aws-local/publish`, and `POST /aws-local/cut` with `n` and `done`."""
        what = environ["PATH_INFO"].removeprefix("/aws-local/")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer: object = {}
        if what == "calls":
            answer = [call.name for call in list(self.calls)]
        elif what == "reset":
            self.reset()
        elif what == "fail":
            self.faults.faults.append(Fault(**json.loads(body)))
        elif what == "full":
            world.full = set(json.loads(body))
        elif what == "publish":
            self.publish()
        elif what == "cut":
            self.cut(**json.loads(body))
        else:
            start("404 Not Found", [("Content-Length", "0")])
            return [b""]
        text = json.dumps(answer).encode()
        fields = [("Content-Type", "application/json"), ("Content-Length", str(len(text)))]
        start("200 OK", fields)
        return [text]
