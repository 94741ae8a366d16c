"""The local AWS refuses, waits and forgets as the real one does: by plain boto3."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from aws_local import Server

REGION = "eu-central-1"
UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"


class Account:
    """Clients of one server, which try nothing twice, and the small things that rows begin with."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def client(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        once = Config(retries={"total_max_attempts": 1, "mode": "standard"})
        return boto3.client(service, region_name=REGION, endpoint_url=self.server.url, config=once)

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def caches(self) -> Any:
        return self.client("elasticache")

    def image(self, arch: str = "amd64") -> str:
        answer = self.client("ssm").get_parameter(Name=UBUNTU.format(arch))
        return str(answer["Parameter"]["Value"])

    def subnets(self) -> list[Any]:
        found: list[Any] = self.ec2.describe_subnets()["Subnets"]
        return sorted(found, key=lambda one: str(one["AvailabilityZone"]))

    def group(self, name: str = "one") -> str:
        (vpc,) = self.ec2.describe_vpcs()["Vpcs"]
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc["VpcId"])
        return str(made["GroupId"])

    def run(self, **how: Any) -> str:
        wish = {"ImageId": self.image(), "InstanceType": "t3.micro", **how}
        made = self.ec2.run_instances(MinCount=1, MaxCount=1, **wish)
        return str(made["Instances"][0]["InstanceId"])

    def inside(self, group: str) -> list[dict[str, Any]]:
        """The interface of a machine, as the product asks for it."""
        return [
            {
                "DeviceIndex": 0,
                "SubnetId": self.subnets()[0]["SubnetId"],
                "Groups": [group],
                "AssociatePublicIpAddress": True,
                "DeleteOnTermination": True,
            }
        ]

    def state(self, id: str) -> str:
        return str(self.machine(id)["State"]["Name"])

    def machine(self, id: str) -> Any:
        answer = self.ec2.describe_instances(InstanceIds=[id])
        return answer["Reservations"][0]["Instances"][0]

    def until(self, what: Callable[[], object], wanted: object, looks: int = 20) -> None:
        seen = []
        for _ in range(looks):
            seen.append(what())
            if seen[-1] == wanted:
                return
        raise AssertionError(f"{wanted} never came: {seen}")

    def cache(self, group: str, id: str = "one", **how: Any) -> None:
        self.caches.create_cache_subnet_group(
            CacheSubnetGroupName=id,
            CacheSubnetGroupDescription=id,
            SubnetIds=[one["SubnetId"] for one in self.subnets()],
        )
        self.caches.create_replication_group(
            ReplicationGroupId=id,
            ReplicationGroupDescription=id,
            Engine="valkey",
            EngineVersion="8.2",
            CacheNodeType="cache.t4g.micro",
            CacheSubnetGroupName=id,
            SecurityGroupIds=[group],
            **how,
        )

    def cache_state(self, id: str = "one") -> str:
        from botocore.exceptions import ClientError

        try:
            answer = self.caches.describe_replication_groups(ReplicationGroupId=id)
        except ClientError as error:
            return code(error)
        return str(answer["ReplicationGroups"][0]["Status"])

    def balancer(self, group: str, name: str = "one", port: int = 80) -> str:
        made = self.client("elb").create_load_balancer(
            LoadBalancerName=name,
            Listeners=[
                {
                    "Protocol": "HTTP",
                    "LoadBalancerPort": port,
                    "InstanceProtocol": "HTTP",
                    "InstancePort": 80,
                }
            ],
            Subnets=[one["SubnetId"] for one in self.subnets()],
            SecurityGroups=[group],
        )
        return str(made["DNSName"])


@pytest.fixture
def account(aws_local: Server) -> Account:
    return Account(aws_local)


@pytest.fixture
def slow(strict_aws: Server) -> Account:
    return Account(strict_aws)


def code(error: Any) -> str:
    return str(error.response["Error"]["Code"])


