"""The way to AWS, with AWS played by botocore's own events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("botocore")

import botocore.exceptions
from botocore.awsrequest import AWSResponse

from mad.deploy.cloud.session import SETTLING_S, Aws, AwsError


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws(clock: Clock) -> Aws:
    return Aws("eu-west-2", clock=clock, pause=clock.pause)


def answers(aws: Aws, event: str, given: Iterator[Any]) -> list[dict[str, Any]]:
    """Answers a call with what comes next: a code is an error, a dict an answer."""
    asked: list[dict[str, Any]] = []

    def answer(params: dict[str, Any], **_rest: Any) -> tuple[AWSResponse, dict[str, Any]]:
        asked.append(params)
        one = next(given)
        if isinstance(one, BaseException):
            raise one
        if isinstance(one, dict):
            return AWSResponse("", 200, {}, None), {**one, "ResponseMetadata": {}}
        code, _, message = one.partition(" ")
        told = {"Code": code, "Message": message}
        return AWSResponse("", 400, {}, None), {"Error": told, "ResponseMetadata": {}}

    aws.session.register(f"before-call.{event}", answer)
    return asked


def forever(one: Any) -> Iterator[Any]:
    while True:
        yield one


def test_a_call_is_listed_by_service_and_operation(aws: Aws) -> None:
    answers(aws, "ec2.DescribeVpcs", forever({"Vpcs": []}))
    answers(aws, "sts.GetCallerIdentity", forever({"Account": "1", "Arn": "arn:aws:iam::1:user/x"}))
    assert aws.call("ec2", "describe_vpcs")["Vpcs"] == []
    assert aws.identity().account == "1"
    assert aws.identity().arn == "arn:aws:iam::1:user/x"
    assert aws.calls == [("ec2", "DescribeVpcs"), ("sts", "GetCallerIdentity")]


def test_all_pages_are_read(aws: Aws) -> None:
    pages = [{"Vpcs": [{"VpcId": "vpc-1"}], "NextToken": "t"}, {"Vpcs": [{"VpcId": "vpc-2"}]}]
    answers(aws, "ec2.DescribeVpcs", iter(pages))
    assert [one["VpcId"] for one in aws.pages("ec2", "describe_vpcs", "Vpcs")] == ["vpc-1", "vpc-2"]


def test_an_operation_without_pages_gives_what_its_one_answer_has(aws: Aws) -> None:
    answers(aws, "ec2.DescribeKeyPairs", forever({"KeyPairs": [{"KeyName": "k"}]}))
    assert aws.pages("ec2", "describe_key_pairs", "KeyPairs") == [{"KeyName": "k"}]


def test_an_error_says_service_operation_and_code(aws: Aws) -> None:
    answers(aws, "ec2.DescribeVpcs", forever("InvalidVpcID.NotFound the vpc ID 'vpc-1'"))
    with pytest.raises(AwsError) as caught:
        aws.call("ec2", "describe_vpcs", VpcIds=["vpc-1"])
    error = caught.value
    assert (error.service, error.operation) == ("ec2", "DescribeVpcs")
    assert (error.code, error.message) == ("InvalidVpcID.NotFound", "the vpc ID 'vpc-1'")


def test_what_was_made_a_moment_ago_is_asked_for_again(aws: Aws, clock: Clock) -> None:
    missing = "InvalidVpcID.NotFound no"
    asked = answers(aws, "ec2.DescribeVpcs", iter([missing, missing, {"Vpcs": [{"VpcId": "v"}]}]))
    aws.made("vpc-1")
    assert aws.call("ec2", "describe_vpcs", VpcIds=["vpc-1"])["Vpcs"]
    assert len(asked) == 3
    assert 0 < clock.now < SETTLING_S


def test_what_stays_missing_is_missing_after_a_minute(aws: Aws, clock: Clock) -> None:
    answers(aws, "ec2.DescribeVpcs", forever("InvalidVpcID.NotFound no"))
    aws.made("vpc-1")
    with pytest.raises(AwsError, match="NotFound"):
        aws.call("ec2", "describe_vpcs", VpcIds=["vpc-1"])
    assert SETTLING_S <= clock.now < 2 * SETTLING_S


def test_an_id_in_the_message_alone_counts_too(aws: Aws) -> None:
    answers(
        aws,
        "ec2.RunInstances",
        iter(["InvalidGroup.NotFound The security group 'sg-1' does not exist.", {}]),
    )
    aws.made("sg-1")
    aws.call("ec2", "run_instances", MinCount=1, MaxCount=1)


CACHE = "elasticache"
MISSING: list[tuple[str, Callable[[Aws], None], str]] = [
    ("nothing was made", lambda _aws: None, "mad-x"),
    ("something else was made", lambda aws: aws.made("mad-x-web", service=CACHE), "mad-x"),
    (
        "the name is the beginning of another",
        lambda aws: aws.made("mad-x", service=CACHE),
        "mad-x-web",
    ),
    ("the name is of another service", lambda aws: aws.made("mad-x"), "mad-x"),
]


@pytest.mark.parametrize(
    ("made", "name"), [row[1:] for row in MISSING], ids=[r[0] for r in MISSING]
)
def test_the_missing_is_told_at_once_when(
    aws: Aws, clock: Clock, made: Callable[[Aws], None], name: str
) -> None:
    asked = answers(
        aws, "elasticache.DescribeReplicationGroups", forever("ReplicationGroupNotFoundFault no")
    )
    made(aws)
    with pytest.raises(AwsError):
        aws.call("elasticache", "describe_replication_groups", ReplicationGroupId=name)
    assert (len(asked), clock.now) == (1, 0.0)


def test_what_we_ended_ourselves_is_not_waited_for(aws: Aws, clock: Clock) -> None:
    answers(aws, "ec2.DescribeVpcs", forever("InvalidVpcID.NotFound no"))
    aws.made("vpc-1")
    aws.gone("vpc-1")
    with pytest.raises(AwsError):
        aws.call("ec2", "describe_vpcs", VpcIds=["vpc-1"])
    assert clock.now == 0.0


OWN = [
    (botocore.exceptions.NoCredentialsError(), "NoCredentials"),
    (
        botocore.exceptions.PartialCredentialsError(provider="env", cred_var="secret"),
        "NoCredentials",
    ),
    (botocore.exceptions.EndpointConnectionError(endpoint_url="http://127.0.0.1"), "NoConnection"),
    (botocore.exceptions.ConnectTimeoutError(endpoint_url="http://127.0.0.1"), "NoConnection"),
    (botocore.exceptions.ReadTimeoutError(endpoint_url="http://127.0.0.1"), "NoConnection"),
    (botocore.exceptions.SSLError(endpoint_url="https://x", error="no"), "NoTrust"),
    (botocore.exceptions.UnauthorizedSSOTokenError(), "ExpiredToken"),
    (botocore.exceptions.TokenRetrievalError(provider="sso", error_msg="no"), "ExpiredToken"),
]


@pytest.mark.parametrize(("error", "code"), OWN, ids=[type(one).__name__ for one, _ in OWN])
def test_what_never_reached_aws_has_a_code_of_ours(
    aws: Aws, error: botocore.exceptions.BotoCoreError, code: str
) -> None:
    answers(aws, "ec2.DescribeVpcs", iter([error]))
    with pytest.raises(AwsError) as caught:
        aws.call("ec2", "describe_vpcs")
    assert caught.value.code == code


def test_a_profile_that_is_not_there_is_named() -> None:
    with pytest.raises(AwsError, match="no-such-profile") as caught:
        Aws("eu-west-2", profile="no-such-profile").call("ec2", "describe_vpcs")
    assert caught.value.code == "NoProfile"


def test_an_endpoint_that_is_none_is_told() -> None:
    with pytest.raises(AwsError) as caught:
        Aws("eu-west-2", endpoint_url="nowhere").call("ec2", "describe_vpcs")
    assert caught.value.code == "BadEndpoint"


def test_aws_learns_who_calls(aws: Aws) -> None:
    asked = answers(aws, "ec2.DescribeVpcs", forever({}))
    aws.call("ec2", "describe_vpcs")
    assert asked[0]["headers"]["User-Agent"].startswith("mad.deploy/")
