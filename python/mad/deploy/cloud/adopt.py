"""Takes what exists into a stack, by tagging it. Nothing else of it is changed: the next `up` does
that, and what could not be changed in place is refused here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from mad.deploy.cloud import instance_seen, tags
from mad.deploy.cloud.names import stack_name
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.security_group import SecurityGroups
from mad.deploy.cloud.session import AwsError
from mad.deploy.plan.desired import desired
from mad.deploy.plan.difference import difference
from mad.deploy.plan.model import Change, InstanceFacts
from mad.deploy.plan.specs import (
    Address,
    ElasticIpSpec,
    InstanceSpec,
    KeyPairSpec,
    Kind,
    SecurityGroupSpec,
    Spec,
)
from mad.deploy.stack.keys import read_public_key


class AdoptError(Exception):
    """It cannot be taken: why, and what to do."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class _Candidate:
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


def adopt(context: Context, address: Address, id: str) -> tuple[Change, ...]:
    """Puts the stack's tags on `id`, which then is `address`. Gives what the next `up` will change
    in place. Raises AdoptError, AwsError."""
    there = context.observed.at(address)
    if any(one.id == id for one in there):
        return ()
    if there:
        raise AdoptError(
            f"{address} is there already: {there[0].id}",
            "adopt into a free slot (a higher `count` makes one), or remove that one first",
        )
    wanted = _wanted(context, address)
    if address.kind not in _LOOKS:
        raise AdoptError(f"{address} cannot be adopted", _INSTEAD[address.kind])
    try:
        candidate = _LOOKS[address.kind](context, wanted, id)
    except AwsError as error:
        if "NotFound" in error.code or "Malformed" in error.code:
            candidate = None
        else:
            raise
    if candidate is None:
        raise AdoptError(
            f"there is no {address.kind} {id} in {context.aws.region}",
            "check the id, and `region` in the stack file",
        )
    _check_owner(context, candidate, address)
    if isinstance(wanted, InstanceSpec) and isinstance(candidate.spec, InstanceSpec):
        # A slot's zone is chosen once: here it is the machine's own.
        wanted = replace(wanted, zone=candidate.spec.zone)
    diff = difference(candidate.spec, wanted)
    if diff.replaces or candidate.why_not:
        fixed = {one.name for one in fields(wanted) if one.metadata.get("frozen")}
        said = [
            f"its {one.field} is {one.before}, not {one.after}"
            for one in diff.changes
            if one.field in fixed
        ]
        raise AdoptError(
            f"{id} cannot become {address}: {'; '.join([*candidate.why_not, *said])}",
            "these cannot be changed in place: change the stack file to what it has, or let `up` "
            "make a new one",
        )
    context.aws.call(
        "ec2",
        "create_tags",
        Resources=[candidate.id, *candidate.also],
        # The hash of what it is: a difference is then a change of ours and not drift.
        Tags=tags.pairs(context.tags_of(candidate.spec, candidate.extra)),
    )
    if address.kind == Kind.SECURITY_GROUP:
        # Its rules are read where they are known by now.
        seen = [one for one in SecurityGroups().observe(context.aws, context.stack) if one.id == id]
        return difference(seen[0].spec, wanted).changes if seen else ()
    return diff.changes


def _wanted(context: Context, address: Address) -> Spec:
    wanted = desired(context.stack, context.observed, read_public_key(context.stack))
    for spec in wanted:
        if spec.address == address:
            return spec
    known = ", ".join(str(one.address) for one in wanted if one.kind == address.kind)
    raise AdoptError(
        f"the stack has no {address}",
        f"it has {known}" if known else f"it has no {address.kind} at all: see the stack file",
    )


def _check_owner(context: Context, candidate: _Candidate, address: Address) -> None:
    owner = candidate.given.get(tags.STACK)
    if owner == context.stack.name and candidate.given.get(tags.SLOT):
        raise AdoptError(
            f"{candidate.id} is {address.kind}.{candidate.given[tags.SLOT]} of this stack already",
            "adopt another one",
        )
    if owner and owner != context.stack.name:
        raise AdoptError(
            f"{candidate.id} belongs to the stack {owner} (tag {tags.STACK})",
            "remove it from there first, or take the tag off by hand",
        )


def _instance(context: Context, wanted: Spec, id: str) -> _Candidate | None:
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
    return _Candidate(
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


def _security_group(context: Context, wanted: Spec, id: str) -> _Candidate | None:
    """Its name cannot be changed and need not be: groups are found by their tags."""
    assert isinstance(wanted, SecurityGroupSpec)
    one = _one(context, "describe_security_groups", "SecurityGroups", GroupIds=[id])
    if one is None:
        return None
    why_not = _wrong_vpc(context, one)
    if one.get("GroupName") == "default":
        why_not.append("it is the default group of its VPC, which AWS keeps for good")
    return _Candidate(
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


def _key_pair(context: Context, wanted: Spec, id: str) -> _Candidate | None:
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
    return _Candidate(
        spec=replace(wanted, public_key=_body(one)),
        id=str(one["KeyPairId"]),
        given=tags.read(one.get("Tags")),
        why_not=()
        if one["KeyName"] == name
        else (f"its name is {one['KeyName']}, not {name}, by which machines are launched",),
    )


def _elastic_ip(context: Context, wanted: Spec, id: str) -> _Candidate | None:
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
    return _Candidate(
        spec=replace(wanted, instance=slots.get(holder, holder) if holder else None),
        id=str(one["AllocationId"]),
        given=tags.read(one.get("Tags")),
        why_not=tuple(why_not),
    )


_LOOKS: Mapping[Kind, Callable[[Context, Spec, str], _Candidate | None]] = {
    Kind.INSTANCE: _instance,
    Kind.SECURITY_GROUP: _security_group,
    Kind.KEY_PAIR: _key_pair,
    Kind.ELASTIC_IP: _elastic_ip,
}

_OURS_ALONE = "it is part of a network of our own: name a VPC that exists as `vpc` under [network]"
_INSTEAD: Mapping[Kind, str] = {
    Kind.VPC: 'set `vpc = "vpc-…"` under [network] to use one that exists',
    Kind.GATEWAY: _OURS_ALONE,
    Kind.ROUTES: _OURS_ALONE,
    Kind.SUBNET: _OURS_ALONE,
    Kind.SECRET: "write its value as the parameter /mad/<stack>/<name> before the first `up`",
    Kind.CACHE_SUBNETS: "`up` makes one beside any other; it costs nothing",
    Kind.REDIS: "set `url` under [redis] to use one that exists",
    Kind.LOAD_BALANCER: "let `up` make one and move the name under `domain` to it",
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
