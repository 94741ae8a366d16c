"""The subnets that Redis may be in."""

from __future__ import annotations

from dataclasses import replace

from mad.deploy.cloud import tags
from mad.deploy.cloud.crossing import Names, named, subnets_of
from mad.deploy.cloud.names import stack_name
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.cloud.wait import retry
from mad.deploy.plan.model import Found
from mad.deploy.plan.specs import CacheSubnetsSpec, Spec
from mad.deploy.stack.settings import Stack

PATIENCE_S = 900.0
_GONE = "CacheSubnetGroupNotFound"


class CacheSubnets:
    """Found by its name: ElastiCache cannot be asked by tags."""

    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        """`spec.subnets` are ids; `with_names` makes them letters."""
        try:
            answer = aws.call(
                "elasticache",
                "describe_cache_subnet_groups",
                CacheSubnetGroupName=stack_name(stack.name),
            )
        except AwsError as error:
            if error.code.removesuffix("Fault") == _GONE:
                return ()
            raise
        return tuple(
            Found(
                spec=CacheSubnetsSpec(
                    "main",
                    frozenset(str(subnet["SubnetIdentifier"]) for subnet in one["Subnets"]),
                ),
                id=str(one["CacheSubnetGroupName"]),
            )
            for one in answer["CacheSubnetGroups"]
        )

    def create(self, context: Context, spec: Spec) -> str:
        assert isinstance(spec, CacheSubnetsSpec)
        name = stack_name(context.stack.name)
        try:
            context.aws.call(
                "elasticache",
                "create_cache_subnet_group",
                CacheSubnetGroupName=name,
                CacheSubnetGroupDescription=f"mad {context.stack.name}",
                SubnetIds=subnets_of(context, spec.subnets),
                Tags=tags.pairs(context.tags_of(spec)),
            )
        except AwsError as error:
            if error.code.removesuffix("Fault") != "CacheSubnetGroupAlreadyExists":
                raise
        return name

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        assert isinstance(spec, CacheSubnetsSpec)
        context.aws.call(
            "elasticache",
            "modify_cache_subnet_group",
            CacheSubnetGroupName=found.id,
            SubnetIds=subnets_of(context, spec.subnets),
        )

    def delete(self, context: Context, found: Found) -> None:
        try:
            retry(
                lambda: context.aws.call(
                    "elasticache", "delete_cache_subnet_group", CacheSubnetGroupName=found.id
                ),
                ("CacheSubnetGroupInUse", "CacheSubnetGroupInUseFault"),
                context=context,
                what="waiting until Redis is gone",
                deadline_s=PATIENCE_S,
            )
        except AwsError as error:
            if error.code.removesuffix("Fault") != _GONE:
                raise


def with_names(found: tuple[Found, ...], names: Names) -> tuple[Found, ...]:
    return tuple(
        replace(one, spec=replace(one.spec, subnets=named(one.spec.subnets, names.subnets)))
        if isinstance(one.spec, CacheSubnetsSpec)
        else one
        for one in found
    )
