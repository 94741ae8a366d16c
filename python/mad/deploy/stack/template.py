"""The stack file that `init` writes."""

from __future__ import annotations

import json
import os
from pathlib import Path

_TEXT = """\
# What runs, and where: `mad deploy plan` shows what would change, `mad deploy up` changes it.
#
# A line that begins with # and a key holds that key's default: without it nothing changes. One
# that says "# example" is of a key without a default. Mistakes are reported all at once, with
# their lines. Every key is explained in docs/mad-toml.md.

# Part of the names of all that is made; one of a kind in an account and region. Another name is
# another stack, so it stays once `up` has run.
name = {name}
region = {region}
#runtime = "native"  # or "docker": the same programs in containers

[network]
#vpc = "default"  # or "own", made for the stack alone; or the id of one that exists
#profile = "tight"  # "open": every port of every role for the whole world
#ssh_from = []  # CIDRs that may use ssh; with none your own address, while a command runs
#private = false  # true: only the proxy and the load balancer have public addresses

[ssh]
# With no public_key that of SSH_PUBLIC_KEY_FILE is taken, or a pair is made for this stack.
#public_key = "~/.ssh/id_ed25519.pub"  # example
#private_key = "~/.ssh/id_ed25519"  # example
#user = "ubuntu"  # example

# The servers that agents and browsers talk to.
[api]
count = 2
#type = "t3.micro"
#image = "ubuntu-24.04"  # or ubuntu-22.04, debian-12, debian-13, al2023, or an ami-…
#disk_gib = 8

# The proxy before them. It holds the Elastic IP.
[api_lb]
#count = 1
#kind = "mad"  # or "nginx", "haproxy"
#type = "t3.micro"
#image = "ubuntu-24.04"
#disk_gib = 8

# Machines whose health is watched.
[client]
count = 2
#type = "t3.micro"
#image = "ubuntu-24.04"
#disk_gib = 8

# Machines that serve the console.
[web]
count = 2
#type = "t3.micro"
#image = "ubuntu-24.04"
#disk_gib = 8
#lb = "classic"  # or "alb"
#domain = "health.example.org"  # example

# What the api machines share their state by.
[redis]
#engine = "valkey"  # or "redis"
#version = "8.0"
#nodes = 1  # more are copies that take over
#type = "cache.t4g.micro"
#tls = true
# One that exists, in place of all of the above:
#url = "rediss://redis.example.org:6379"  # example

# A certificate and its key: agents, browsers and tokens then travel over TLS.
#[tls]
#cert = "fullchain.pem"  # example
#key = "privkey.pem"  # example

[access]
#anonymous = false  # true: agents and viewers need no token, as those of the original have none
# With no file tokens are made at the first `up`.
#tokens = "tokens.toml"  # example

# How a new release comes to the machines.
[update]
#max_parallel = 1  # machines at once, or a share such as "25%"
#canary = 1  # machines that go first, alone
#min_healthy_time = "10s"
#healthy_deadline = "2m"
#auto_revert = true

[release]
#url = "https://releases.example.org/mad"  # example

# With runtime = "docker": where the images are that `mad deploy image push` brought there.
[containers]
#registry = "registry.example.org/health"  # example
# Without these as `docker login` has signed in on this machine.
#username = "robot"  # example
#password_file = "registry-password"  # example
# Images of yours that take the variables of the original.
#api = "registry.example.org/health/api"  # example
#api_lb = "registry.example.org/health/proxy:3"  # example
#client = "registry.example.org/health/client"  # example
#web = "registry.example.org/health/web"  # example

[limits]
#monthly_usd = 200  # example: a plan that costs more is refused

[lock]
#bucket = "my-locks"  # example: the lock is kept in S3 instead of in EC2

# Machines that exist, by their addresses: then nothing is made at AWS.
#[hosts]
#api = ["192.0.2.11", "192.0.2.12"]  # example
#api_lb = ["192.0.2.10"]  # example
#client = ["192.0.2.21"]  # example
#web = ["192.0.2.31"]  # example
"""


def render(name: str, region: str) -> str:
    """A commented stack file."""
    # Strings of JSON are strings of TOML: nothing in them can become another key.
    return _TEXT.format(name=json.dumps(name), region=json.dumps(region))


def write(path: Path, text: str) -> None:
    """Makes the file whole or not at all. Raises FileExistsError rather than change one."""
    spare = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with spare.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(spare, path)
    finally:
        spare.unlink(missing_ok=True)
