"""What is called over all options is what the policy allows: no less, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_local import Server
from stack_kit import REGION, World

from mad.deploy import operations
from mad.deploy.cloud import doctor, registry, security_group, surroundings
from mad.deploy.cloud.adopt import AdoptError
from mad.deploy.cloud.instance import Instances
from mad.deploy.cloud.policy import policy
from mad.deploy.cloud.policy_implied import FREE, IMPLIED
from mad.deploy.cloud.session import AwsError
from mad.deploy.hosts.secrets import SsmSecrets
from mad.deploy.plan.specs import Kind
from mad.deploy.release.manifest import ReleaseError
from mad.deploy.rollout import operations as rollout

SMALL = (
    '[api]\ncount = 1\n[client]\ncount = 0\n[web]\ncount = 1\n[redis]\nurl = "redis://10.1.1.1"\n'
)
Change = Callable[[World], None]


def whole(world: World, *changes: Change) -> None:
    """The life of a stack, with what others and the stack file change in it."""
    assert world.up().ok
    for change in changes:
        change(world)
        assert world.up().ok
    operations.plan_of(world.target())
    operations.drift(world.target())
    operations.status(world.target())
    operations.unlock(world.target())
    doctor.checks(world.file, lambda _stack: world.target().aws)
    assert world.destroy().ok


def opened(world: World) -> None:
    """Somebody lets more in, and less out."""
    group = world.ids(Kind.SECURITY_GROUP)["api"]
    more = [
        {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ]
    every = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    aws = world.aws
    aws.call("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=more)
    aws.call("ec2", "revoke_security_group_egress", GroupId=group, IpPermissions=every)
    aws.call("ec2", "authorize_security_group_egress", GroupId=group, IpPermissions=more)


def stopped(world: World) -> None:
    aws, id = world.aws, world.ids(Kind.INSTANCE)["api-0"]
    aws.call("ec2", "stop_instances", InstanceIds=[id])


def metadata(world: World) -> None:
    id = world.ids(Kind.INSTANCE)["api-0"]
    world.aws.call("ec2", "modify_instance_metadata_options", InstanceId=id, HttpTokens="optional")


def groups(world: World) -> None:
    ids, id = world.ids(Kind.SECURITY_GROUP), world.ids(Kind.INSTANCE)["api-0"]
    world.aws.call("ec2", "modify_instance_attribute", InstanceId=id, Groups=[ids["web"]])


def loose(world: World) -> None:
    (one,) = world.aws.call("ec2", "describe_addresses")["Addresses"]
    world.aws.call("ec2", "disassociate_address", AssociationId=one["AssociationId"])


def two_redis(world: World) -> None:
    world.write(SMALL.replace('url = "redis://10.1.1.1"', 'nodes = 2\ntype = "cache.t4g.small"'))


def one_redis(world: World) -> None:
    world.write(SMALL.replace('url = "redis://10.1.1.1"', ""))


def two_webs(world: World) -> None:
    world.write(SMALL.replace("[web]\ncount = 1", "[web]\ncount = 2"))


def balancer(world: World) -> None:
    """Of the classic one: health, attributes, group, zones and machines are not as they were."""
    aws, name = world.aws, "mad-shop-web"
    found = aws.call("elb", "describe_load_balancers", LoadBalancerNames=[name])
    (one,) = found["LoadBalancerDescriptions"]
    aws.call(
        "elb",
        "configure_health_check",
        LoadBalancerName=name,
        HealthCheck={
            "Target": "TCP:81",
            "Interval": 30,
            "Timeout": 3,
            "UnhealthyThreshold": 2,
            "HealthyThreshold": 2,
        },
    )
    aws.call(
        "elb",
        "modify_load_balancer_attributes",
        LoadBalancerName=name,
        LoadBalancerAttributes={"ConnectionSettings": {"IdleTimeout": 60}},
    )
    aws.call(
        "elb",
        "detach_load_balancer_from_subnets",
        LoadBalancerName=name,
        Subnets=one["Subnets"][:1],
    )
    aws.call(
        "elb",
        "apply_security_groups_to_load_balancer",
        LoadBalancerName=name,
        SecurityGroups=[world.ids(Kind.SECURITY_GROUP)["web"]],
    )
    aws.call(
        "elb",
        "create_load_balancer_listeners",
        LoadBalancerName=name,
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 81, "InstancePort": 81}],
    )
    aws.call("elb", "delete_load_balancer_listeners", LoadBalancerName=name, LoadBalancerPorts=[80])


def modern(world: World) -> None:
    """Of the ALB: attributes, group, health and machines are not as they were."""
    aws = world.aws
    (one,) = aws.call("elbv2", "describe_load_balancers")["LoadBalancers"]
    (group,) = aws.call("elbv2", "describe_target_groups")["TargetGroups"]
    aws.call(
        "elbv2",
        "modify_load_balancer_attributes",
        LoadBalancerArn=one["LoadBalancerArn"],
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "61"}],
    )
    aws.call(
        "elbv2",
        "set_security_groups",
        LoadBalancerArn=one["LoadBalancerArn"],
        SecurityGroups=[world.ids(Kind.SECURITY_GROUP)["web"]],
    )
    aws.call(
        "elbv2",
        "create_listener",
        LoadBalancerArn=one["LoadBalancerArn"],
        Port=81,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )
    aws.call(
        "elbv2",
        "modify_target_group",
        TargetGroupArn=group["TargetGroupArn"],
        HealthCheckPath="/other",
    )
    aws.call(
        "elbv2",
        "set_subnets",
        LoadBalancerArn=one["LoadBalancerArn"],
        Subnets=[zone["SubnetId"] for zone in one["AvailabilityZones"]][:2],
    )
    aws.call(
        "elbv2",
        "modify_target_group_attributes",
        TargetGroupArn=group["TargetGroupArn"],
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
    )


def subnets(world: World) -> None:
    found = world.aws.call("ec2", "describe_subnets")["Subnets"]
    world.aws.call(
        "elasticache",
        "modify_cache_subnet_group",
        CacheSubnetGroupName="mad-shop",
        SubnetIds=[found[0]["SubnetId"]],
    )


def default(tmp_path: Path, server: Server) -> World:
    world = World(tmp_path, server, SMALL)
    made = world.aws.call("ec2", "allocate_address", Domain="vpc")
    world.adopt("elastic_ip.api_lb-0", made["AllocationId"])
    whole(world, opened, stopped, metadata, groups, loose, balancer, two_webs, two_redis)
    whole(world, subnets, one_redis, two_redis)
    return world


def fewer_zones(tmp_path: Path, server: Server) -> World:
    """A zone is given up while a load balancer is in it; nobody but AWS itself could do that."""
    from moto.ec2.models import ec2_backends

    world = World(tmp_path, server, SMALL)
    assert world.up().ok
    zones: Any = ec2_backends["123456789012"][REGION].subnets
    zones.pop(max(zones))
    assert world.up().ok
    # A group that is still held: by whom is asked.
    server.fail("ec2:DeleteSecurityGroup", "DependencyViolation", times=2)
    assert world.destroy().ok
    return world


def misfit(tmp_path: Path, server: Server) -> World:
    """A Redis without TLS cannot become the stack's."""
    world = World(tmp_path, server, SMALL.replace('url = "redis://10.1.1.1"', ""))
    aws = world.aws
    found = aws.call("ec2", "describe_subnets")["Subnets"]
    aws.call(
        "elasticache",
        "create_cache_subnet_group",
        CacheSubnetGroupName="other",
        CacheSubnetGroupDescription="x",
        SubnetIds=[one["SubnetId"] for one in found],
    )
    aws.call(
        "elasticache",
        "create_replication_group",
        ReplicationGroupId="mad-shop",
        ReplicationGroupDescription="x",
        Engine="valkey",
        EngineVersion="8.0",
        CacheNodeType="cache.t4g.micro",
        CacheSubnetGroupName="other",
    )
    for _ in range(4):
        aws.call("elasticache", "describe_replication_groups")
    with pytest.raises(AdoptError):
        world.adopt("redis.main", "mad-shop")
    return world


