"""What the stack consisted of when its last run ended well, by names: only that tells a machine
that somebody removed from one that the stack file asks for since. Without it nothing is lost: what
is missing is made all the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mad.deploy.cloud import tags
from mad.deploy.cloud.names import secret_name
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.specs import Address, Kind

NAME = "last-run"
"""The parameter `/mad/<stack>/last-run`: `instance api-0 api-1;key_pair main`."""


def read(aws: Aws, stack: str) -> frozenset[Address]:
    """Empty: nobody has written it."""
    try:
        answer = aws.call("ssm", "get_parameter", Name=secret_name(stack, NAME))
    except AwsError as error:
        if error.code == "ParameterNotFound":
            return frozenset()
        raise
    found = set()
    for part in str(answer["Parameter"]["Value"]).split(";"):
        kind, *names = part.split()
        if kind in Kind.__members__.values():
            found |= {Address(Kind(kind), name) for name in names}
    return frozenset(found)


def write(aws: Aws, stack: str, addresses: Iterable[Address]) -> None:
    names = defaultdict(list)
    for one in sorted(addresses):
        names[one.kind.value].append(one.name)
    text = ";".join(f"{kind} {' '.join(of_kind)}" for kind, of_kind in names.items())
    aws.call(
        "ssm",
        "put_parameter",
        Name=secret_name(stack, NAME),
        Value=text,
        Type="String",
        Overwrite=True,
    )
    aws.call(
        "ssm",
        "add_tags_to_resource",
        ResourceType="Parameter",
        ResourceId=secret_name(stack, NAME),
        Tags=tags.pairs({tags.STACK: stack, tags.ROLE: "stack"}),
    )


def forget(aws: Aws, stack: str) -> None:
    try:
        aws.call("ssm", "delete_parameter", Name=secret_name(stack, NAME))
    except AwsError as error:
        if error.code != "ParameterNotFound":
            raise
