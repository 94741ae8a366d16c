"""Who holds the lock of a stack, and where that is written: the tags of a throw-away key pair, or
an object in a bucket. Both refuse a second holder by themselves."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from mad.deploy.cloud import host_key, tags
from mad.deploy.cloud.session import Aws, AwsError


@dataclass(frozen=True, slots=True)
class Lease:
    """One holder. Times are ISO 8601 in UTC."""

    lease: str
    who: str
    host: str
    machine: str
    """The boot and the process namespace, hashed: only within them a process id means anything."""
    pid: str
    """Id and start time (`812@5533`), so that a reused id is not taken for the holder."""
    op: str
    started: str
    expires: str

    def expired(self, now: datetime, grace_s: float) -> bool:
        """Whether its time is over by more than `grace_s`, which allows for clocks that differ."""
        try:
            return now > datetime.fromisoformat(self.expires) + timedelta(seconds=grace_s)
        except (TypeError, ValueError):
            return False

    def dead(self) -> bool:
        """Whether its process was one of this machine and has ended."""
        if self.machine != this_machine():
            return False
        number = self.pid.partition("@")[0]
        return number.isdigit() and process(int(number)) != self.pid

    def until(self, moment: datetime) -> Lease:
        return replace(self, expires=stamp(moment))


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def new_lease(who: str, op: str, now: datetime, ttl_s: float) -> Lease:
    """A lease of this process."""
    return Lease(
        lease=secrets.token_hex(8),
        who=who,
        host=socket.gethostname(),
        machine=this_machine(),
        pid=process(os.getpid()) or str(os.getpid()),
        op=op,
        started=stamp(now),
        expires=stamp(now + timedelta(seconds=ttl_s)),
    )


def this_machine() -> str:
    """Twelve hex digits that are the same for all processes which see each other."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def process(number: int) -> str | None:
    """`812@5533` of a process that lives, `812` where its start time is not told, None of one that
    has ended."""
    try:
        text = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return None
        except OSError:
            pass
        return str(number)
    # The name in parentheses may hold anything; the start time is the 20th field after it.
    return f"{number}@{text.rpartition(')')[2].split()[19]}"


@dataclass(frozen=True, slots=True)
class Written:
    """A lease as it was read, with what names just this writing of it."""

    lease: Lease | None
    """None: there is something of that name which is no lease of ours."""
    handle: str


class Store(Protocol):
    """Where a lease is written. Raises AwsError."""

    where: str
    """For people: `key pair mad-x-lock`."""

    def write(self, lease: Lease) -> str | None:
        """Writes it if nothing is there, and gives the handle; None if something is."""

    def read(self) -> Written | None: ...

    def extend(self, handle: str, lease: Lease) -> str | None:
        """Writes it over what `handle` names; None if that is gone or another's."""

    def drop(self, handle: str) -> bool:
        """Removes what `handle` names, and never another's. False: it is not there."""


_PREFIX = "mad:lock-"


class KeyPairStore:
    """EC2 imports a key pair of one name only once. The key is thrown away; its tags are the
    lease."""

    def __init__(self, aws: Aws, stack: str) -> None:
        self._aws = aws
        self._stack = stack
        self.name = f"mad-{stack}-lock"
        self.where = f"key pair {self.name}"

    def write(self, lease: Lease) -> str | None:
        try:
            answer = self._aws.call(
                "ec2",
                "import_key_pair",
                KeyName=self.name,
                PublicKeyMaterial=host_key.make().public.encode(),
                TagSpecifications=[
                    {"ResourceType": "key-pair", "Tags": tags.pairs(self._tags(lease))}
                ],
            )
        except AwsError as error:
            if error.code == "InvalidKeyPair.Duplicate":
                return None
            raise
        return str(answer["KeyPairId"])

    def read(self) -> Written | None:
        # By a filter: a name that is gone is then no error.
        try:
            answer = self._aws.call(
                "ec2", "describe_key_pairs", Filters=[{"Name": "key-name", "Values": [self.name]}]
            )
        except AwsError as error:
            if error.code == "InvalidKeyPair.NotFound":
                return None
            raise
        for pair in answer.get("KeyPairs", ()):
            return Written(self._lease(tags.read(pair.get("Tags"))), str(pair["KeyPairId"]))
        return None

    def extend(self, handle: str, lease: Lease) -> str | None:
        try:
            self._aws.call(
                "ec2",
                "create_tags",
                Resources=[handle],
                Tags=tags.pairs({f"{_PREFIX}expires": lease.expires}),
            )
        except AwsError as error:
            if "NotFound" in error.code or error.code == "InvalidID":
                return None
            raise
        return handle

    def drop(self, handle: str) -> bool:
        try:
            self._aws.call("ec2", "delete_key_pair", KeyPairId=handle)
        except AwsError as error:
            if "NotFound" not in error.code:
                raise
            return False
        return True

    def _tags(self, lease: Lease) -> dict[str, str]:
        return {
            tags.STACK: self._stack,
            tags.ROLE: "lock",
            **{f"{_PREFIX}{name}": value[:256] for name, value in asdict(lease).items()},
        }

    def _lease(self, given: Mapping[str, str]) -> Lease | None:
        if given.get(tags.STACK) != self._stack or given.get(tags.ROLE) != "lock":
            return None
        return _lease({name: given.get(f"{_PREFIX}{name}") for name in Lease.__slots__})


class BucketStore:
    """An object that S3 writes only if it is not there, or still the one that was read."""

    def __init__(self, aws: Aws, stack: str, bucket: str) -> None:
        self._aws = aws
        self._place = {"Bucket": bucket, "Key": f"mad/{stack}/lock.json"}
        self.where = f"object s3://{bucket}/mad/{stack}/lock.json"

    def write(self, lease: Lease) -> str | None:
        return self._put(lease, IfNoneMatch="*")

    def read(self) -> Written | None:
        try:
            answer = self._aws.call("s3", "get_object", **self._place)
        except AwsError as error:
            if error.code in ("NoSuchKey", "404"):
                return None
            raise
        try:
            given = json.loads(answer["Body"].read())
        except ValueError:
            given = None
        return Written(_lease(given if isinstance(given, dict) else {}), str(answer["ETag"]))

    def extend(self, handle: str, lease: Lease) -> str | None:
        return self._put(lease, IfMatch=handle)

    def drop(self, handle: str) -> bool:
        try:
            self._aws.call("s3", "delete_object", **self._place, IfMatch=handle)
        except AwsError as error:
            if error.code not in (*_CONFLICT, "NoSuchKey", "404"):
                raise
            return False
        return True

    def _put(self, lease: Lease, **condition: str) -> str | None:
        try:
            answer = self._aws.call(
                "s3",
                "put_object",
                **self._place,
                **condition,
                Body=json.dumps(asdict(lease)).encode(),
                ContentType="application/json",
            )
        except AwsError as error:
            if error.code in _CONFLICT or ("IfMatch" in condition and error.code == "NoSuchKey"):
                return None
            raise
        return str(answer["ETag"])


_CONFLICT = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


def _lease(given: Mapping[str, object]) -> Lease | None:
    values = {name: given.get(name) for name in Lease.__slots__}
    if not all(isinstance(value, str) for value in values.values()):
        return None
    return Lease(**{name: str(value) for name, value in values.items()})
