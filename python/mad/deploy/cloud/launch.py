"""One machine is one `run_instances` call: its parameters, and the token that makes the call safe
to repeat."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import AwsError
from mad.deploy.plan.model import Zone
from mad.deploy.plan.specs import Address, InstanceSpec, Kind

ELSEWHERE = ("InsufficientInstanceCapacity", "InsufficientHostCapacity", "Unsupported")
"""What one zone says while another may have room."""
_MORE_TOKENS = 2


def zones(context: Context, spec: InstanceSpec) -> Sequence[tuple[str, str]]:
    """Zones to try with the subnet in each: the wished one first, then the others that offer the
    type and have a subnet."""
    around = context.observed.surroundings
    offered = around.offered.get(spec.type)

    def subnet(zone: Zone) -> str | None:
        return zone.subnet or context.ids.get(Address(Kind.SUBNET, zone.name[-1]))

    others = [
        zone
        for zone in around.zones
        if zone.name != spec.zone and (offered is None or zone.name in offered)
    ]
    first = [zone for zone in around.zones if zone.name == spec.zone]
    found = [(zone.name, there) for zone in (*first, *others) if (there := subnet(zone))]
    if not found:
        raise AwsError(
            "ec2",
            "RunInstances",
            "InvalidSubnetID.NotFound",
            f"no zone of {around.region} has a subnet for {spec.address}",
        )
    return found


def image_id(context: Context, spec: InstanceSpec) -> str:
    """The image of today for what the stack asks for."""
    if spec.image.startswith("ami-"):
        return spec.image
    around = context.observed.surroundings
    arch = around.architectures.get(spec.type)
    if arch is None:
        raise AwsError(
            "ec2",
            "RunInstances",
            "InvalidInstanceType",
            f"it is not known what architecture {spec.type} has in {around.region}",
        )
    image = around.newest_images.get(f"{spec.image}/{arch}")
    if image is None:
        raise AwsError(
            "ec2",
            "RunInstances",
            "InvalidAMIID.NotFound",
            f"there is no image of {spec.image} for {arch} in {around.region}",
        )
    return image


def parameters(
    context: Context,
    spec: InstanceSpec,
    *,
    subnet: str,
    ami: str,
    root_device: str,
    key_name: str,
) -> dict[str, Any]:
    """All but user data, host key and token: what the token is made of."""
    launch: dict[str, Any] = {
        "ImageId": ami,
        "InstanceType": spec.type,
        "MinCount": 1,
        "MaxCount": 1,
        "KeyName": key_name,
        "MetadataOptions": metadata(spec),
        "BlockDeviceMappings": [
            {
                "DeviceName": root_device,
                "Ebs": {
                    "VolumeType": "gp3",
                    "VolumeSize": spec.disk_gib,
                    "Encrypted": spec.encrypted,
                    "DeleteOnTermination": True,
                },
            }
        ],
        # The groups go inside the interface as soon as one is named.
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": subnet,
                "Groups": group_ids(context, spec),
                "AssociatePublicIpAddress": spec.public_address,
                "DeleteOnTermination": True,
            }
        ],
    }
    if spec.type.startswith("t") and spec.type[1:2].isdigit():
        # `unlimited`, the default of t3 and later, may cost without a word.
        launch["CreditSpecification"] = {"CpuCredits": "standard"}
    return launch


def token(stack: str, slot: str, launch: Mapping[str, Any], lease: str, attempt: int = 0) -> str:
    """Up to 64 characters: the same for a call that is repeated within one run, another for every
    other run, zone, image or attempt."""
    wish = hashlib.sha256(json.dumps(launch, sort_keys=True).encode()).hexdigest()
    parts = [stack, slot, wish, lease, *([str(attempt)] if attempt else [])]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:64]


def launch_tags(context: Context, spec: InstanceSpec, ami: str) -> dict[str, str]:
    """What the machine, its disk and its interface carry from their first moment."""
    return context.tags_of(
        spec,
        {
            tags.IMAGE: spec.image,
            tags.PUBLIC: "yes" if spec.public_address else "no",
            tags.AMI: ami,
        },
    )


def run(
    context: Context,
    spec: InstanceSpec,
    wish: Mapping[str, Any],
    *,
    user_data: str,
    given: Mapping[str, str],
) -> str:
    """The call itself. A token whose machine has ended meanwhile is followed by another."""
    for attempt in count():
        try:
            answer = context.aws.call(
                "ec2",
                "run_instances",
                **wish,
                UserData=user_data,
                ClientToken=token(context.stack.name, spec.name, wish, context.lease, attempt),
                TagSpecifications=[
                    {"ResourceType": kind, "Tags": tags.pairs(given)}
                    for kind in ("instance", "volume", "network-interface")
                ],
            )
            break
        except AwsError as error:
            if error.code != "IdempotentInstanceTerminated" or attempt >= _MORE_TOKENS:
                raise
    id = str(answer["Instances"][0]["InstanceId"])
    context.aws.made(id)
    return id


def metadata(spec: InstanceSpec) -> dict[str, Any]:
    """How the machine reaches what EC2 knows of it."""
    return {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required" if spec.imds_tokens else "optional",
        "HttpPutResponseHopLimit": spec.imds_hops,
        "InstanceMetadataTags": "enabled",
    }


def group_ids(context: Context, spec: InstanceSpec) -> list[str]:
    """The ids of its security groups."""
    ids = []
    for name in sorted(spec.groups):
        address = Address(Kind.SECURITY_GROUP, name)
        if address not in context.ids:
            raise AwsError(
                "ec2",
                "RunInstances",
                "InvalidGroup.NotFound",
                f"{spec.address} needs {address}, which is not there",
            )
        ids.append(context.ids[address])
    return sorted(ids)
