"""What `doctor` holds the stack against: the network, the offers, the images, names in use."""

from __future__ import annotations

from collections.abc import Iterator

from mad.deploy.cloud import names, tags
from mad.deploy.cloud.checks import Check, fail, ok
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import Surroundings
from mad.deploy.stack.settings import Role, Stack


def network(stack: Stack, around: Surroundings) -> Check:
    """Where machines will go; that they can is known by then."""
    where = ", ".join(zone.name for zone in around.zones)
    own = stack.network.vpc == "own"
    return ok("network", f"{'a VPC of its own' if own else around.vpc} in {where}")


def instance_types(stack: Stack, around: Surroundings) -> Iterator[Check]:
    zones = {zone.name for zone in around.zones}
    for kind in sorted(_types(stack)):
        offered = around.offered.get(kind, frozenset()) & zones
        roles = ", ".join(role for role in Role if stack.machines(role).type == kind)
        name = f"instance type {kind}"
        architecture = around.architectures.get(kind)
        if architecture is None:
            yield fail(
                name,
                f"there is no {kind} in {around.region}",
                f"write another type below [{roles.partition(',')[0]}]",
            )
        elif not offered:
            yield fail(
                name,
                f"none of the zones {', '.join(sorted(zones))} has {kind} ({roles})",
                "write another type, or name a VPC with subnets in other zones",
            )
        else:
            yield ok(name, f"{architecture}, in {', '.join(sorted(offered))}")


def images(aws: Aws, stack: Stack, around: Surroundings) -> Iterator[Check]:
    wanted = {
        (machines.image, around.architectures[machines.type])
        for role in Role
        if (machines := stack.machines(role)).count and machines.type in around.architectures
    }
    for image, architecture in sorted(wanted):
        if image.startswith("ami-"):
            yield _own_image(aws, image, architecture)
            continue
        found = around.newest_images.get(f"{image}/{architecture}")
        if found is None:
            yield fail(
                f"image {image}",
                f"there is no {image} for {architecture} in {around.region}",
                "write another image, or an instance type of another architecture",
            )
        else:
            yield ok(f"image {image}", f"{found} for {architecture}")


def _own_image(aws: Aws, image: str, architecture: str) -> Check:
    """One that the stack file names by its id."""
    name = f"image {image}"
    found = aws.call("ec2", "describe_images", ImageIds=[image]).get("Images", ())
    made_for = {"x86_64": "amd64", "arm64": "arm64"}
    for one in found:
        real = made_for.get(str(one.get("Architecture")), str(one.get("Architecture")))
        if real == architecture:
            return ok(name, f"{one.get('Name', 'it is there')}, for {architecture}")
        return fail(
            name,
            f"{image} is for {real}, the machines are {architecture}",
            "write an image or an instance type of the same architecture",
        )
    return fail(name, f"there is no {image} in {aws.region}", "images differ by region")


def _types(stack: Stack) -> frozenset[str]:
    return frozenset(stack.machines(role).type for role in Role if stack.machines(role).count)


def collisions(aws: Aws, stack: Stack) -> Iterator[Check]:
    """Names that are unique at AWS, ours, and on something that is not the stack's."""
    found = [
        *_key_pairs(aws, stack),
        *_groups(aws, stack),
        *_caches(aws, stack),
        *_balancers(aws, stack),
    ]
    if not found:
        yield ok("names", f"nobody else's begin with mad-{stack.name}")
    for what in found:
        yield fail(
            "names",
            f"{what} is there already and does not carry the stack's tags",
            "rename or remove it, or give the stack another name",
        )


def _key_pairs(aws: Aws, stack: Stack) -> Iterator[str]:
    name = f"mad-{stack.name}"
    answer = aws.call("ec2", "describe_key_pairs", Filters=[{"Name": "key-name", "Values": [name]}])
    for pair in answer.get("KeyPairs", ()):
        if not _ours(pair.get("Tags"), stack):
            yield f"the key pair {name}"


def _groups(aws: Aws, stack: Stack) -> Iterator[str]:
    filters = [{"Name": "group-name", "Values": [f"mad-{stack.name}-*"]}]
    ours = {
        names.group_name(stack.name, group)
        for group in ("api", "api_lb", "client", "web", "redis", "web_lb")
    }
    for group in aws.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=filters):
        if group["GroupName"] in ours and not _ours(group.get("Tags"), stack):
            yield f"the security group {group['GroupName']} ({group['GroupId']})"


def _caches(aws: Aws, stack: Stack) -> Iterator[str]:
    if stack.redis.url is not None:
        return
    name = f"mad-{stack.name}"
    for what, operation, key, items in (
        (
            "replication group",
            "describe_replication_groups",
            "ReplicationGroupId",
            "ReplicationGroups",
        ),
        (
            "cache subnet group",
            "describe_cache_subnet_groups",
            "CacheSubnetGroupName",
            "CacheSubnetGroups",
        ),
    ):
        try:
            answer = aws.call("elasticache", operation, **{key: name})
        except AwsError as error:
            if "NotFound" in error.code:
                continue
            raise
        for one in answer.get(items, ()):
            found = aws.call("elasticache", "list_tags_for_resource", ResourceName=one["ARN"])
            if not _ours(found.get("TagList"), stack):
                yield f"the {what} {name}"


def _balancers(aws: Aws, stack: Stack) -> Iterator[str]:
    if not stack.web.machines.count:
        return
    name = names.load_balancer_name(stack.name, "web")
    classic = stack.web.lb == "classic"
    try:
        if classic:
            aws.call("elb", "describe_load_balancers", LoadBalancerNames=[name])
            described = aws.call("elb", "describe_tags", LoadBalancerNames=[name])
        else:
            found = aws.call("elbv2", "describe_load_balancers", Names=[name])
            arns = [one["LoadBalancerArn"] for one in found.get("LoadBalancers", ())]
            described = aws.call("elbv2", "describe_tags", ResourceArns=arns) if arns else {}
    except AwsError as error:
        if "NotFound" in error.code:
            return
        raise
    for one in described.get("TagDescriptions", ()):
        if not _ours(one.get("Tags"), stack):
            yield f"the load balancer {name}"


def _ours(given: list[dict[str, str]] | None, stack: Stack) -> bool:
    return tags.read(given).get(tags.STACK) == stack.name
