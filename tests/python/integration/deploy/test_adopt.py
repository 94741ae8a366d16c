"""What exists is taken into a stack, or refused with its reasons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from mad.deploy.cloud import registry, tags
from mad.deploy.cloud.adopt import AdoptError, adopt
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws
from mad.deploy.plan.model import Found, Observed
from mad.deploy.plan.specs import Address, InstanceSpec, Kind
from mad.deploy.stack.settings import Machines, Ssh, Stack, Web

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIYjcBRCtlE7GRxhmHYYdUZzLNHnoZ7L4PvEtLYOQcRe"
SLOT = Address(Kind.INSTANCE, "api-0")


class World:
    """An account with things that somebody made by hand."""

    def __init__(self, aws: Aws, stack: Stack) -> None:
        self.aws = aws
        self.stack = stack
        self.subnets = {
            str(one["AvailabilityZone"]): str(one["SubnetId"])
            for one in aws.pages("ec2", "describe_subnets", "Subnets")
        }
        (vpc,) = aws.pages("ec2", "describe_vpcs", "Vpcs")
        self.vpc = str(vpc["VpcId"])
        self.ami = stack.api.image
        aws.call("ec2", "import_key_pair", KeyName="of-ann", PublicKeyMaterial=PUBLIC_KEY.encode())

    def observed(self) -> Observed:
        return registry.observe(self.aws, self.stack)

    def context(self) -> Context:
        observed = self.observed()
        ids = {one.address: one.id for one in observed.found}
        return Context(self.aws, self.stack, "lease-1", observed, ids)

    def adopt(self, address: Address, id: str) -> list[str]:
        return [change.field for change in adopt(self.context(), address, id)]

    def at(self, address: Address) -> Found:
        (found,) = self.observed().at(address)
        return found

    def group(self, vpc: str | None = None) -> str:
        made = self.aws.call(
            "ec2",
            "create_security_group",
            GroupName="api servers",
            Description="made by hand",
            VpcId=vpc or self.vpc,
        )
        return str(made["GroupId"])

    def machine(self, **changes: Any) -> str:
        """As the stack would have it, but for `changes`."""
        wish: dict[str, Any] = {
            "ImageId": self.ami,
            "InstanceType": "t3.micro",
            "KeyName": "of-ann",
            "SubnetId": self.subnets["eu-west-2c"],
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": True}}
            ],
            "MinCount": 1,
            "MaxCount": 1,
        }
        made = self.aws.call("ec2", "run_instances", **(wish | changes))
        return str(made["Instances"][0]["InstanceId"])


@pytest.fixture
def world(aws_local: Any, tmp_path: Path) -> World:
    aws = Aws("eu-west-2", endpoint_url=aws_local.url)
    key = tmp_path / "id.pub"
    key.write_text(f"{PUBLIC_KEY} ann\n")
    ami = str(aws.pages("ec2", "describe_images", "Images", Owners=["amazon"])[0]["ImageId"])
    api = Machines(2, image=ami)
    return World(aws, Stack("x", "eu-west-2", api=api, ssh=Ssh(public_key=key)))


def test_a_machine_that_differs_only_in_what_can_be_changed_becomes_a_slot(world: World) -> None:
    id = world.machine()
    assert world.adopt(SLOT, id) == ["groups", "imds_tokens"]
    found = world.at(SLOT)
    assert found.id == id
    assert isinstance(found.spec, InstanceSpec)
    assert (found.spec.key, found.spec.zone, found.spec.image) == ("main", "eu-west-2c", world.ami)
    assert (found.spec.disk_gib, found.spec.encrypted) == (8, True)
    assert world.adopt(SLOT, id) == []
    volumes = world.aws.pages("ec2", "describe_volumes", "Volumes")
    assert [tags.read(one.get("Tags")).get(tags.SLOT) for one in volumes] == ["api-0"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"InstanceType": "t3.small"}, "its type is t3.small, not t3.micro"),
        ({"BlockDeviceMappings": []}, "its encrypted is no, not yes"),
        ({"KeyName": "of-bob"}, "its key is of-bob, not main"),
    ],
)
def test_a_machine_that_would_have_to_be_replaced_is_refused(
    world: World, changes: dict[str, Any], why: str
) -> None:
    world.aws.call("ec2", "create_key_pair", KeyName="of-bob")
    id = world.machine(**changes)
    with pytest.raises(AdoptError) as error:
        world.adopt(SLOT, id)
    assert str(error.value).startswith(f"{id} cannot become instance.api-0: ")
    assert why in str(error.value)
    assert world.observed().found == ()


def test_a_slot_that_is_taken_and_a_machine_of_another_slot_are_refused(world: World) -> None:
    first, second = world.machine(), world.machine()
    world.adopt(SLOT, first)
    with pytest.raises(AdoptError, match=f"is there already: {first}"):
        world.adopt(SLOT, second)
    with pytest.raises(AdoptError, match="api-0 of this stack already"):
        world.adopt(Address(Kind.INSTANCE, "api-1"), first)


def test_what_belongs_to_another_stack_is_refused(world: World) -> None:
    id = world.machine()
    world.aws.call(
        "ec2", "create_tags", Resources=[id], Tags=tags.pairs({tags.STACK: "y", tags.SLOT: "api-0"})
    )
    with pytest.raises(AdoptError, match="belongs to the stack y"):
        world.adopt(SLOT, id)


@pytest.mark.parametrize(
    ("address", "id", "why", "remedy"),
    [
        (Address(Kind.INSTANCE, "api-7"), "i-1", "has no instance.api-7", "it has instance.api-0"),
        (SLOT, "i-0123456789abcdef0", "there is no instance i-", "check the id"),
        (Address(Kind.SECRET, "redis-auth"), "x", "cannot be adopted", "/mad/<stack>/<name>"),
        (Address(Kind.VPC, "main"), "vpc-1", "has no vpc.main", "no vpc at all"),
        (Address(Kind.ELASTIC_IP, "api_lb-0"), "192.0.2.1", "there is no elastic_ip", "check"),
        (Address(Kind.REDIS, "main"), "cache", "would have to be called mad-x", "`url` under"),
        (Address(Kind.REDIS, "main"), "mad-x", "there is no redis mad-x", "check the id"),
        (Address(Kind.LOAD_BALANCER, "web"), "front", "be called mad-x-web", "`domain`"),
        (Address(Kind.LOAD_BALANCER, "web"), "mad-x-web", "there is no load_bal", "check"),
        (Address(Kind.KEY_PAIR, "main"), "of-ann", "its name is of-ann, not mad-x", "`up`"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_remedy(
    world: World, address: Address, id: str, why: str, remedy: str
) -> None:
    with pytest.raises(AdoptError, match=why) as error:
        world.adopt(address, id)
    assert remedy in error.value.remedy


def test_a_group_keeps_its_name_and_its_machines_are_seen_in_it(world: World) -> None:
    id = world.group()
    address = Address(Kind.SECURITY_GROUP, "api")
    assert world.adopt(address, id) == ["ingress"]
    assert world.at(address).id == id
    world.adopt(SLOT, world.machine(SecurityGroupIds=[id]))
    spec = world.at(SLOT).spec
    assert isinstance(spec, InstanceSpec)
    assert spec.groups == {"api"}


def test_a_group_of_another_vpc_and_the_default_one_are_refused(world: World) -> None:
    other = world.aws.call("ec2", "create_vpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    address = Address(Kind.SECURITY_GROUP, "api")
    with pytest.raises(AdoptError, match=f"its VPC is {other}, not {world.vpc}"):
        world.adopt(address, world.group(other))
    groups = world.aws.pages("ec2", "describe_security_groups", "SecurityGroups")
    (default,) = (
        one["GroupId"]
        for one in groups
        if (one["GroupName"], one["VpcId"]) == ("default", world.vpc)
    )
    with pytest.raises(AdoptError, match="which AWS keeps for good"):
        world.adopt(address, default)


def test_a_key_pair_of_our_name_and_an_address_are_taken(world: World) -> None:
    world.aws.call("ec2", "import_key_pair", KeyName="mad-x", PublicKeyMaterial=PUBLIC_KEY.encode())
    assert world.adopt(Address(Kind.KEY_PAIR, "main"), "mad-x") == []
    assert world.at(Address(Kind.KEY_PAIR, "main")).id.startswith("key-")
    made = world.aws.call("ec2", "allocate_address", Domain="vpc")
    address = Address(Kind.ELASTIC_IP, "api_lb-0")
    assert world.adopt(address, made["PublicIp"]) == ["instance"]
    assert world.at(address).id == made["AllocationId"]


def test_another_image_is_refused_and_named(world: World) -> None:
    world.stack = replace(world.stack, api=Machines(1, image="debian-12"))
    id = world.machine()
    with pytest.raises(AdoptError, match=f"its image is {world.ami}, not debian-12"):
        world.adopt(SLOT, id)


@pytest.mark.parametrize("type", ["classic", "alb"])
def test_a_balancer_of_our_name_gets_its_tags_back(
    world: World, type: Literal["classic", "alb"]
) -> None:
    world.stack = replace(world.stack, web=Web(lb=type))
    address = Address(Kind.LOAD_BALANCER, "web")
    if type == "classic":
        world.aws.call(
            "elb",
            "create_load_balancer",
            LoadBalancerName="mad-x-web",
            Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
            Subnets=sorted(world.subnets.values()),
        )
        id = "mad-x-web"
    else:
        made = world.aws.call(
            "elbv2",
            "create_load_balancer",
            Name="mad-x-web",
            Subnets=sorted(world.subnets.values()),
        )
        id = made["LoadBalancers"][0]["LoadBalancerArn"]
        world.aws.call(
            "elbv2",
            "create_target_group",
            Name="mad-x-web",
            Protocol="HTTP",
            Port=80,
            VpcId=world.vpc,
        )
    assert "instances" in world.adopt(address, id)
    assert world.at(address).id == id
    assert world.adopt(address, id) == []


def cache(world: World, **more: Any) -> None:
    world.aws.call(
        "elasticache",
        "create_cache_subnet_group",
        CacheSubnetGroupName="of-ann",
        CacheSubnetGroupDescription="made by hand",
        SubnetIds=sorted(world.subnets.values()),
    )
    world.aws.call(
        "elasticache",
        "create_replication_group",
        CacheSubnetGroupName="of-ann",
        ReplicationGroupId="mad-x",
        ReplicationGroupDescription="made by hand",
        Engine="valkey",
        EngineVersion="8.0",
        NumCacheClusters=1,
        CacheNodeType="cache.t4g.micro",
        AtRestEncryptionEnabled=True,
        **more,
    )


def test_a_redis_of_our_name_gets_its_tags_back_and_then_the_secret(world: World) -> None:
    cache(world, TransitEncryptionEnabled=True)
    address = Address(Kind.REDIS, "main")
    assert "auth" in world.adopt(address, "mad-x")
    assert world.at(address).id == "mad-x"


def test_a_redis_that_does_not_fit_is_left_as_it_was(world: World) -> None:
    cache(world, TransitEncryptionEnabled=False)
    with pytest.raises(AdoptError, match="its tls is no, not yes"):
        world.adopt(Address(Kind.REDIS, "main"), "mad-x")
    assert world.observed().found == ()
