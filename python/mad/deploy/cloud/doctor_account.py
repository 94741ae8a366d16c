"""What `doctor` asks AWS: who we are, what we may do, and what is free."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mad.deploy.cloud import errors, names, tags
from mad.deploy.cloud.checks import Check, fail, ok, warn
from mad.deploy.cloud.policy import addition, document
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import Surroundings
from mad.deploy.stack.settings import Role, Stack

SKEW_S = 60.0
"""Of the clock; AWS refuses signatures that are older than five minutes."""
LIMIT_S = 240.0
_STANDARD = ("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z")
"""Families that quota L-1216C47A counts together."""

_DENIED = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "403")


def denied(error: AwsError) -> bool:
    """Whether the identity is known, and must not."""
    return error.code in _DENIED or "is not authorized to perform" in error.message


def refused(name: str, error: AwsError, *, sure: bool = True) -> Check:
    """The failed call as a check; without `sure` it may work the next time."""
    said = errors.explain(error)
    return (fail if sure else warn)(name, said.sentence, said.remedy)


def clock(aws: Aws, now: datetime | None = None) -> Check:
    """Ours against AWS's."""
    answer = aws.call("sts", "get_caller_identity")
    said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if not said:
        return warn("clock", "AWS did not say what time it is", "see that this clock is right")
    skew = ((now or datetime.now(UTC)) - parsedate_to_datetime(said)).total_seconds()
    sentence = f"this clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} AWS's"
    remedy = "set it: timedatectl set-ntp true"
    if abs(skew) > LIMIT_S:
        return fail("clock", f"{sentence}; signatures are refused", remedy)
    return warn("clock", sentence, remedy) if abs(skew) > SKEW_S else ok("clock", "right")


def region(aws: Aws) -> Check:
    """Whether the account may use it."""
    answer = aws.call("ec2", "describe_regions", RegionNames=[aws.region], AllRegions=True)
    for found in answer.get("Regions", ()):
        if found.get("OptInStatus") == "not-opted-in":
            return fail(
                "region",
                f"{aws.region} is not enabled for the account",
                "enable it: aws account enable-region --region-name " + aws.region,
            )
    return ok("region", aws.region)


def permissions(aws: Aws, stack: Stack, around: Surroundings) -> Iterator[Check]:
    """The writes that a first `up` begins with, asked by `DryRun`, and one read of each service
    that has none."""
    ours = tags.pairs({tags.STACK: stack.name})

    def tagged(*kinds: str) -> list[dict[str, object]]:
        return [{"ResourceType": kind, "Tags": ours} for kind in kinds]

    machines = stack.machines(Role.API_LB)
    architecture = around.architectures.get(machines.type, "amd64")
    image = around.newest_images.get(f"{machines.image}/{architecture}", machines.image)
    subnet = next((zone.subnet for zone in around.zones if zone.subnet), None)
    if image.startswith("ami-"):
        yield _dry(
            aws,
            stack,
            "run_instances",
            ImageId=image,
            InstanceType=machines.type,
            MinCount=1,
            MaxCount=1,
            TagSpecifications=tagged("instance", "volume", "network-interface"),
            **({"SubnetId": subnet} if subnet else {}),
        )
    yield _dry(
        aws,
        stack,
        "create_security_group",
        GroupName=f"mad-{stack.name}-doctor",
        Description="asked, never made",
        TagSpecifications=tagged("security-group"),
        **({"VpcId": around.vpc} if around.vpc else {}),
    )
    yield _dry(
        aws,
        stack,
        "import_key_pair",
        KeyName=f"mad-{stack.name}-lock",
        PublicKeyMaterial=_SOME_KEY,
        TagSpecifications=tagged("key-pair"),
    )
    yield _dry(
        aws,
        stack,
        "allocate_address",
        Domain="vpc",
        TagSpecifications=tagged("elastic-ip"),
    )
    yield from _reads(aws, stack)


# Of a pair that nobody kept: even a `DryRun` wants a whole key.
_SOME_KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0rGpVR7bFgyfpJxVz0RAFqo+vFXQ1j+oP5eMGcrPwU"


def _action(operation: str) -> str:
    return "ec2:" + "".join(word.title() for word in operation.split("_"))


def _dry(aws: Aws, stack: Stack, operation: str, **parameters: object) -> Check:
    action = _action(operation)
    name = f"permission {action}"
    try:
        aws.call("ec2", operation, DryRun=True, **parameters)
    except AwsError as error:
        if error.code == "DryRunOperation" or "Duplicate" in error.code:
            return ok(name, "allowed")
        if denied(error):
            return _missing(name, action, stack)
        if error.code in ("VPCIdNotSpecified", "MissingInput"):
            return ok(name, "not asked: there is no VPC yet")
        return refused(name, error, sure=False)
    return ok(name, "allowed")


def _missing(name: str, action: str, stack: Stack) -> Check:
    remedy = f"attach the policy that `mad deploy iam-policy` prints for {stack.name}"
    if action.startswith("ssm:"):
        remedy += (
            "; where AmazonEC2FullAccess and AmazonElastiCacheFullAccess are attached, "
            f"this adds what they lack:\n{document(addition(stack))}"
        )
    return fail(name, f"{action} is not allowed", remedy)


