"""Secrets of a stack: SSM parameters that only their readers decrypt."""

from __future__ import annotations

import secrets

from mad.deploy.cloud import tags
from mad.deploy.cloud.names import secret_name, secret_path
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import Found
from mad.deploy.plan.specs import SecretSpec, Spec
from mad.deploy.stack.settings import Stack


class Secrets:
    """Made once and never written over. A value is in memory only between AWS and who needs it."""

    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        return tuple(
            Found(spec=SecretSpec(name), id=secret_name(stack.name, name))
            for name in kept(aws, stack.name)
        )

    def create(self, context: Context, spec: Spec) -> str:
        assert isinstance(spec, SecretSpec)
        name = secret_name(context.stack.name, spec.name)
        try:
            context.aws.call(
                "ssm",
                "put_parameter",
                Name=name,
                # ElastiCache takes letters, digits and few signs: no underscore.
                Value=secrets.token_hex(spec.bytes),
                Type="SecureString",
                Description=f"mad {context.stack.name}: {spec.name}",
                Tags=tags.pairs(context.tags_of(spec)),
            )
        except AwsError as error:
            # One that an interrupted run left is as good.
            if error.code != "ParameterAlreadyExists":
                raise
        return name

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        """There is nothing to change."""

    def delete(self, context: Context, found: Found) -> None:
        try:
            context.aws.call("ssm", "delete_parameter", Name=found.id)
        except AwsError as error:
            if error.code != "ParameterNotFound":
                raise


def kept(aws: Aws, stack: str) -> dict[str, str]:
    """All secrets with their values, by one call. Not for output."""
    given = aws.pages(
        "ssm",
        "get_parameters_by_path",
        "Parameters",
        Path=secret_path(stack),
        WithDecryption=True,
    )
    return {
        str(one["Name"]).rpartition("/")[2]: str(one["Value"])
        for one in given
        if one.get("Type") == "SecureString"
    }


def read_secret(aws: Aws, stack: str, name: str) -> str | None:
    """The value, None when there is no such secret. Not for output."""
    try:
        answer = aws.call(
            "ssm", "get_parameter", Name=secret_name(stack, name), WithDecryption=True
        )
    except AwsError as error:
        if error.code == "ParameterNotFound":
            return None
        raise
    return str(answer["Parameter"]["Value"])
