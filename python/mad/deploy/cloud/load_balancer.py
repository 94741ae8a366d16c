"""The load balancer over the web nodes, of either type."""

from __future__ import annotations

from dataclasses import replace

from mad.deploy.cloud import alb, classic_balancer
from mad.deploy.cloud.crossing import Names, named
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws
from mad.deploy.plan.model import Found
from mad.deploy.plan.specs import LoadBalancerSpec, Spec
from mad.deploy.stack.settings import Stack


class LoadBalancers:
    """Both types are looked for: the stack file may have had the other one before."""

    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        """Zones (of the classic type), groups and machines are ids; `with_names` makes them
        names."""
        return (*classic_balancer.observe(aws, stack), *alb.observe(aws, stack))

    def create(self, context: Context, spec: Spec) -> str:
        assert isinstance(spec, LoadBalancerSpec)
        if spec.type == "alb":
            return alb.create(context, spec)
        return classic_balancer.create(context, spec)

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        assert isinstance(spec, LoadBalancerSpec)
        if spec.type == "alb":
            alb.update(context, spec)
        else:
            classic_balancer.update(context, found, spec)

    def delete(self, context: Context, found: Found) -> None:
        assert isinstance(found.spec, LoadBalancerSpec)
        if found.spec.type == "alb":
            alb.delete(context, found)
        else:
            classic_balancer.delete(context, found)


def with_names(found: tuple[Found, ...], names: Names) -> tuple[Found, ...]:
    return tuple(
        replace(
            one,
            spec=replace(
                one.spec,
                zones=named(one.spec.zones, names.subnets),
                groups=named(one.spec.groups, names.groups),
                instances=named(one.spec.instances, names.slots),
            ),
        )
        if isinstance(one.spec, LoadBalancerSpec)
        else one
        for one in found
    )