def _reads(aws: Aws, stack: Stack) -> Iterator[Check]:
    wanted: list[tuple[str, str, str, dict[str, object]]] = [
        (
            "ssm:GetParametersByPath",
            "ssm",
            "get_parameters_by_path",
            {"Path": f"/mad/{stack.name}", "MaxResults": 1},
        )
    ]
    if stack.web.machines.count and stack.web.lb == "classic":
        action = "elasticloadbalancing:DescribeLoadBalancers"
        wanted.append((action, "elb", "describe_load_balancers", {"PageSize": 1}))
    elif stack.web.machines.count:
        action = "elasticloadbalancing:DescribeLoadBalancers"
        wanted.append((action, "elbv2", "describe_load_balancers", {"PageSize": 1}))
    if stack.redis.url is None:
        group = {"ReplicationGroupId": names.stack_name(stack.name)}
        action = "elasticache:DescribeReplicationGroups"
        wanted.append((action, "elasticache", "describe_replication_groups", dict(group)))
    if stack.lock_bucket:
        place = {"Bucket": stack.lock_bucket, "Key": f"mad/{stack.name}/lock.json"}
        wanted.append(("s3:GetObject", "s3", "get_object", dict(place)))
    for action, service, operation, parameters in wanted:
        name = f"permission {action}"
        try:
            aws.call(service, operation, **parameters)
        except AwsError as error:
            if denied(error):
                yield _missing(name, action, stack)
                continue
            if error.code == "NoSuchBucket":
                yield fail(
                    name,
                    f"there is no bucket {stack.lock_bucket}",
                    "make it, or remove `bucket` below [lock] in the stack file",
                )
                continue
            if "NotFound" not in error.code and error.code not in ("NoSuchKey", "404"):
                yield refused(name, error, sure=False)
                continue
        yield ok(name, "allowed")


def elastic_ips(aws: Aws, stack: Stack) -> Check:
    """Those of the region's limit that are free, against those still to be made."""
    answer = aws.call("ec2", "describe_account_attributes", AttributeNames=["vpc-max-elastic-ips"])
    limit = next(
        (
            int(value["AttributeValue"])
            for attribute in answer.get("AccountAttributes", ())
            if attribute.get("AttributeName") == "vpc-max-elastic-ips"
            for value in attribute.get("AttributeValues", ())
        ),
        5,
    )
    used = aws.call("ec2", "describe_addresses").get("Addresses", [])
    own = sum(tags.read(one.get("Tags")).get(tags.STACK) == stack.name for one in used)
    needed = max(0, stack.machines(Role.API_LB).count - own)
    sentence = f"{len(used)} of {limit} in use in {aws.region}, {needed} more needed"
    if needed > limit - len(used):
        return fail(
            "elastic IPs",
            sentence,
            "release one that serves nobody, or ask for more: Service Quotas, EC2, L-0263D0A3",
        )
    return ok("elastic IPs", sentence)


def vcpus(aws: Aws, stack: Stack) -> Check:
    """The quota of running standard machines, against those that run and those to be made."""
    types = {stack.machines(role).type for role in Role if stack.machines(role).count}
    running = [
        machine
        for reservation in aws.pages(
            "ec2",
            "describe_instances",
            "Reservations",
            Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}],
        )
        for machine in reservation.get("Instances", ())
    ]
    cores = {
        one["InstanceType"]: int(one.get("VCpuInfo", {}).get("DefaultVCpus", 2))
        for one in aws.pages(
            "ec2",
            "describe_instance_types",
            "InstanceTypes",
            InstanceTypes=sorted(types | {one["InstanceType"] for one in running}),
        )
    }
    have: dict[str, int] = {}
    used = 0
    for machine in running:
        kind = str(machine["InstanceType"])
        if _standard(kind):
            used += cores.get(kind, 2)
        found = tags.read(machine.get("Tags"))
        if found.get(tags.STACK) == stack.name and tags.ROLE in found:
            have[found[tags.ROLE]] = have.get(found[tags.ROLE], 0) + 1
    needed = sum(
        max(0, stack.machines(role).count - have.get(role.value, 0))
        * cores.get(stack.machines(role).type, 2)
        for role in Role
        if _standard(stack.machines(role).type)
    )
    try:
        quota = aws.call(
            "service-quotas", "get_service_quota", ServiceCode="ec2", QuotaCode="L-1216C47A"
        )
    except AwsError as error:
        return warn(
            "vCPUs",
            f"the quota is not known ({error.code}); {used} in use, {needed} more needed",
            "allow servicequotas:GetServiceQuota to have it checked",
        )
    limit = int(quota.get("Quota", {}).get("Value", 0))
    sentence = f"{used} of {limit} in use in {aws.region}, {needed} more needed"
    if used + needed > limit:
        return fail(
            "vCPUs", sentence, "fewer or smaller machines, or Service Quotas, EC2, L-1216C47A"
        )
    return ok("vCPUs", sentence)


def _standard(kind: str) -> bool:
    family = kind.partition(".")[0]
    letters = family[: next((i for i, one in enumerate(family) if one.isdigit()), len(family))]
    return letters in _STANDARD
