"""What adopting reads of EC2: a machine, a group, a key pair or an address as if it were ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mad.deploy.cloud import instance_seen, tags
from mad.deploy.cloud.names import stack_name
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import AwsError
from mad.deploy.plan.model import InstanceFacts
from mad.deploy.plan.specs import (
    ElasticIpSpec,
    InstanceSpec,
    KeyPairSpec,
    Kind,
    SecurityGroupSpec,
    Spec,
)
from mad.deploy.stack.keys import read_public_key


@dataclass(frozen=True, slots=True)
class Candidate:
    """What was named, read as if it were ours."""

    spec: Spec
    id: str
    given: Mapping[str, str]
    """The tags on it."""
    also: tuple[str, ...] = ()
    """What belongs to it and is tagged with it: the disk of a machine."""
    extra: Mapping[str, str] = field(default_factory=dict)
    why_not: tuple[str, ...] = ()
    """What no field tells, each as `its … is …`."""


def _instance(context: Context, wanted: Spec, id: str) -> Candidate | None:
    assert isinstance(wanted, InstanceSpec)
    one = _one(context, "describe_instances", "Reservations", InstanceIds=[id])
    one = one["Instances"][0] if one else None
    if one is None or one["State"]["Name"] not in instance_seen.ALIVE:
        return None
    (found,) = instance_seen.read(context.aws, context.stack, [one], [])
    spec, facts = found.spec, found.facts
    assert isinstance(spec, InstanceSpec)
    assert isinstance(facts, InstanceFacts)
    why_not = _wrong_vpc(context, one)
    if spec.zone not in {zone.name for zone in context.observed.surroundings.zones}:
        why_not.append(f"its zone {spec.zone} has no subnet of the stack")
    if facts.state != "running":
        why_not.append(f"its state is {facts.state}: start it first")
    image = wanted.image if _is_of(context, str(one["ImageId"]), wanted.image) else spec.image
    same_key = spec.key == "main" or _same_key(context, spec.key)
    disk = instance_seen.root_disk(one)
    interfaces = [str(each["NetworkInterfaceId"]) for each in one.get("NetworkInterfaces", ())]
    return Candidate(
        spec=replace(
            spec,
            name=wanted.name,
            role=wanted.role,
            image=image,
            key="main" if same_key else spec.key,
        ),
        id=id,
        given=tags.read(one.get("Tags")),
        also=(*([disk] if disk else []), *interfaces),
        extra={
            tags.IMAGE: wanted.image,
            tags.PUBLIC: "yes" if spec.public_address else "no",
            tags.AMI: str(one["ImageId"]),
            **({tags.KEY: "main"} if same_key and one.get("KeyName") != _key_name(context) else {}),
        },
        why_not=tuple(why_not),
    )


_NAMES = {
    "ubuntu": r"(.*/)?ubuntu-[a-z]+-{version}-.*",
    "debian": r"debian-{version}-.*",
    "al2023": r"al2023-ami-.*",
}
"""What the makers of the images call them."""


def _is_of(context: Context, ami: str, system: str) -> bool:
    """Whether an image is one of the system that the stack asks for."""
    if system.startswith("ami-") or ami == system:
        return ami == system
    if ami in context.observed.surroundings.newest_images.values():
        newest = context.observed.surroundings.newest_images
        return any(ami == one for name, one in newest.items() if name.startswith(f"{system}/"))
    try:
        image = _one(context, "describe_images", "Images", ImageIds=[ami])
    except AwsError as error:
        if "InvalidAMIID" in error.code:
            return False
        raise
    family, _, version = system.partition("-")
    pattern = _NAMES[family].replace("{version}", re.escape(version))
    return image is not None and re.fullmatch(pattern, str(image.get("Name") or "")) is not None


def _same_key(context: Context, name: str) -> bool:
    """Whether a key pair of another name is the stack's key."""
    if not name:
        return False
    pair = _one(
        context,
        "describe_key_pairs",
        "KeyPairs",
        IncludePublicKey=True,
        Filters=[{"Name": "key-name", "Values": [name]}],
    )
    return pair is not None and _body(pair) == read_public_key(context.stack)


