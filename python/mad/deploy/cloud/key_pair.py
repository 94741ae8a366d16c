"""The key that machines let in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.names import stack_name
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import Found
from mad.deploy.plan.specs import KeyPairSpec, Spec
from mad.deploy.stack.settings import Stack


class KeyPairs:
    """Compared by the keys themselves: fingerprints differ by the kind of key."""

    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        return tuple(
            _found(one)
            for one in _described(
                aws, Filters=[{"Name": f"tag:{tags.STACK}", "Values": [stack.name]}]
            )
            # The lock is a key pair, too.
            if tags.SLOT in tags.read(one.get("Tags"))
        )

    def create(self, context: Context, spec: Spec) -> str:
        assert isinstance(spec, KeyPairSpec)
        name = stack_name(context.stack.name)
        try:
            answer = context.aws.call(
                "ec2",
                "import_key_pair",
                KeyName=name,
                PublicKeyMaterial=spec.public_key.encode(),
                TagSpecifications=[
                    {"ResourceType": "key-pair", "Tags": tags.pairs(context.tags_of(spec))}
                ],
            )
        except AwsError as error:
            if error.code != "InvalidKeyPair.Duplicate":
                raise
            return self._left(context, spec, name)
        context.aws.made(str(answer["KeyPairId"]), name, service="ec2")
        return str(answer["KeyPairId"])

    def _left(self, context: Context, spec: KeyPairSpec, name: str) -> str:
        """One of that name is there: ours of an interrupted run, or somebody's."""
        for one in _described(context.aws, KeyNames=[name]):
            found = _found(one)
            ours = tags.read(one.get("Tags")).get(tags.STACK) == context.stack.name
            if ours and found.spec == spec:
                return found.id
        raise AwsError("ec2", "ImportKeyPair", "KeyPairMismatch", name)

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        context.aws.call(
            "ec2", "create_tags", Resources=[found.id], Tags=tags.pairs(context.tags_of(spec))
        )

    def delete(self, context: Context, found: Found) -> None:
        try:
            context.aws.call("ec2", "delete_key_pair", KeyPairId=found.id)
        except AwsError as error:
            if error.code != "InvalidKeyPair.NotFound":
                raise


def _described(aws: Aws, **how: Any) -> list[Mapping[str, Any]]:
    try:
        answer = aws.call("ec2", "describe_key_pairs", IncludePublicKey=True, **how)
    except AwsError as error:
        if error.code == "InvalidKeyPair.NotFound":
            return []
        raise
    return list(answer.get("KeyPairs", ()))


def _found(given: Mapping[str, Any]) -> Found:
    read = tags.read(given.get("Tags"))
    return Found(
        spec=KeyPairSpec(
            name=read.get(tags.SLOT, "main"),
            public_key=" ".join(str(given.get("PublicKey", "")).split()[:2]),
        ),
        id=str(given["KeyPairId"]),
        spec_hash=read.get(tags.SPEC),
    )
