"""All kinds of resources, and one look at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from mad.deploy.cloud import (
    cache_subnets,
    elastic_ip,
    last_run,
    load_balancer,
    redis,
    routes,
    surroundings,
)
from mad.deploy.cloud.cache_subnets import CacheSubnets
from mad.deploy.cloud.crossing import Names
from mad.deploy.cloud.elastic_ip import ElasticIps
from mad.deploy.cloud.gateway import Gateways
from mad.deploy.cloud.instance import Instances
from mad.deploy.cloud.key_pair import KeyPairs
from mad.deploy.cloud.load_balancer import LoadBalancers
from mad.deploy.cloud.redis import Redises
from mad.deploy.cloud.remembered import Remembered
from mad.deploy.cloud.resource import Resource
from mad.deploy.cloud.routes import Routes
from mad.deploy.cloud.secret import Secrets
from mad.deploy.cloud.security_group import SecurityGroups
from mad.deploy.cloud.session import Aws
from mad.deploy.cloud.subnet import Subnets
from mad.deploy.cloud.vpc import Vpcs
from mad.deploy.plan.model import Found, Observed, Surroundings
from mad.deploy.plan.specs import Kind, SubnetSpec
from mad.deploy.stack.settings import Role, Stack

RESOURCES: Mapping[Kind, Resource] = {
    Kind.VPC: Vpcs(),
    Kind.GATEWAY: Gateways(),
    Kind.ROUTES: Routes(),
    Kind.SUBNET: Subnets(),
    Kind.KEY_PAIR: KeyPairs(),
    Kind.SECRET: Secrets(),
    Kind.SECURITY_GROUP: SecurityGroups(),
    Kind.CACHE_SUBNETS: CacheSubnets(),
    Kind.REDIS: Redises(),
    Kind.INSTANCE: Instances(),
    Kind.ELASTIC_IP: ElasticIps(),
    Kind.LOAD_BALANCER: LoadBalancers(),
}

_NETWORK = (Kind.VPC, Kind.GATEWAY, Kind.ROUTES, Kind.SUBNET)
"""A network of our own: not asked for where a plan is made and none is to be seen."""
_AT_ONCE = 12


def observe(aws: Aws, stack: Stack, *, around: bool = True, images: bool = False) -> Observed:
    """All that carries the stack's tags, at one moment. `around`: with the VPC and the zones that
    a plan needs; `images`: also with today's images and what the zones offer. Raises AwsError."""
    aws = Remembered(aws)
    aws.identity()
    own = stack.network.vpc == "own"
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mad-observe") as pool:
        beside = pool.submit(look, aws, stack, images=images) if around and not own else None
        last = pool.submit(last_run.read, aws, stack.name)
        looks = {
            kind: pool.submit(resource.observe, aws, stack)
            for kind, resource in RESOURCES.items()
            if own or kind not in _NETWORK
        }
        if not own and (beside is None or beside.result().own_network_left):
            # The stack file may have had `vpc = "own"` before.
            for kind in _NETWORK:
                looks[kind] = pool.submit(RESOURCES[kind].observe, aws, stack)
        seen = {kind: looks[kind].result() if kind in looks else () for kind in RESOURCES}
        if around and own:
            zones = [one.spec.zone for one in seen[Kind.SUBNET] if isinstance(one.spec, SubnetSpec)]
            beside = pool.submit(look, aws, stack, images=images, own_zones=zones)
        here = beside.result() if beside else Surroundings(aws.identity().account, aws.region)
    return Observed(_in_order(_with_names(seen, here)), here, last.result())


def _with_names(
    seen: dict[Kind, tuple[Found, ...]], around: Surroundings
) -> dict[Kind, tuple[Found, ...]]:
    """What names others by their ids names them as we do."""
    names = Names(
        groups={one.id: one.spec.name for one in seen[Kind.SECURITY_GROUP]},
        subnets={
            **{zone.subnet: zone.name[-1] for zone in around.zones if zone.subnet},
            **{one.id: one.spec.name for one in seen[Kind.SUBNET]},
        },
        slots=elastic_ip.slots_by_id(seen[Kind.INSTANCE]),
    )
    return seen | {
        Kind.ELASTIC_IP: elastic_ip.with_slots(seen[Kind.ELASTIC_IP], seen[Kind.INSTANCE]),
        Kind.ROUTES: routes.with_names(seen[Kind.ROUTES], seen[Kind.SUBNET]),
        Kind.CACHE_SUBNETS: cache_subnets.with_names(seen[Kind.CACHE_SUBNETS], names),
        Kind.REDIS: redis.with_names(seen[Kind.REDIS], names),
        Kind.LOAD_BALANCER: load_balancer.with_names(seen[Kind.LOAD_BALANCER], names),
    }


def look(
    aws: Aws, stack: Stack, *, images: bool = False, own_zones: Iterable[str] = ()
) -> Surroundings:
    """What is not ours. With `images` also what only a machine that is to be made needs to know:
    the zones that have its type, and today's images."""
    used = [stack.machines(role) for role in Role if stack.machines(role).count] if images else []
    return surroundings.look(
        aws,
        stack,
        for_types=frozenset(machines.type for machines in used),
        for_images=frozenset(machines.image for machines in used),
        own_zones=own_zones,
    )


def _in_order(seen: Mapping[Kind, tuple[Found, ...]]) -> tuple[Found, ...]:
    return tuple(found for kind in Kind for found in seen.get(kind, ()))
