"""A stack in HCL, for Terraform and OpenTofu from 1.7 on, with what it takes to adopt a live one.
Resources have the stack's own names: `instance.api-0` is `aws_instance.api_0`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mad.deploy.export import machines, network, services
from mad.deploy.export.hcl import Block, Code, Value, write
from mad.deploy.export.world import World, identifier
from mad.deploy.plan.desired import desired
from mad.deploy.plan.model import Observed
from mad.deploy.plan.specs import (
    CacheSubnetsSpec,
    ElasticIpSpec,
    GatewaySpec,
    InstanceSpec,
    KeyPairSpec,
    Kind,
    LoadBalancerSpec,
    RedisSpec,
    RoutesSpec,
    SecretSpec,
    SecurityGroupSpec,
    Spec,
    SubnetSpec,
    VpcSpec,
)
from mad.deploy.stack.keys import read_public_key
from mad.deploy.stack.settings import Stack

_ADOPT = """
It takes over what is there: `terraform plan` should want to change little and to destroy nothing.
Read that before `terraform apply`; from then on leave the stack to Terraform."""


def render(stack: Stack, observed: Observed) -> str:
    """The stack of a file; what was seen of it is taken over. Raises StackError where the key pair
    is missing and the public key cannot be read."""
    return terraform(stack, desired(stack, observed, _public_key(stack, observed)), observed)


def terraform(stack: Stack, specs: Iterable[Spec], observed: Observed | None = None) -> str:
    """One file with all of `specs`; with `observed` it takes over what is there. No secret is in
    it, and Terraform leaves the tags of the stack alone."""
    order = list(Kind)
    ordered = sorted(specs, key=lambda spec: (order.index(spec.kind), spec.name))
    world = World(stack, tuple(ordered), observed)
    return write(
        (
            *_head(world),
            *world.surroundings(),
            *machines.images(world),
            *(block for spec in ordered for block in _of(world, spec)),
            *_outputs(world),
        )
    )


def _public_key(stack: Stack, observed: Observed) -> str:
    """That of the key pair that is there; else the one `up` would take."""
    for found in observed.of(Kind.KEY_PAIR):
        if isinstance(found.spec, KeyPairSpec) and found.spec.public_key:
            return found.spec.public_key
    return read_public_key(stack)


def _head(world: World) -> Iterator[Block]:
    comment = f"The stack {world.stack.name}, written by `mad deploy export --format terraform`."
    if world.observed and world.observed.found:
        comment += _ADOPT
    yield Block(
        "terraform",
        (),
        {"required_version": ">= 1.7"},
        (
            Block(
                "required_providers",
                (),
                {"aws": {"source": "hashicorp/aws", "version": ">= 5.80"}},
            ),
        ),
        comment=comment,
    )
    yield Block(
        "provider",
        ("aws",),
        {"region": world.stack.region},
        (Block("ignore_tags", (), {"key_prefixes": ["mad:"]}),),
    )


def _of(world: World, spec: Spec) -> Iterator[Block]:
    match spec:
        case VpcSpec():
            return network.vpc(world, spec)
        case GatewaySpec():
            return network.gateway(world, spec)
        case SubnetSpec():
            return network.subnet(world, spec)
        case RoutesSpec():
            return network.routes(world, spec)
        case SecurityGroupSpec():
            return network.group(world, spec)
        case KeyPairSpec():
            return machines.key_pair(world, spec)
        case InstanceSpec():
            return machines.instance(world, spec)
        case ElasticIpSpec():
            return machines.elastic_ip(world, spec)
        case SecretSpec():
            return services.secret(world, spec)
        case CacheSubnetsSpec():
            return services.cache_subnets(world, spec)
        case RedisSpec():
            return services.redis(world, spec)
        case LoadBalancerSpec():
            return services.load_balancer(world, spec)
    raise TypeError(f"{spec.address} has no form in HCL")


def _outputs(world: World) -> Iterator[Block]:
    for spec in world.specs:
        value: Value
        match spec:
            case ElasticIpSpec():
                name, value = "api_address", world.ref(Kind.ELASTIC_IP, spec.name, "public_ip")
            case RedisSpec():
                name = "redis_address"
                value = world.ref(Kind.REDIS, spec.name, "primary_endpoint_address")
            case LoadBalancerSpec():
                type = "aws_elb" if spec.type == "classic" else "aws_lb"
                name, value = "web_address", Code(f"{type}.{identifier(spec.name)}.dns_name")
            case _:
                continue
        yield Block("output", (name,), {"value": value})
