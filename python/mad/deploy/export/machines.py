"""Key pair, machines and addresses in HCL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mad.deploy.cloud import names
from mad.deploy.cloud.surroundings import IMAGES
from mad.deploy.export.hcl import Block, Code, Value
from mad.deploy.export.world import World, identifier, ignoring, taken_over
from mad.deploy.plan.model import InstanceFacts
from mad.deploy.plan.specs import ElasticIpSpec, InstanceSpec, KeyPairSpec, Kind

_MACHINES = {"amd64": "x86_64", "arm64": "arm64"}


def key_pair(world: World, spec: KeyPairSpec) -> Iterator[Block]:
    wish: dict[str, Value] = {
        "key_name": names.stack_name(world.stack.name),
        "public_key": spec.public_key,
    }
    # An import does not read it, and would make another key pair of it.
    yield world.resource(spec, wish, *([ignoring("public_key")] if world.live(spec) else []))
    yield from world.imported(spec, names.stack_name(world.stack.name))


def images(world: World) -> Iterator[Block]:
    wanted = {
        (spec.image, _architecture(world, spec))
        for spec in world.specs
        if isinstance(spec, InstanceSpec) and _image_seen(world, spec) is None
    }
    for image, arch in sorted(wanted):
        # The last of them is the one that is in every region.
        path = IMAGES[image][-1].format(arch=arch, amazon_arch=_MACHINES[arch])
        yield Block("data", ("aws_ssm_parameter", identifier(f"{image}_{arch}")), {"name": path})


def instance(world: World, spec: InstanceSpec) -> Iterator[Block]:
    seen = _image_seen(world, spec)
    newest = identifier(f"{spec.image}_{_architecture(world, spec)}")
    wish: dict[str, Value] = {
        "ami": seen or Code(f"data.aws_ssm_parameter.{newest}.insecure_value"),
        "instance_type": spec.type,
        "key_name": world.ref(Kind.KEY_PAIR, spec.key, "key_name"),
        **({"subnet_id": world.subnet(spec.zone[-1])} if spec.zone else {}),
        "vpc_security_group_ids": world.groups(spec.groups),
        "associate_public_ip_address": spec.public_address,
    }
    blocks = [
        Block(
            "metadata_options",
            (),
            {
                "http_endpoint": "enabled",
                "http_tokens": "required" if spec.imds_tokens else "optional",
                "http_put_response_hop_limit": spec.imds_hops,
                "instance_metadata_tags": "enabled",
            },
        ),
        Block(
            "root_block_device",
            (),
            {
                "volume_type": "gp3",
                "volume_size": spec.disk_gib,
                "encrypted": spec.encrypted,
                "delete_on_termination": True,
            },
        ),
    ]
    if re.match(r"t\d", spec.type):
        blocks.append(Block("credit_specification", (), {"cpu_credits": "standard"}))
    # Another image or other first words would be another machine.
    blocks.append(ignoring("ami", "user_data", "associate_public_ip_address"))
    yield world.resource(spec, wish, *blocks)
    yield from world.imported(spec)


def elastic_ip(world: World, spec: ElasticIpSpec) -> Iterator[Block]:
    name = identifier(spec.name)
    yield world.resource(spec, {"domain": "vpc"})
    yield from world.imported(spec)
    if spec.instance is None:
        return
    yield Block(
        "resource",
        ("aws_eip_association", name),
        {
            "allocation_id": world.ref(Kind.ELASTIC_IP, spec.name),
            "instance_id": world.ref(Kind.INSTANCE, spec.instance),
        },
    )
    seen = world.live(spec)
    if seen and isinstance(seen.spec, ElasticIpSpec) and seen.spec.instance:
        yield Block("data", ("aws_eip", name), {"id": seen.id})
        yield taken_over(f"aws_eip_association.{name}", Code(f"data.aws_eip.{name}.association_id"))


def _image_seen(world: World, spec: InstanceSpec) -> str | None:
    """The image as an id, where one is known."""
    if spec.image.startswith("ami-"):
        return spec.image
    found = world.live(spec)
    return found.facts.ami if found and isinstance(found.facts, InstanceFacts) else None


def _architecture(world: World, spec: InstanceSpec) -> str:
    known = world.observed.surroundings.architectures if world.observed else {}
    # `t4g`, `c7gn`, `im4gn`: the letter after the generation is the maker's.
    graviton = re.match(r"(?:a1|[a-z]+\d+g[a-z]*)\.", spec.type)
    return known.get(spec.type, "arm64" if graviton else "amd64")
