"""What is not ours and still matters: the VPC, its subnets, what zones offer, today's images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.desired import OWN_ZONES
from mad.deploy.plan.model import Surroundings, Zone
from mad.deploy.stack.settings import Stack

IMAGES: Mapping[str, tuple[str, ...]] = {
    "ubuntu-24.04": (
        "/aws/service/canonical/ubuntu/server/24.04/stable/current/{arch}/hvm/ebs-gp3/ami-id",
    ),
    # Older series are not sure to be there as gp3; the disk is gp3 all the same, we say so.
    "ubuntu-22.04": (
        "/aws/service/canonical/ubuntu/server/22.04/stable/current/{arch}/hvm/ebs-gp3/ami-id",
        "/aws/service/canonical/ubuntu/server/22.04/stable/current/{arch}/hvm/ebs-gp2/ami-id",
    ),
    "debian-12": ("/aws/service/debian/release/12/latest/{arch}",),
    "debian-13": ("/aws/service/debian/release/13/latest/{arch}",),
    "al2023": ("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{amazon_arch}",),
}
"""The public SSM parameters of each system, the first that exists counts."""

_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
_AMAZON = {"amd64": "x86_64", "arm64": "arm64"}


def look(
    aws: Aws,
    stack: Stack,
    *,
    for_types: Iterable[str] = (),
    for_images: Iterable[str] = (),
    own_zones: Iterable[str] = (),
) -> Surroundings:
    """One look, with what is asked for: types of machines (two calls), and today's images of
    systems, for the architectures of those types. `own_zones` are the zones of our own VPC's
    subnets, when there are some. Raises AwsError."""
    types = sorted(set(for_types))
    vpc, left = None, False
    if stack.network.vpc == "own":
        zones = _zones_for_own(aws, own_zones)
    else:
        # All of them in one call: those of the VPC, and ours if the stack had `vpc = "own"` before.
        subnets = aws.pages("ec2", "describe_subnets", "Subnets")
        vpc = _vpc(aws, stack.network.vpc, subnets)
        zones = _zones_of(vpc, subnets)
        left = any(tags.read(one.get("Tags")).get(tags.STACK) == stack.name for one in subnets)
    architectures = _types(aws, types)
    images = {
        f"{system}/{arch}": image
        for system in sorted(set(for_images) & IMAGES.keys())
        for arch in sorted(set(architectures.values()))
        if (image := image_of(aws, system, arch))
    }
    return Surroundings(
        account=aws.identity().account,
        region=aws.region,
        vpc=vpc,
        zones=zones,
        own_network_left=left,
        offered=_offers(aws, types),
        newest_images=images,
        architectures=architectures,
    )


def create_default_vpc(aws: Aws) -> str:
    """For those who ask for it by name (`--create-default-vpc`)."""
    return str(aws.call("ec2", "create_default_vpc")["Vpc"]["VpcId"])


def image_of(aws: Aws, system: str, arch: str) -> str | None:
    """The id of today's image of a system; None where the region has none."""
    names = [one.format(arch=arch, amazon_arch=_AMAZON.get(arch, arch)) for one in IMAGES[system]]
    answer = aws.call("ssm", "get_parameters", Names=names)
    values = {one["Name"]: one["Value"] for one in answer.get("Parameters", ())}
    return next((str(values[name]) for name in names if name in values), None)


def _vpc(aws: Aws, wanted: str, subnets: Iterable[Mapping[str, Any]]) -> str:
    """Its id. A VPC that has subnets needs no call of its own."""
    for one in subnets:
        if one.get("DefaultForAz") if wanted == "default" else one["VpcId"] == wanted:
            return str(one["VpcId"])
    if wanted == "default":
        found = aws.pages(
            "ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "is-default", "Values": ["true"]}]
        )
        if not found:
            raise AwsError("ec2", "DescribeVpcs", "NoDefaultVpc", f"none in {aws.region}")
    else:
        found = aws.pages("ec2", "describe_vpcs", "Vpcs", VpcIds=[wanted])
    return str(found[0]["VpcId"])


def _zones_of(vpc: str, subnets: Iterable[Mapping[str, Any]]) -> tuple[Zone, ...]:
    """One subnet of each zone: the zone's default, else the first that gives public addresses."""
    best: dict[str, Mapping[str, Any]] = {}

    def rank(one: Mapping[str, Any]) -> tuple[bool, bool, str]:
        default = bool(one.get("DefaultForAz"))
        return not default, not one.get("MapPublicIpOnLaunch"), str(one["SubnetId"])

    for one in sorted((one for one in subnets if one["VpcId"] == vpc), key=rank):
        best.setdefault(one["AvailabilityZone"], one)
    if not best:
        raise AwsError("ec2", "DescribeSubnets", "NoSubnets", vpc)
    return tuple(Zone(name, str(best[name]["SubnetId"])) for name in sorted(best))


def _zones_for_own(aws: Aws, known: Iterable[str]) -> tuple[Zone, ...]:
    """Where our own VPC has subnets; while it has too few, with the others of the region after."""
    names = sorted(set(known))
    if len(names) < OWN_ZONES:
        zones = aws.call(
            "ec2",
            "describe_availability_zones",
            Filters=[
                {"Name": "zone-type", "Values": ["availability-zone"]},
                {"Name": "state", "Values": ["available"]},
            ],
        )["AvailabilityZones"]
        names += sorted({str(one["ZoneName"]) for one in zones} - set(names))
    return tuple(Zone(name, None) for name in names)


def _offers(aws: Aws, types: list[str]) -> dict[str, frozenset[str]]:
    if not types:
        return {}
    offers = aws.pages(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": types}],
    )
    return {
        type: frozenset(str(one["Location"]) for one in offers if one["InstanceType"] == type)
        for type in types
    }


def _types(aws: Aws, types: list[str]) -> dict[str, str]:
    if not types:
        return {}
    known = aws.pages("ec2", "describe_instance_types", "InstanceTypes", InstanceTypes=types)
    return {
        str(one["InstanceType"]): next(
            (
                _ARCHITECTURES[arch]
                for arch in one["ProcessorInfo"]["SupportedArchitectures"]
                if arch in _ARCHITECTURES
            ),
            "amd64",
        )
        for one in known
    }
