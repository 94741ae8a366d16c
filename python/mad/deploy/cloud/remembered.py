"""One look at AWS in which nothing is asked twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any

from mad.deploy.cloud.session import Aws, Identity


class Remembered(Aws):
    """Gives those who ask the same, at once or one after the other, one answer. Only for reading,
    and for as long as one look takes: what it has heard it does not hear again."""

    def __init__(self, aws: Aws) -> None:
        super().__init__(aws.region, profile=aws.profile, endpoint_url=aws.endpoint_url)
        self._aws = aws
        self._guard = Lock()
        self._answers: dict[str, Future[Any]] = {}

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        key = f"call {service} {operation} {sorted(parameters.items())!r}"
        answer: dict[str, Any] = self._once(
            key, lambda: self._aws.call(service, operation, **parameters)
        )
        return answer

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        question = f"pages {service} {operation} {key} {sorted(parameters.items())!r}"
        items: list[Any] = self._once(
            question, lambda: self._aws.pages(service, operation, key, **parameters)
        )
        return items

    def identity(self) -> Identity:
        return self._aws.identity()

    def _once(self, question: str, ask: Callable[[], Any]) -> Any:
        with self._guard:
            known = self._answers.get(question)
            first = known is None
            if known is None:
                known = self._answers[question] = Future()
        if first:
            try:
                known.set_result(ask())
            except BaseException as error:
                known.set_exception(error)
        return known.result()