def refused(tmp_path: Path, server: Server) -> World:
    """EC2 says in code what was refused, and STS is asked what that means."""
    world = World(tmp_path, server, SMALL)
    coded = f"You may not. Encoded authorization failure message: {'x' * 60}"
    server.fail("ec2:DescribeVpcs", "UnauthorizedOperation", message=coded, times=None)
    server.fail("sts:DecodeAuthorizationMessage", "AccessDenied", times=None)
    with pytest.raises(AwsError):
        world.up()
    return world


def own_network(tmp_path: Path, server: Server) -> World:
    world = World(tmp_path, server, SMALL + '[network]\nvpc = "own"\n')
    whole(world)
    return world


def no_network(tmp_path: Path, server: Server) -> World:
    """An account whose default VPC is gone."""
    from moto.ec2.models import ec2_backends

    world = World(tmp_path, server, SMALL)
    assert world.aws.call("ec2", "describe_vpcs")["Vpcs"]
    backend: Any = ec2_backends["123456789012"][REGION]
    for vpc in backend.vpcs.values():
        vpc.is_default = "false"
    backend.subnets.clear()
    surroundings.create_default_vpc(world.target().aws)
    return world


def private_alb_bucket(tmp_path: Path, server: Server) -> World:
    more = '[network]\nprivate = true\n[lock]\nbucket = "locks"\n'
    text = SMALL.replace("[web]", '[web]\nlb = "alb"') + more
    world = World(tmp_path, server, text)
    place = {"LocationConstraint": REGION}
    world.aws.call("s3", "create_bucket", Bucket="locks", CreateBucketConfiguration=place)
    more_webs = text.replace("count = 1", "count = 2")
    whole(world, modern, lambda one: one.write(more_webs), lambda one: one.write(text))
    return world