def _security_group(context: Context, wanted: Spec, id: str) -> Candidate | None:
    """Its name cannot be changed and need not be: groups are found by their tags."""
    assert isinstance(wanted, SecurityGroupSpec)
    one = _one(context, "describe_security_groups", "SecurityGroups", GroupIds=[id])
    if one is None:
        return None
    why_not = _wrong_vpc(context, one)
    if one.get("GroupName") == "default":
        why_not.append("it is the default group of its VPC, which AWS keeps for good")
    return Candidate(
        spec=SecurityGroupSpec(
            name=wanted.name,
            description=str(one.get("Description") or ""),
            ingress=frozenset(),
            egress=frozenset(),
        ),
        id=id,
        given=tags.read(one.get("Tags")),
        why_not=tuple(why_not),
    )


def _key_pair(context: Context, wanted: Spec, id: str) -> Candidate | None:
    assert isinstance(wanted, KeyPairSpec)
    by = "key-pair-id" if id.startswith("key-") else "key-name"
    one = _one(
        context,
        "describe_key_pairs",
        "KeyPairs",
        IncludePublicKey=True,
        Filters=[{"Name": by, "Values": [id]}],
    )
    if one is None:
        return None
    name = _key_name(context)
    return Candidate(
        spec=replace(wanted, public_key=_body(one)),
        id=str(one["KeyPairId"]),
        given=tags.read(one.get("Tags")),
        why_not=()
        if one["KeyName"] == name
        else (f"its name is {one['KeyName']}, not {name}, by which machines are launched",),
    )


def _elastic_ip(context: Context, wanted: Spec, id: str) -> Candidate | None:
    assert isinstance(wanted, ElasticIpSpec)
    by = "allocation-id" if id.startswith("eipalloc-") else "public-ip"
    one = _one(context, "describe_addresses", "Addresses", Filters=[{"Name": by, "Values": [id]}])
    if one is None:
        return None
    if not one.get("AllocationId"):
        return None
    holder = one.get("InstanceId")
    slots = {found.id: found.spec.name for found in context.observed.of(Kind.INSTANCE)}
    why_not = []
    if not holder and one.get("AssociationId"):
        why_not.append(f"it is held by {one.get('NetworkInterfaceId')}, which is no machine's")
    return Candidate(
        spec=replace(wanted, instance=slots.get(holder, holder) if holder else None),
        id=str(one["AllocationId"]),
        given=tags.read(one.get("Tags")),
        why_not=tuple(why_not),
    )


LOOKS: Mapping[Kind, Callable[[Context, Spec, str], Candidate | None]] = {
    Kind.INSTANCE: _instance,
    Kind.SECURITY_GROUP: _security_group,
    Kind.KEY_PAIR: _key_pair,
    Kind.ELASTIC_IP: _elastic_ip,
}


def _one(context: Context, operation: str, key: str, **how: Any) -> dict[str, Any] | None:
    found = context.aws.pages("ec2", operation, key, **how)
    return dict(found[0]) if found else None


def _wrong_vpc(context: Context, one: Mapping[str, Any]) -> list[str]:
    own = [found.id for found in context.observed.of(Kind.VPC)]
    vpc = context.observed.surroundings.vpc or next(iter(own), None)
    there = one.get("VpcId")
    return [f"its VPC is {there}, not {vpc or 'one of our own'}"] if there != vpc else []


def _body(pair: Mapping[str, Any]) -> str:
    """Type and body of a public key, without its comment."""
    return " ".join(str(pair.get("PublicKey") or "").split()[:2])


def _key_name(context: Context) -> str:
    return stack_name(context.stack.name)
