"""Machines as EC2 describes them, read into specs and facts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.names import group_name, stack_name
from mad.deploy.cloud.session import Aws
from mad.deploy.plan.model import Found, InstanceFacts
from mad.deploy.plan.specs import InstanceSpec
from mad.deploy.stack.settings import Role, Stack

ALIVE = ("pending", "running", "stopping", "stopped")
_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
_ROLES = {role.value: role for role in Role}


def look(aws: Aws, stack: Stack) -> tuple[Found, ...]:
    """All machines of a stack that are not being terminated: two calls, however many they are."""
    mine = [{"Name": f"tag:{tags.STACK}", "Values": [stack.name]}]
    reservations = aws.pages(
        "ec2",
        "describe_instances",
        "Reservations",
        Filters=[*mine, {"Name": "instance-state-name", "Values": list(ALIVE)}],
    )
    instances = [one for group in reservations for one in group["Instances"]]
    volumes = aws.pages("ec2", "describe_volumes", "Volumes", Filters=mine) if instances else []
    return read(aws, stack, instances, volumes)


def read(
    aws: Aws,
    stack: Stack,
    instances: Sequence[Mapping[str, Any]],
    volumes: Iterable[Mapping[str, Any]],
) -> tuple[Found, ...]:
    """As specs and facts. Asks again only for disks whose tags do not show yet and for groups whose
    names do not tell what they are (adopted ones)."""
    disks = {str(one["VolumeId"]): one for one in volumes}
    missing = {id for one in instances if (id := root_disk(one)) and id not in disks}
    if missing:
        answer = aws.pages(
            "ec2",
            "describe_volumes",
            "Volumes",
            Filters=[{"Name": "volume-id", "Values": sorted(missing)}],
        )
        disks.update({str(one["VolumeId"]): one for one in answer})
    names = group_names(aws, stack, instances)
    return tuple(_found(stack, one, disks.get(root_disk(one) or ""), names) for one in instances)


def group_names(aws: Aws, stack: Stack, instances: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Our names of the groups that the machines are in, by id; the id itself of a stranger."""
    prefix = group_name(stack.name, "")
    seen = {
        str(group["GroupId"]): str(group.get("GroupName") or "")
        for one in instances
        for group in _groups(one)
    }
    names = {id: name.removeprefix(prefix) for id, name in seen.items() if name.startswith(prefix)}
    strange = sorted(seen.keys() - names.keys())
    if strange:
        groups = aws.pages(
            "ec2",
            "describe_security_groups",
            "SecurityGroups",
            Filters=[
                {"Name": "group-id", "Values": strange},
                {"Name": f"tag:{tags.STACK}", "Values": [stack.name]},
            ],
        )
        for group in groups:
            given = tags.read(group.get("Tags"))
            if tags.SLOT in given:
                names[str(group["GroupId"])] = given[tags.SLOT]
    return {id: names.get(id, id) for id in seen}


def role_of(given: Mapping[str, str]) -> Role:
    """Of the tags; of a machine that lost `mad:role`, the role its slot is named for."""
    for text in (given.get(tags.ROLE, ""), given.get(tags.SLOT, "").rpartition("-")[0]):
        if text in _ROLES:
            return _ROLES[text]
    return Role.API


def _groups(one: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Of its first interface, where they are kept."""
    for interface in one.get("NetworkInterfaces", ()):
        if interface.get("Attachment", {}).get("DeviceIndex", 0) == 0:
            return tuple(interface.get("Groups", ()))
    return tuple(one.get("SecurityGroups", ()))


def root_disk(one: Mapping[str, Any]) -> str | None:
    """The id of the disk it boots from."""
    for device in one.get("BlockDeviceMappings", ()):
        if device.get("DeviceName") == one.get("RootDeviceName") and "Ebs" in device:
            return str(device["Ebs"]["VolumeId"])
    return None


def _found(
    stack: Stack,
    one: Mapping[str, Any],
    disk: Mapping[str, Any] | None,
    names: Mapping[str, str],
) -> Found:
    given = tags.read(one.get("Tags"))
    metadata = one.get("MetadataOptions") or {}
    key = one.get("KeyName")
    public = given.get(tags.PUBLIC)
    launched = one.get("LaunchTime")
    return Found(
        spec=InstanceSpec(
            name=given.get(tags.SLOT) or str(one["InstanceId"]),
            role=role_of(given),
            type=str(one["InstanceType"]),
            image=given.get(tags.IMAGE) or str(one["ImageId"]),
            zone=str(one["Placement"]["AvailabilityZone"]),
            disk_gib=int(disk["Size"]) if disk else 0,
            encrypted=bool(disk.get("Encrypted")) if disk else False,
            key="main" if key == stack_name(stack.name) else given.get(tags.KEY, str(key or "")),
            groups=frozenset(names[str(group["GroupId"])] for group in _groups(one)),
            imds_tokens=metadata.get("HttpTokens") == "required",
            imds_hops=int(metadata.get("HttpPutResponseHopLimit") or 1),
            public_address=public == "yes" if public else bool(one.get("PublicIpAddress")),
        ),
        id=str(one["InstanceId"]),
        facts=InstanceFacts(
            state=str(one["State"]["Name"]),
            private_ip=one.get("PrivateIpAddress") or None,
            public_ip=one.get("PublicIpAddress") or None,
            private_dns=one.get("PrivateDnsName") or None,
            ami=given.get(tags.AMI) or str(one["ImageId"]),
            arch=_ARCHITECTURES.get(str(one.get("Architecture"))),
            hostkey=given.get(tags.HOSTKEY),
            hostkey_next=given.get(tags.HOSTKEY_NEXT) or None,
            hostkey_first=tags.HOSTKEY in given and tags.HOSTKEY_MADE not in given,
            version=given.get(tags.VERSION),
            launched=launched.isoformat() if launched is not None else None,
        ),
        spec_hash=given.get(tags.SPEC),
    )


class States:
    """The states of machines that are waited for. All who wait share one question to EC2, so fifty
    machines that start together cost as many calls as one."""

    def __init__(self, fresh_s: float = 0.3) -> None:
        self._fresh_s = fresh_s
        self._guard = threading.Lock()
        self._waiting: set[str] = set()
        self._asked: frozenset[str] = frozenset()
        self._seen: dict[str, str] = {}
        self._at = -fresh_s

    def of(self, aws: Aws, id: str) -> str | None:
        """None: EC2 does not know it (not yet, or no more). Empty: it is part of the next
        question."""
        with self._guard:
            self._waiting.add(id)
            if time.monotonic() - self._at >= self._fresh_s:
                self._ask(aws)
            return self._seen.get(id) if id in self._asked else ""

    def done(self, id: str) -> None:
        """Nobody waits for it any more."""
        with self._guard:
            self._waiting.discard(id)
            # What is asked about it later must not be answered with what was.
            self._asked -= {id}

    def _ask(self, aws: Aws) -> None:
        # By a filter: an id that EC2 does not know yet would fail the question for all.
        ids = sorted(self._waiting)
        seen: dict[str, str] = {}
        for start in range(0, len(ids), 200):
            groups = aws.pages(
                "ec2",
                "describe_instances",
                "Reservations",
                Filters=[{"Name": "instance-id", "Values": ids[start : start + 200]}],
            )
            for group in groups:
                for one in group["Instances"]:
                    seen[str(one["InstanceId"])] = str(one["State"]["Name"])
        self._seen, self._asked, self._at = seen, frozenset(ids), time.monotonic()