def refused(do: Callable[[], object]) -> str:
    """The code of the refusal."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        do()
    return code(caught.value)


# What a launch is refused for.


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"KeyName": "nobodys"}, "InvalidKeyPair.NotFound"),
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "t3.enormous"}, "InvalidParameterValue"),
        ({"InstanceType": "t4g.micro"}, "InvalidParameterValue"),
        ({"UserData": "x" * 16385}, "InvalidParameterValue"),
        ({"ClientToken": "x" * 65}, "InvalidParameterValue"),
        ({"SecurityGroupIds": ["sg-00000000000000000"]}, "InvalidGroup.NotFound"),
        ({"SubnetId": "subnet-00000000000000000"}, "InvalidSubnetID.NotFound"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_a_launch_that_cannot_be_is_refused(
    account: Account, wish: dict[str, Any], why: str
) -> None:
    assert refused(lambda: account.run(**wish)) == why
    assert account.ec2.describe_instances()["Reservations"] == []


def test_groups_are_named_at_the_machine_or_at_its_interface_but_not_at_both(
    account: Account,
) -> None:
    group = account.group()
    inside = account.inside(group)
    both = {"NetworkInterfaces": inside, "SecurityGroupIds": [group]}
    assert refused(lambda: account.run(**both)) == "InvalidParameterCombination"
    id = account.run(NetworkInterfaces=inside)
    assert [one["GroupId"] for one in account.machine(id)["SecurityGroups"]] == [group]


def test_a_zone_without_room_refuses_while_others_do_not(account: Account) -> None:
    first, second, *_ = account.subnets()
    account.server.full.add(first["AvailabilityZone"])
    why = refused(lambda: account.run(SubnetId=first["SubnetId"]))
    assert why == "InsufficientInstanceCapacity"
    assert account.run(SubnetId=second["SubnetId"])


# Tokens.


def test_a_token_makes_one_machine_once(account: Account) -> None:
    first = account.run(ClientToken="once")
    assert account.run(ClientToken="once") == first
    other = {"ClientToken": "once", "InstanceType": "t3.small"}
    assert refused(lambda: account.run(**other)) == "IdempotentParameterMismatch"
    assert account.run(ClientToken="twice") != first
    account.ec2.terminate_instances(InstanceIds=[first])
    assert refused(lambda: account.run(ClientToken="once")) == "IdempotentInstanceTerminated"


# States.


def test_a_machine_starts_stops_and_ends_over_several_looks(slow: Account) -> None:
    id = slow.run()
    assert refused(lambda: slow.state(id)) == "InvalidInstanceID.NotFound"
    assert slow.state(id) == "pending"
    slow.until(lambda: slow.state(id), "running")
    slow.ec2.stop_instances(InstanceIds=[id])
    assert slow.state(id) == "stopping"
    assert refused(lambda: slow.ec2.start_instances(InstanceIds=[id])) == "IncorrectInstanceState"
    slow.until(lambda: slow.state(id), "stopped")
    assert "PublicIpAddress" not in slow.machine(id)
    slow.ec2.start_instances(InstanceIds=[id])
    assert slow.state(id) == "pending"
    slow.until(lambda: slow.state(id), "running")
    slow.ec2.terminate_instances(InstanceIds=[id])
    assert slow.state(id) == "shutting-down"
    slow.until(lambda: slow.state(id), "terminated")
    assert refused(lambda: slow.ec2.stop_instances(InstanceIds=[id])) == "IncorrectInstanceState"
    slow.ec2.terminate_instances(InstanceIds=[id])
    assert slow.state(id) == "terminated"
    assert slow.ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert slow.ec2.describe_volumes()["Volumes"] == []


def test_a_type_is_changed_while_the_machine_stands_still(account: Account) -> None:
    id = account.run()

    def change() -> None:
        account.ec2.modify_instance_attribute(InstanceId=id, InstanceType={"Value": "t3.small"})

    assert account.state(id) == "running"
    assert refused(change) == "IncorrectInstanceState"
    account.ec2.stop_instances(InstanceIds=[id])
    account.until(lambda: account.state(id), "stopped")
    change()
    assert account.machine(id)["InstanceType"] == "t3.small"


def test_the_groups_of_a_machine_are_changed_at_once(account: Account) -> None:
    one, two = account.group("one"), account.group("two")
    id = account.run(NetworkInterfaces=account.inside(one))
    account.ec2.modify_instance_attribute(InstanceId=id, Groups=[two])
    machine = account.machine(id)
    assert [group["GroupId"] for group in machine["SecurityGroups"]] == [two]
    (interface,) = machine["NetworkInterfaces"]
    assert [group["GroupId"] for group in interface["Groups"]] == [two]
    account.ec2.delete_security_group(GroupId=one)
    assert (
        refused(
            lambda: account.ec2.modify_instance_attribute(
                InstanceId=id, Groups=["sg-00000000000000000"]
            )
        )
        == "InvalidGroup.NotFound"
    )


@pytest.mark.parametrize("kind", ["group", "address", "subnet"])
def test_what_was_just_made_is_not_found_for_a_moment(slow: Account, kind: str) -> None:
    ec2 = slow.ec2
    look: Callable[[], object]
    if kind == "group":
        group = slow.group()
        look, why = lambda: ec2.describe_security_groups(GroupIds=[group]), "InvalidGroup.NotFound"
    elif kind == "address":
        id = ec2.allocate_address(Domain="vpc")["AllocationId"]
        look = lambda: ec2.describe_addresses(AllocationIds=[id])  # noqa: E731
        why = "InvalidAllocationID.NotFound"
    else:
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        assert refused(lambda: ec2.describe_vpcs(VpcIds=[vpc])) == "InvalidVpcID.NotFound"
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        look = lambda: ec2.describe_subnets(SubnetIds=[subnet])  # noqa: E731
        why = "InvalidSubnetID.NotFound"
    assert refused(look) == why
    look()


# What is in use stays.


@pytest.mark.parametrize("holder", ["machine", "rule", "balancer", "application balancer", "redis"])
def test_a_group_in_use_cannot_be_deleted(slow: Account, holder: str) -> None:
    from aws_local.world import world

    world.unseen = 0
    group, ec2 = slow.group(), slow.ec2
    let_go: Callable[[], object]
    if holder == "machine":
        id = slow.run(NetworkInterfaces=slow.inside(group))
        let_go = lambda: ec2.terminate_instances(InstanceIds=[id])  # noqa: E731
    elif holder == "rule":
        how = {
            "GroupId": slow.group("two"),
            "IpPermissions": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": 1,
                    "ToPort": 1,
                    "UserIdGroupPairs": [{"GroupId": group}],
                }
            ],
        }
        ec2.authorize_security_group_ingress(**how)
        let_go = lambda: ec2.revoke_security_group_ingress(**how)  # noqa: E731
    elif holder == "balancer":
        slow.balancer(group)
        elb = slow.client("elb")
        let_go = lambda: elb.delete_load_balancer(LoadBalancerName="one")  # noqa: E731
    elif holder == "application balancer":
        elbv2 = slow.client("elbv2")
        arn = elbv2.create_load_balancer(
            Name="one",
            Subnets=[one["SubnetId"] for one in slow.subnets()],
            SecurityGroups=[group],
        )["LoadBalancers"][0]["LoadBalancerArn"]
        let_go = lambda: elbv2.delete_load_balancer(LoadBalancerArn=arn)  # noqa: E731
    else:
        slow.cache(group)
        slow.until(slow.cache_state, "available")
        let_go = lambda: slow.caches.delete_replication_group(  # noqa: E731
            ReplicationGroupId="one"
        )

    def delete() -> str:
        from botocore.exceptions import ClientError

        # Time passes while somebody looks.
        ec2.describe_instances()
        slow.caches.describe_replication_groups()
        try:
            ec2.delete_security_group(GroupId=group)
        except ClientError as error:
            return code(error)
        return "deleted"

    assert delete() == delete() == delete() == "DependencyViolation"
    if holder != "rule":
        held = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])[
            "NetworkInterfaces"
        ]
        assert held
    let_go()
    if holder != "rule":
        assert delete() == "DependencyViolation"
    slow.until(delete, "deleted")
    if holder != "rule":
        assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_network_goes_only_empty(account: Account) -> None:
    ec2 = account.ec2
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(VpcId=vpc, InternetGatewayId=gateway)
    group = ec2.create_security_group(GroupName="in", Description="in", VpcId=vpc)["GroupId"]
    inside = account.inside(group)
    inside[0]["SubnetId"] = subnet
    id = account.run(NetworkInterfaces=inside)
    held = "DependencyViolation"
    detach = {"VpcId": vpc, "InternetGatewayId": gateway}
    assert refused(lambda: ec2.delete_subnet(SubnetId=subnet)) == held
    assert refused(lambda: ec2.detach_internet_gateway(**detach)) == held
    assert refused(lambda: ec2.delete_internet_gateway(InternetGatewayId=gateway)) == held
    assert refused(lambda: ec2.delete_vpc(VpcId=vpc)) == held
    ec2.terminate_instances(InstanceIds=[id])
    account.until(lambda: account.state(id), "terminated")
    ec2.delete_subnet(SubnetId=subnet)
    assert refused(lambda: ec2.delete_vpc(VpcId=vpc)) == held
    ec2.detach_internet_gateway(**detach)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    assert refused(lambda: ec2.delete_vpc(VpcId=vpc)) == held
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


# Addresses.


def test_addresses_are_of_the_blocks_for_examples_and_five_at_most(account: Account) -> None:
    id = account.run(NetworkInterfaces=account.inside(account.group()))
    assert account.machine(id)["PublicIpAddress"].startswith("203.0.113.")
    made = [account.ec2.allocate_address(Domain="vpc") for _ in range(5)]
    assert len({one["PublicIp"] for one in made}) == 5
    assert all(one["PublicIp"].startswith("198.51.100.") for one in made)
    sixth = lambda: account.ec2.allocate_address(Domain="vpc")  # noqa: E731
    assert refused(sixth) == "AddressLimitExceeded"


def test_an_address_moves_and_is_released_only_when_it_is_free(account: Account) -> None:
    ec2 = account.ec2
    one, two = account.run(), account.run()
    given = ec2.allocate_address(Domain="vpc")
    id = given["AllocationId"]
    assert account.state(one) == account.state(two) == "running"
    first = ec2.associate_address(AllocationId=id, InstanceId=one)["AssociationId"]
    assert account.machine(one)["PublicIpAddress"] == given["PublicIp"]
    assert refused(lambda: ec2.release_address(AllocationId=id)) == "InvalidIPAddress.InUse"
    stay = {"AllocationId": id, "InstanceId": two, "AllowReassociation": False}
    assert refused(lambda: ec2.associate_address(**stay)) == "Resource.AlreadyAssociated"
    second = ec2.associate_address(AllocationId=id, InstanceId=two)["AssociationId"]
    assert second != first
    assert account.machine(two)["PublicIpAddress"] == given["PublicIp"]
    assert account.machine(one).get("PublicIpAddress") != given["PublicIp"]
    ec2.terminate_instances(InstanceIds=[two])
    account.until(lambda: account.state(two), "terminated")
    (address,) = ec2.describe_addresses()["Addresses"]
    assert "AssociationId" not in address
    ec2.release_address(AllocationId=id)


def test_an_address_waits_for_a_machine_that_starts(slow: Account) -> None:
    from aws_local.world import world

    world.unseen = 0
    id = slow.run()
    given = slow.ec2.allocate_address(Domain="vpc")["AllocationId"]
    associate = lambda: slow.ec2.associate_address(AllocationId=given, InstanceId=id)  # noqa: E731
    assert refused(associate) == "InvalidInstanceID"


# Balancers.


def test_a_classic_balancer_of_one_name_is_one(account: Account) -> None:
    group = account.group()
    name = account.balancer(group)
    assert name.endswith(f".{REGION}.elb.amazonaws.com")
    assert account.balancer(group) == name
    assert refused(lambda: account.balancer(group, port=8080)) == "DuplicateLoadBalancerName"
    assert refused(lambda: account.balancer(account.group("two"))) == "DuplicateLoadBalancerName"


def test_a_classic_balancer_says_whom_it_has(account: Account) -> None:
    elb = account.client("elb")
    account.balancer(account.group())
    ids = sorted([account.run(), account.run()])
    both = {"LoadBalancerName": "one", "Instances": [{"InstanceId": id} for id in ids]}
    for _ in range(2):
        answer = elb.register_instances_with_load_balancer(**both)
        assert sorted(one["InstanceId"] for one in answer["Instances"]) == ids
    one = {"LoadBalancerName": "one", "Instances": [{"InstanceId": ids[0]}]}
    answer = elb.deregister_instances_from_load_balancer(**one)
    assert [left["InstanceId"] for left in answer["Instances"]] == ids[1:]
    elb.get_waiter("instance_deregistered").wait(**one, WaiterConfig={"Delay": 0, "MaxAttempts": 3})
    wrong = {"LoadBalancerName": "one", "Instances": [{"InstanceId": "i-00000000000000000"}]}
    assert refused(lambda: elb.register_instances_with_load_balancer(**wrong)) == "InvalidInstance"
    account.ec2.terminate_instances(InstanceIds=ids)
    account.until(lambda: account.state(ids[1]), "terminated")
    (seen,) = elb.describe_load_balancers()["LoadBalancerDescriptions"]
    assert seen["Instances"] == []
    assert sorted(seen["AvailabilityZones"]) == [f"{REGION}{letter}" for letter in "abc"]


def test_an_application_balancer_of_one_name_is_one(account: Account) -> None:
    elbv2, group = account.client("elbv2"), account.group()
    subnets = [one["SubnetId"] for one in account.subnets()]

    def make(*ids: str, **how: Any) -> str:
        made = elbv2.create_load_balancer(
            Name="one", Subnets=list(ids or subnets), SecurityGroups=[group], **how
        )
        return str(made["LoadBalancers"][0]["LoadBalancerArn"])

    assert make() == make()
    assert refused(lambda: make(Scheme="internal")) == "DuplicateLoadBalancerName"
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 1


# Redis.


def test_redis_comes_changes_and_goes_over_several_looks(slow: Account) -> None:
    slow.cache(slow.group(), NumCacheClusters=2, AutomaticFailoverEnabled=True)
    assert slow.cache_state() == "creating"
    caches = slow.caches
    delete = lambda: caches.delete_replication_group(ReplicationGroupId="one")  # noqa: E731
    assert refused(delete) == "InvalidReplicationGroupState"
    slow.until(slow.cache_state, "available")
    (group,) = caches.describe_replication_groups()["ReplicationGroups"]
    assert group["MemberClusters"] == ["one-001", "one-002"]
    assert f".{REGION}." in group["NodeGroups"][0]["PrimaryEndpoint"]["Address"]
    (member,) = caches.describe_cache_clusters(CacheClusterId="one-002")["CacheClusters"]
    assert member["EngineVersion"].startswith("8.2")
    assert len(member["SecurityGroups"]) == 1
    caches.increase_replica_count(
        ReplicationGroupId="one", NewReplicaCount=2, ApplyImmediately=True
    )
    assert refused(delete) == "InvalidReplicationGroupState"
    assert slow.cache_state() == "modifying"
    slow.until(slow.cache_state, "available")
    (group,) = caches.describe_replication_groups()["ReplicationGroups"]
    assert len(group["MemberClusters"]) == 3
    in_use = lambda: caches.delete_cache_subnet_group(CacheSubnetGroupName="one")  # noqa: E731
    assert refused(in_use) == "CacheSubnetGroupInUse"
    caches.delete_replication_group(ReplicationGroupId="one")
    assert slow.cache_state() == "deleting"
    slow.until(slow.cache_state, "ReplicationGroupNotFoundFault")
    caches.delete_cache_subnet_group(CacheSubnetGroupName="one")
    assert refused(in_use) == "CacheSubnetGroupNotFoundFault"


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"AuthToken": "a" * 16}, "InvalidParameterCombination"),
        ({"AuthToken": "short", "TransitEncryptionEnabled": True}, "InvalidParameterValue"),
        (
            {"AuthToken": "with/slash" * 2, "TransitEncryptionEnabled": True},
            "InvalidParameterValue",
        ),
        ({"AutomaticFailoverEnabled": True}, "InvalidParameterCombination"),
        ({"NumCacheClusters": 2, "MultiAZEnabled": True}, "InvalidParameterCombination"),
        ({"SecurityGroupIds": ["sg-00000000000000000"]}, "InvalidParameterValue"),
        ({"EngineVersion": "1.0"}, "InvalidParameterCombination"),
        ({"Engine": "memory"}, "InvalidParameterValue"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else value,
)
def test_redis_that_cannot_be_is_refused(account: Account, how: dict[str, Any], why: str) -> None:
    account.cache(account.group())
    wish = {"Engine": "valkey", "CacheSubnetGroupName": "one", **how}

    def make() -> None:
        account.caches.create_replication_group(
            ReplicationGroupId="two", ReplicationGroupDescription="two", **wish
        )

    assert refused(make) == why
    assert account.cache_state("two") == "ReplicationGroupNotFoundFault"


def test_tags_of_redis_can_be_read_and_changed(account: Account) -> None:
    account.cache(account.group(), Tags=[{"Key": "a", "Value": "1"}])
    account.until(account.cache_state, "available")
    (group,) = account.caches.describe_replication_groups()["ReplicationGroups"]
    arn = {"ResourceName": group["ARN"]}
    account.caches.add_tags_to_resource(**arn, Tags=[{"Key": "b", "Value": "2"}])
    account.caches.remove_tags_from_resource(**arn, TagKeys=["a"])
    assert account.caches.list_tags_for_resource(**arn)["TagList"] == [{"Key": "b", "Value": "2"}]


def test_redis_does_not_grow_older_and_does_not_become_another(account: Account) -> None:
    account.cache(account.group())
    account.until(account.cache_state, "available")
    change = account.caches.modify_replication_group
    for wish in ({"EngineVersion": "8.0"}, {"Engine": "redis", "EngineVersion": "7.1"}):
        why = refused(partial(change, ReplicationGroupId="one", ApplyImmediately=True, **wish))
        assert why == "InvalidParameterCombination"


# Images.


@pytest.mark.parametrize(
    ("name", "device"),
    [
        (UBUNTU.format("amd64"), "/dev/sda1"),
        (UBUNTU.format("arm64"), "/dev/sda1"),
        (UBUNTU.format("amd64").replace("24.04", "22.04").replace("gp3", "gp2"), "/dev/sda1"),
        ("/aws/service/debian/release/12/latest/amd64", "/dev/xvda"),
        ("/aws/service/debian/release/13/latest/arm64", "/dev/xvda"),
        ("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "/dev/xvda"),
    ],
    ids=lambda value: value.split("/")[3:6] and "-".join(value.split("/")[3:6]),
)
def test_each_system_has_an_image(account: Account, name: str, device: str) -> None:
    answer = account.client("ssm").get_parameters(Names=[name, f"{name}-none"])
    assert answer["InvalidParameters"] == [f"{name}-none"]
    (image,) = account.ec2.describe_images(ImageIds=[answer["Parameters"][0]["Value"]])["Images"]
    assert image["RootDeviceName"] == device
    assert image["Architecture"] == ("arm64" if "arm64" in name else "x86_64")


def test_a_newer_image_comes_and_the_old_one_stays(account: Account) -> None:
    before = account.image()
    account.server.publish()
    assert account.image() != before
    assert len(account.ec2.describe_images(ImageIds=[before, account.image()])["Images"]) == 2


# Keys.


def test_a_key_pair_is_deleted_by_name_or_id_and_twice(account: Account) -> None:
    ec2 = account.ec2
    for how in ("KeyName", "KeyPairId"):
        made = ec2.create_key_pair(KeyName="one")
        assert refused(lambda: ec2.create_key_pair(KeyName="one")) == "InvalidKeyPair.Duplicate"
        for _ in range(2):
            ec2.delete_key_pair(**{how: made[how]})
        assert ec2.describe_key_pairs()["KeyPairs"] == []


# What is made to fail.


def ask(server: Server, what: str, body: str | None = None) -> bytes:
    request = urllib.request.Request(
        f"{server.url}/aws-local/{what}", data=None if body is None else body.encode()
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def test_faults_and_the_record_are_there_over_http(account: Account) -> None:
    ask(account.server, "fail", '{"call": "ec2:DescribeV*", "code": "Throttling", "every": 2}')
    account.ec2.describe_vpcs()
    assert refused(lambda: account.ec2.describe_vpcs()) == "Throttling"
    assert ask(account.server, "calls") == b'["ec2:DescribeVpcs", "ec2:DescribeVpcs"]'
    ask(account.server, "reset", "")
    account.ec2.describe_vpcs()
    assert ask(account.server, "calls") == b'["ec2:DescribeVpcs"]'


def test_an_action_is_denied(account: Account) -> None:
    account.server.fail("ec2:RunInstances", "UnauthorizedOperation", times=None)
    account.server.fail("ssm:Put*", "AccessDeniedException", times=None)
    for _ in range(2):
        assert refused(lambda: account.run()) == "UnauthorizedOperation"
    put = {"Name": "/a", "Value": "b", "Type": "String"}
    ssm = account.client("ssm")
    assert refused(lambda: ssm.put_parameter(**put)) == "AccessDeniedException"


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_the_connection_is_cut_at_a_call(account: Account, done: bool) -> None:
    from botocore.exceptions import HTTPClientError

    account.server.cut(2, done=done)
    account.ec2.describe_vpcs()
    with pytest.raises(HTTPClientError):
        account.ec2.allocate_address(Domain="vpc")
    if not done:
        with pytest.raises(HTTPClientError):
            account.ec2.describe_addresses()
    account.server.cut(None)
    assert len(account.ec2.describe_addresses()["Addresses"]) == done


def test_all_is_forgotten_at_once(account: Account) -> None:
    server = account.server
    account.run()
    account.cache(account.group())
    account.client("ssm").put_parameter(Name="/a", Value="b", Type="String")
    server.fail("ec2:*", "Throttling", after=100)
    began = time.monotonic()
    server.reset()
    took = time.monotonic() - began
    assert account.ec2.describe_instances()["Reservations"] == []
    assert account.ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert account.caches.describe_replication_groups()["ReplicationGroups"] == []
    assert account.client("ssm").describe_parameters()["Parameters"] == []
    assert account.cache_state() == "ReplicationGroupNotFoundFault"
    # Each test pays for it.
    assert took < 1.0
