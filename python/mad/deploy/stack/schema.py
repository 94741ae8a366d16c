"""Every table and key of a stack file, and what each may hold (`docs/mad-toml.md` has the same)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mad.deploy.stack import names, references
from mad.deploy.stack.addresses import addresses, networks, url
from mad.deploy.stack.values import (
    Reader,
    boolean,
    choice,
    duration,
    file_name,
    integer,
    number,
    pattern,
    share,
)

IMAGES = ("ubuntu-24.04", "ubuntu-22.04", "debian-12", "debian-13", "al2023")
MOST_MACHINES = 50


@dataclass(frozen=True, slots=True)
class Key:
    reader: Reader
    field: str | None = None
    """What the settings call it, where that is another name."""
    file: bool = False
    """Whether it names a file here: relative ones count from the stack file."""


_TYPE = pattern(
    "a type of instance",
    r"(?!cache\.)[a-z][a-z0-9-]*\.[a-z0-9-]+",
    'write a type of EC2 such as "t3.micro"',
    "t3.micro",
)
_IMAGE = pattern(
    f"one of {', '.join(IMAGES)} or an ami-…",
    "|".join([*IMAGES, r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})"]).replace(".0", r"\.0"),
    'write "ubuntu-24.04", or the id of an image',
    "ubuntu-24.04",
    near=IMAGES,
)


def _machines(low: int, high: int, too_high: str | None = None) -> dict[str, Key]:
    return {
        "count": Key(integer(low, high, too_high)),
        "type": Key(_TYPE),
        "image": Key(_IMAGE),
        "disk_gib": Key(integer(8, 16384)),
    }


_OWN_IMAGE = pattern(
    "the name of an image",
    references.REFERENCE,
    'write it as in "registry.example.org/team/api", with or without a :tag',
    "registry.example.org/team/api",
)


TABLES: Mapping[str, Mapping[str, Key]] = {
    "": {
        "name": Key(names.reader()),
        "region": Key(
            pattern(
                "a region of AWS",
                r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}",
                'write it as in "eu-west-2" (a zone has a letter more, a region has none)',
                "eu-west-2",
            )
        ),
        "runtime": Key(choice("native", "docker")),
    },
    "network": {
        "vpc": Key(
            pattern(
                "default, own or a vpc-…",
                r"default|own|vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})",
                'write "default", "own", or the id of a VPC',
                "default",
                near=("default", "own"),
            )
        ),
        "profile": Key(choice("tight", "open")),
        "ssh_from": Key(networks(50)),
        "private": Key(boolean()),
    },
    "ssh": {
        "public_key": Key(file_name(), file=True),
        "private_key": Key(file_name(), file=True),
        "user": Key(
            pattern(
                "the name of a user",
                r"[a-z_][a-z0-9_-]{0,31}",
                'write one such as "ubuntu"',
                "ubuntu",
            )
        ),
    },
    "api": _machines(1, MOST_MACHINES),
    "api_lb": {
        **_machines(
            1, 1, "write 1: one proxy holds the address that clients know; give it a larger type"
        ),
        "kind": Key(choice("mad", "nginx", "haproxy"), field="api_lb_kind"),
    },
    "client": _machines(0, MOST_MACHINES),
    "web": {
        **_machines(0, MOST_MACHINES),
        "lb": Key(choice("classic", "alb")),
        "domain": Key(
            pattern(
                "the name of a host",
                r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]",
                'write it alone and in small letters: "health.example.org"',
                "health.example.org",
            )
        ),
    },
    "redis": {
        "engine": Key(choice("valkey", "redis")),
        "version": Key(
            pattern("a version", r"\d+\.\d+(?:\.\d+)?", 'write it as in "8.0", quoted', "8.0")
        ),
        "nodes": Key(integer(1, 6, "write 1 to 6: one that is written to and up to five copies")),
        "type": Key(
            pattern(
                "a type of cache node",
                r"cache\.[a-z][a-z0-9-]*\.[a-z0-9-]+",
                'write it as in "cache.t4g.micro"',
                "cache.t4g.micro",
            )
        ),
        "tls": Key(boolean()),
        "url": Key(url("rediss", "redis", "rediss+sentinel", "redis+sentinel")),
    },
    "tls": {
        "cert": Key(file_name(), file=True),
        "key": Key(file_name(), file=True),
    },
    "access": {
        "anonymous": Key(boolean()),
        "tokens": Key(file_name(), file=True),
    },
    "update": {
        "max_parallel": Key(share(MOST_MACHINES)),
        "canary": Key(integer(0, MOST_MACHINES)),
        "min_healthy_time": Key(duration(0, 3600), field="min_healthy_time_s"),
        "healthy_deadline": Key(duration(1, 3600), field="healthy_deadline_s"),
        "auto_revert": Key(boolean()),
    },
    "release": {"url": Key(url("https", "s3"), field="release_url")},
    "hosts": {
        role: Key(addresses(1 if role == "api_lb" else MOST_MACHINES))
        for role in ("api", "api_lb", "client", "web")
    },
    "containers": {
        "registry": Key(
            pattern(
                "the name of a registry",
                references.PREFIX,
                'write it without https:// and a slash at its end: "registry.example.org/team"',
                "registry.example.org/team",
            )
        ),
        "username": Key(
            pattern("a name to sign in with", r"[\x21-\x39\x3b-\x7e]{1,128}", "write it", "robot")
        ),
        "password_file": Key(file_name(), file=True),
        **{role: Key(_OWN_IMAGE) for role in ("api", "api_lb", "client", "web")},
    },
    "limits": {"monthly_usd": Key(number(0, 100_000))},
    "lock": {
        "bucket": Key(
            pattern(
                "the name of a bucket",
                r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
                "write its name alone, without s3://",
                "my-locks",
            ),
            field="lock_bucket",
        )
    },
}

ROLES = ("api", "api_lb", "client", "web")

OTHER_WORDS: Mapping[str, str] = {
    "instances": "count",
    "replicas": "count",
    "size": "count",
    "number": "count",
    "instance_type": "type",
    "node_type": "type",
    "ami": "image",
    "os": "image",
    "disk": "disk_gib",
    "disk_size": "disk_gib",
    "volume_size": "disk_gib",
    "engine_version": "version",
    "certificate": "cert",
    "private_key": "key",
    "token_file": "tokens",
    "min_healthy_time_s": "min_healthy_time",
    "healthy_deadline_s": "healthy_deadline",
    "security_groups": "profile",
    "cidrs": "ssh_from",
}
"""What people write who know the key by another word."""
