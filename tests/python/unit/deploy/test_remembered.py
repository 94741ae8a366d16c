"""One look asks nothing twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mad.deploy.cloud.remembered import Remembered
from mad.deploy.cloud.session import Aws, AwsError


class Counting(Aws):
    def __init__(self) -> None:
        super().__init__("eu-west-2", endpoint_url="http://127.0.0.1:1")
        self.asked: list[str] = []
        self.wait = threading.Event()

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        self.asked.append(operation)
        assert self.wait.wait(30)
        if operation == "refused":
            raise AwsError(service, operation, "Refused", "no")
        return {"asked": len(self.asked), **parameters}

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        return [self.call(service, f"{operation} {key}", **parameters)]


def test_those_who_ask_the_same_at_once_share_an_answer() -> None:
    aws = Counting()
    seen = Remembered(aws)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(seen.call, "ec2", "a", Names=["x"]) for _ in range(8)]
        aws.wait.set()
        assert [one.result(30) for one in answers] == [{"asked": 1, "Names": ["x"]}] * 8
    assert aws.asked == ["a"]


def test_other_questions_are_asked() -> None:
    aws = Counting()
    aws.wait.set()
    seen = Remembered(aws)
    seen.call("ec2", "a", Names=["x"])
    seen.call("ec2", "a", Names=["y"])
    seen.call("ssm", "a", Names=["x"])
    seen.pages("ec2", "a", "Things", Names=["x"])
    assert len(aws.asked) == 4
    assert (seen.region, seen.endpoint_url) == (aws.region, aws.endpoint_url)


def test_a_refusal_is_an_answer_too() -> None:
    aws = Counting()
    aws.wait.set()
    seen = Remembered(aws)
    for _ in range(2):
        with pytest.raises(AwsError, match="Refused"):
            seen.call("ec2", "refused")
    assert aws.asked == ["refused"]