def deployed(tmp_path: Path, server: Server) -> World:
    """What a rollout asks of AWS: the rest of it is on the hosts."""
    world = World(tmp_path, server, SMALL + '[release]\nurl = "s3://releases/mad"\n')
    assert world.up().ok
    place = {"LocationConstraint": REGION}
    world.aws.call("s3", "create_bucket", Bucket="releases", CreateBucketConfiguration=place)
    body = b"an archive"
    key = "mad/mad-1.2.0-x86_64.tar.zst"
    world.aws.call("s3", "put_object", Bucket="releases", Key=key, Body=body)
    target = world.target()
    with rollout.locked(target, "deploy", lambda _event: None) as context:
        hosts = rollout.hosts_of_stack(target, context)
        (node,) = (host for host in hosts if host.role == "api")
        groups = list(world.ids(Kind.SECURITY_GROUP).values())
        for group in groups:
            security_group.open_lease(context, group, "203.0.113.9/32")
        assert SsmSecrets(target.aws, "shop").all()
        tags = rollout.Tags(context)
        tags.following(node, "ssh-ed25519 BBBB")
        tags.settled(node, "ssh-ed25519 BBBB")
        tags.serve({node.name: "1.2.0"})
        with (
            rollout.releases_of(target, rollout.Options(version="1.2.0")) as releases,
            pytest.raises(ReleaseError, match="cannot be unpacked"),
        ):
            releases.of("x86_64")
        with (
            rollout.releases_of(target, rollout.Options(version="1.3.0")) as releases,
            pytest.raises(ReleaseError, match="not in s3://releases/mad"),
        ):
            releases.of("x86_64")
        security_group.close_leases(context.aws, groups, context.lease)
    (api,) = (host for host in operations.status(world.target()).hosts if host.role == "api")
    assert (api.version, api.hostkey, api.hostkey_first) == ("1.2.0", "ssh-ed25519 BBBB", False)
    assert operations.drift(world.target()).plan.empty
    assert world.destroy().ok
    return world


OPTIONS = (
    deployed,
    default,
    fewer_zones,
    own_network,
    no_network,
    private_alb_bucket,
    misfit,
    refused,
)


@pytest.fixture
def file_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSH_PUBLIC_KEY_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.mark.usefixtures("file_free")
def test_the_calls_of_all_options_and_what_they_imply_are_the_policy(
    tmp_path: Path, strict_aws: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: set[str] = set()
    # What earlier tests of this process asked about images is not known.
    fresh = {**registry.RESOURCES, Kind.INSTANCE: Instances()}
    monkeypatch.setattr(registry, "RESOURCES", fresh)
    for number, option in enumerate(OPTIONS):
        folder = tmp_path / str(number)
        folder.mkdir()
        strict_aws.reset()
        called |= option(folder, strict_aws).calls()
    world = World(tmp_path, strict_aws, SMALL)
    allowed = {
        action
        for statement in policy(world.target().stack, everything=True)
        for action in statement.actions
    }
    implied = {row.action for row in IMPLIED}
    assert {row.call for row in IMPLIED} <= called, "each row is implied by a call that is made"
    assert allowed - called - implied == set()
    assert called - allowed - set(FREE) == set()
