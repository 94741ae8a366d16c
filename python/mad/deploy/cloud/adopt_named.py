"""Adopting what AWS finds by name alone, and cannot rename: Redis and load balancers. One of the
stack's own name that lost its tags gets them back, if it is what the stack wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mad.deploy.cloud import classic_balancer, redis, tags
from mad.deploy.cloud.load_balancer import LoadBalancers
from mad.deploy.cloud.names import load_balancer_name, stack_name
from mad.deploy.cloud.resource import Context, Resource
from mad.deploy.cloud.session import AwsError
from mad.deploy.plan.specs import Kind, LoadBalancerSpec, Spec


@dataclass(frozen=True, slots=True)
class Named:
    """One of that name."""

    tags: Mapping[str, str]
    resource: Resource
    """Sees it once it carries the stack's tags."""
    put: Callable[[Mapping[str, str]], None]
    remove: Callable[[list[str]], None]


def name_of(context: Context, wanted: Spec) -> str:
    """The only name that can be adopted."""
    if wanted.kind is Kind.REDIS:
        return stack_name(context.stack.name)
    return load_balancer_name(context.stack.name, wanted.name)


def look(context: Context, wanted: Spec) -> Named | None:
    """What has that name. Raises AwsError."""
    if wanted.kind is Kind.REDIS:
        return _redis(context)
    if isinstance(wanted, LoadBalancerSpec) and wanted.type == "alb":
        return _alb(context, wanted)
    return _classic(context, wanted)


def _redis(context: Context) -> Named | None:
    aws, name = context.aws, stack_name(context.stack.name)
    try:
        answer = aws.call("elasticache", "describe_replication_groups", ReplicationGroupId=name)
    except AwsError as error:
        if error.code == "ReplicationGroupNotFoundFault":
            return None
        raise
    arn = str(answer["ReplicationGroups"][0]["ARN"])
    told = aws.call("elasticache", "list_tags_for_resource", ResourceName=arn)

    def put(given: Mapping[str, str]) -> None:
        aws.call("elasticache", "add_tags_to_resource", ResourceName=arn, Tags=tags.pairs(given))

    def remove(keys: list[str]) -> None:
        aws.call("elasticache", "remove_tags_from_resource", ResourceName=arn, TagKeys=keys)

    return Named(tags.read(told.get("TagList")), redis.Redises(), put, remove)


def _classic(context: Context, wanted: Spec) -> Named | None:
    aws, name = context.aws, load_balancer_name(context.stack.name, wanted.name)
    try:
        told = aws.call("elb", "describe_tags", LoadBalancerNames=[name])
    except AwsError as error:
        if error.code in classic_balancer.GONE:
            return None
        raise

    def put(given: Mapping[str, str]) -> None:
        aws.call("elb", "add_tags", LoadBalancerNames=[name], Tags=tags.pairs(given))

    def remove(keys: list[str]) -> None:
        given = [{"Key": key} for key in keys]
        aws.call("elb", "remove_tags", LoadBalancerNames=[name], Tags=given)

    return Named(_read(told), LoadBalancers(), put, remove)


def _alb(context: Context, wanted: Spec) -> Named | None:
    aws, name = context.aws, load_balancer_name(context.stack.name, wanted.name)
    try:
        answer = aws.call("elbv2", "describe_load_balancers", Names=[name])
    except AwsError as error:
        if error.code == "LoadBalancerNotFound":
            return None
        raise
    arns = [str(answer["LoadBalancers"][0]["LoadBalancerArn"])]
    told = aws.call("elbv2", "describe_tags", ResourceArns=arns)
    try:
        groups = aws.call("elbv2", "describe_target_groups", Names=[name])["TargetGroups"]
        arns += [str(one["TargetGroupArn"]) for one in groups]
    except AwsError as error:
        if error.code != "TargetGroupNotFound":
            raise

    def put(given: Mapping[str, str]) -> None:
        aws.call("elbv2", "add_tags", ResourceArns=arns, Tags=tags.pairs(given))

    def remove(keys: list[str]) -> None:
        aws.call("elbv2", "remove_tags", ResourceArns=arns, TagKeys=keys)

    return Named(_read(told), LoadBalancers(), put, remove)


def _read(told: Mapping[str, object]) -> dict[str, str]:
    found = told.get("TagDescriptions")
    return tags.read(found[0].get("Tags")) if isinstance(found, list) and found else {}
