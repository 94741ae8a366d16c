"""What EC2 refuses in code is told in words, as far as the caller may ask what it means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mad.deploy.cloud.errors import action_of, explain
from mad.deploy.cloud.session import Aws, AwsError

CODED = "4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abcdefghijklmnopqrstuvwxyz0123456789"
MESSAGE = (
    "You are not authorized to perform this operation. "
    f"Encoded authorization failure message: {CODED}"
)
WHO = "arn:aws:iam::123456789012:user/robot"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


def aws_that_says(decoded: dict[str, Any] | None) -> Aws:
    """Refuses every RunInstances; `decoded`: what STS answers, None if it may not be asked."""
    pytest.importorskip("botocore")
    from botocore.awsrequest import AWSResponse

    def refused(**_rest: Any) -> tuple[AWSResponse, dict[str, Any]]:
        told = {"Code": "UnauthorizedOperation", "Message": MESSAGE}
        return AWSResponse("", 403, {}, None), {"Error": told, "ResponseMetadata": {}}

    def decode(params: dict[str, Any], **_rest: Any) -> tuple[AWSResponse, dict[str, Any]]:
        assert CODED in str(params["body"])
        if decoded is None:
            told = {"Code": "AccessDenied", "Message": "no"}
            return AWSResponse("", 403, {}, None), {"Error": told, "ResponseMetadata": {}}
        answer = {"DecodedMessage": json.dumps(decoded), "ResponseMetadata": {}}
        return AWSResponse("", 200, {}, None), answer

    aws = Aws("eu-west-2")
    aws.session.register("before-call.ec2.RunInstances", refused)
    aws.session.register("before-call.sts.DecodeAuthorizationMessage", decode)
    return aws


def refusal(decoded: dict[str, Any] | None) -> AwsError:
    aws = aws_that_says(decoded)
    with pytest.raises(AwsError) as caught:
        aws.call("ec2", "run_instances", MinCount=1, MaxCount=1)
    return caught.value


def said(action: str, *, explicit: bool = False) -> dict[str, Any]:
    context = {"principal": {"arn": WHO}, "action": action, "resource": "arn:aws:ec2:::volume/*"}
    return {"allowed": False, "explicitDeny": explicit, "context": context}


def test_the_action_that_is_missing_is_the_one_in_the_coded_message() -> None:
    error = refusal(said("ec2:CreateTags"))
    assert action_of(error) == "ec2:CreateTags"
    assert explain(error).sentence == f"{WHO} may not do ec2:CreateTags"


def test_an_explicit_deny_is_told_as_one() -> None:
    assert "explicit deny" in explain(refusal(said("ec2:RunInstances", explicit=True))).sentence


@pytest.mark.parametrize("decoded", [None, {}, {"context": {}}])
def test_without_the_words_the_call_itself_is_named_and_the_code_left_out(
    decoded: dict[str, Any] | None,
) -> None:
    error = refusal(decoded)
    assert action_of(error) == "ec2:RunInstances"
    assert CODED not in str(error)
