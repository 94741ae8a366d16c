"""The way to AWS: one session, one client for each service, errors as one class."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from mad._version import __version__

T = TypeVar("T")

SETTLING_S = 60.0
"""For so long after a create other parts of AWS may not know what was made."""

_NOT_YET = ("NotFound", "NotFoundFault", "NoSuchEntity")


class AwsError(Exception):
    """A call that failed for good, as a sentence and a remedy (`mad.deploy.cloud.errors`)."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"{service}:{operation}: {code}: {message}")
        self.service = service
        self.operation = operation
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Identity:
    account: str
    arn: str


class Aws:
    """Calls of one account and region, from any thread. Credentials come from the usual chain
    alone; a client is made when its service is first called."""

    def __init__(
        self,
        region: str,
        *,
        profile: str | None = None,
        endpoint_url: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.region = region
        self.profile = profile
        self.endpoint_url = endpoint_url
        self.calls: list[tuple[str, str]] = []
        """Every call that was made: service and operation, as in `("ec2", "RunInstances")`."""
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._identity: Identity | None = None
        self._made: dict[tuple[str, str], float] = {}

    @property
    def session(self) -> Any:
        """The botocore session beneath, for those who listen to its events."""
        with self._lock:
            return self._open()

    def _open(self) -> Any:
        if self._session is None:
            import botocore.exceptions
            import botocore.session

            try:
                session = botocore.session.Session(profile=self.profile)
                session.user_agent_name = "mad.deploy"
                session.user_agent_version = __version__
                session.get_credentials()
                session.register("provide-client-params", self._note)
            except botocore.exceptions.BotoCoreError as error:
                raise _own_error("sts", "GetCallerIdentity", error) from error
            self._session = session
        return self._session

    def _note(self, model: Any, **_rest: Any) -> None:
        self.calls.append((model.service_model.service_name, model.name))

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                import botocore.exceptions
                from botocore.config import Config

                session = self._open()
                try:
                    self._clients[service] = session.create_client(
                        service,
                        region_name=self.region,
                        endpoint_url=self.endpoint_url,
                        config=Config(
                            retries={"mode": "standard", "total_max_attempts": 8},
                            connect_timeout=10,
                            read_timeout=60,
                            max_pool_connections=32,
                        ),
                    )
                except (botocore.exceptions.BotoCoreError, ValueError) as error:
                    raise _own_error(service, "", error) from error
            return self._clients[service]

    def made(self, *ids: str, service: str = "ec2") -> None:
        """Tells that these exist since now: a call of that service that does not find them is tried
        again."""
        now = self._clock()
        with self._lock:
            self._made.update({(service, one): now for one in ids})

    def gone(self, *ids: str, service: str = "ec2") -> None:
        """Tells that these are deleted: a call that does not find them is told so at once."""
        with self._lock:
            for one in ids:
                self._made.pop((service, one), None)

    def _settling(self, service: str, parameters: Any, message: str) -> bool:
        """Whether the error may be about something that was made a moment ago."""
        now = self._clock()
        with self._lock:
            young = {
                id
                for (made_by, id), at in self._made.items()
                if made_by == service and now - at < SETTLING_S
            }
        return bool(young and young & {*_texts(parameters), *_words(message)})

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """`call("ec2", "describe_vpcs", VpcIds=[…])`. Throttling and the like were tried again.
        Raises AwsError."""
        return self._patiently(service, operation, parameters, lambda do: dict(do(**parameters)))

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        """All items under `key` of all pages; without pages those of the one answer."""

        def read(_do: Any) -> list[Any]:
            client = self._client(service)
            if not client.can_paginate(operation):
                return list(getattr(client, operation)(**parameters).get(key) or ())
            pages = client.get_paginator(operation).paginate(**parameters)
            return [item for page in pages for item in page.get(key) or ()]

        return self._patiently(service, operation, parameters, read)

    def _patiently(
        self,
        service: str,
        operation: str,
        parameters: dict[str, Any],
        read: Callable[[Any], T],
    ) -> T:
        import botocore.exceptions
        from botocore.parsers import ResponseParserError

        client = self._client(service)
        name = client.meta.method_to_api_mapping.get(operation, operation)
        delay = 0.1
        while True:
            try:
                return read(getattr(client, operation))
            except botocore.exceptions.ClientError as error:
                told = error.response.get("Error", {})
                code, message = told.get("Code", ""), told.get("Message", "")
                if not (code.endswith(_NOT_YET) and self._settling(service, parameters, message)):
                    raise AwsError(service, name, code, self._plain(message)) from error
            except (botocore.exceptions.BotoCoreError, ResponseParserError) as error:
                raise _own_error(service, name, error) from error
            self._pause(delay)
            delay = min(2 * delay, 5.0)

    def _plain(self, message: str) -> str:
        """EC2 says what was refused in a form that only STS can read, to those who may ask it."""
        import botocore.exceptions
        from botocore.parsers import ResponseParserError

        coded = re.search(r"failure message: (\S{40,})", message)
        if coded is None:
            return message
        try:
            answer = self._client("sts").decode_authorization_message(EncodedMessage=coded[1])
            said = json.loads(answer["DecodedMessage"])
            context = said["context"]
            plain = (
                f"User: {context['principal']['arn']} is not authorized to perform: "
                f"{context['action']} on resource: {context['resource']}"
            )
            return f"{plain} with an explicit deny" if said.get("explicitDeny") else plain
        except (
            AwsError,
            botocore.exceptions.BotoCoreError,
            botocore.exceptions.ClientError,
            ResponseParserError,
            KeyError,
            TypeError,
            ValueError,
        ):
            return message[: coded.start()].rstrip(" .") or message

    def identity(self) -> Identity:
        """Who calls; asked once."""
        if self._identity is None:
            answer = self.call("sts", "get_caller_identity")
            self._identity = Identity(answer["Account"], answer["Arn"])
        return self._identity


def _words(message: str) -> list[str]:
    """What may be an id in it; a full stop at the end is of the sentence."""
    return re.findall(r"[\w:/-]+(?:\.[\w:/-]+)*", message)


def _texts(value: Any) -> Iterator[str]:
    """All strings in the parameters of a call."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


_OWN = {
    "NoCredentialsError": "NoCredentials",
    "PartialCredentialsError": "NoCredentials",
    "CredentialRetrievalError": "NoCredentials",
    "ProfileNotFound": "NoProfile",
    "TokenRetrievalError": "ExpiredToken",
    "SSOTokenLoadError": "ExpiredToken",
    "UnauthorizedSSOTokenError": "ExpiredToken",
    "EndpointConnectionError": "NoConnection",
    "ConnectionClosedError": "NoConnection",
    "ConnectTimeoutError": "NoConnection",
    "ReadTimeoutError": "NoConnection",
    "ProxyConnectionError": "NoConnection",
    "ResponseParserError": "NotAws",
    "SSLError": "NoTrust",
    "InvalidRegionError": "NoRegion",
    "NoRegionError": "NoRegion",
    "ValueError": "BadEndpoint",
}


def _own_error(service: str, operation: str, error: Exception) -> AwsError:
    """What never reached AWS, under codes of our own."""
    name = type(error).__name__
    said = " ".join(str(error).split())[:300]
    return AwsError(service, operation, _OWN.get(name, name), said)
