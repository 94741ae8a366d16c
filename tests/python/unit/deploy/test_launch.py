"""How machines are launched, against an EC2 that answers from a script."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from mad.deploy.cloud import launch, tags
from mad.deploy.cloud.instance import Instances
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.plan.model import Observed, Surroundings, Zone
from mad.deploy.plan.spec_hash import spec_hash
from mad.deploy.plan.specs import Address, InstanceSpec, Kind
from mad.deploy.stack.settings import Machines, Role, Stack, Web

STACK = Stack(
    name="x",
    region="eu-west-2",
    api=Machines(1),
    api_lb=Machines(1),
    client=Machines(1),
    web=Web(Machines(1)),
)
SPEC = InstanceSpec(
    name="api-0",
    role=Role.API,
    type="t3.micro",
    image="ubuntu-24.04",
    zone="eu-west-2b",
    groups=frozenset({"api"}),
)
AROUND = Surroundings(
    account="1",
    region="eu-west-2",
    zones=tuple(Zone(f"eu-west-2{letter}", f"subnet-{letter}") for letter in "abc"),
    offered={"t3.micro": frozenset({"eu-west-2b", "eu-west-2c"})},
    newest_images={"ubuntu-24.04/amd64": "ami-1", "ubuntu-24.04/arm64": "ami-2"},
    architectures={"t3.micro": "amd64", "t4g.micro": "arm64"},
)


class Scripted(Aws):
    """Keeps what it was asked; `run` answers launches."""

    def __init__(self, run: Callable[[dict[str, Any]], str]) -> None:
        super().__init__("eu-west-2")
        self.run = run
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.there: list[dict[str, Any]] = []

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        self.asked.append((operation, parameters))
        assert service == "ec2"
        if operation == "describe_images":
            return {"Images": [{"RootDeviceName": "/dev/xvda"}]}
        if operation == "run_instances":
            id = self.run(parameters)
            self.there.append(machine(id, {}))
            return {"Instances": [{"InstanceId": id}]}
        return {}

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        self.asked.append((operation, parameters))
        assert (service, key) == ("ec2", {"describe_instances": "Reservations"}.get(operation, key))
        return [{"Instances": [one]} for one in self.there] if key == "Reservations" else []

    def launches(self) -> list[dict[str, Any]]:
        return [parameters for operation, parameters in self.asked if operation == "run_instances"]


def machine(id: str, given: dict[str, str], state: str = "running") -> dict[str, Any]:
    return {
        "InstanceId": id,
        "InstanceType": "t3.micro",
        "ImageId": "ami-1",
        "Placement": {"AvailabilityZone": "eu-west-2c"},
        "State": {"Name": state},
        "Tags": tags.pairs(given),
    }


def context(aws: Aws, **changes: Any) -> Context:
    return Context(
        aws=aws,
        stack=STACK,
        lease="lease",
        observed=Observed((), replace(AROUND, **changes)),
        ids={Address(Kind.SECURITY_GROUP, "api"): "sg-1"},
    )


def refuse(code: str, *subnets: str) -> Callable[[dict[str, Any]], str]:
    """An EC2 without room in some subnets."""

    def run(given: dict[str, Any]) -> str:
        subnet = given["NetworkInterfaces"][0]["SubnetId"]
        if subnet in subnets:
            raise AwsError("ec2", "run_instances", code, f"not in {subnet}")
        return f"i-in-{subnet}"

    return run


def test_one_call_makes_a_machine_with_all_that_it_must_have_from_the_start() -> None:
    aws = Scripted(refuse(""))
    id = Instances().create(context(aws), SPEC)
    assert id == "i-in-subnet-b"
    (given,) = aws.launches()
    assert given["ImageId"] == "ami-1"
    assert given["KeyName"] == "mad-x"
    assert (given["MinCount"], given["MaxCount"]) == (1, 1)
    assert given["MetadataOptions"] == {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 1,
        "InstanceMetadataTags": "enabled",
    }
    assert given["CreditSpecification"] == {"CpuCredits": "standard"}
    (disk,) = given["BlockDeviceMappings"]
    assert disk["DeviceName"] == "/dev/xvda"
    assert disk["Ebs"] == {
        "VolumeType": "gp3",
        "VolumeSize": 8,
        "Encrypted": True,
        "DeleteOnTermination": True,
    }
    (interface,) = given["NetworkInterfaces"]
    assert interface["Groups"] == ["sg-1"]
    assert interface["AssociatePublicIpAddress"] is True
    kinds = [one["ResourceType"] for one in given["TagSpecifications"]]
    assert kinds == ["instance", "volume", "network-interface"]
    for one in given["TagSpecifications"]:
        carried = tags.read(one["Tags"])
        assert carried[tags.STACK] == "x"
        assert carried[tags.SLOT] == "api-0"
        assert carried[tags.ROLE] == "api"
        assert carried[tags.SPEC] == spec_hash(SPEC)
        assert carried[tags.IMAGE] == "ubuntu-24.04"
        assert carried[tags.AMI] == "ami-1"
        assert carried[tags.HOSTKEY].startswith("ssh-ed25519 ")
        assert not any("PRIVATE" in value for value in carried.values())
    assert "BEGIN OPENSSH PRIVATE KEY" in given["UserData"]


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"type": "t4g.micro"}, "ImageId", "ami-2"),
        ({"type": "t4g.micro"}, "CreditSpecification", {"CpuCredits": "standard"}),
        ({"image": "ami-7"}, "ImageId", "ami-7"),
        ({"type": "m7i.large", "image": "ami-7"}, "CreditSpecification", None),
        ({"type": "trn1.2xlarge", "image": "ami-7"}, "CreditSpecification", None),
    ],
)
def test_the_type_decides_the_image_and_the_credits(
    change: dict[str, Any], field: str, value: object
) -> None:
    aws = Scripted(refuse(""))
    Instances().create(context(aws), replace(SPEC, **change))
    assert aws.launches()[0].get(field) == value


def test_a_private_machine_gets_no_public_address() -> None:
    aws = Scripted(refuse(""))
    Instances().create(context(aws), replace(SPEC, public_address=False))
    (given,) = aws.launches()
    assert given["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is False
    assert tags.read(given["TagSpecifications"][0]["Tags"])[tags.PUBLIC] == "no"


@pytest.mark.parametrize("code", ["InsufficientInstanceCapacity", "Unsupported"])
def test_a_zone_without_room_is_followed_by_the_next_that_offers_the_type(code: str) -> None:
    aws = Scripted(refuse(code, "subnet-b"))
    told: list[str] = []
    here = context(aws)
    here.progress = told.append
    assert Instances().create(here, SPEC) == "i-in-subnet-c"
    assert "no room in eu-west-2b, trying eu-west-2c" in told
    first, second = aws.launches()
    assert first["ClientToken"] != second["ClientToken"]
    carried = tags.read(second["TagSpecifications"][0]["Tags"])
    assert carried[tags.SPEC] == spec_hash(replace(SPEC, zone="eu-west-2c"))


def test_when_no_zone_has_room_the_error_names_all_that_were_tried() -> None:
    aws = Scripted(refuse("InsufficientInstanceCapacity", "subnet-b", "subnet-c"))
    with pytest.raises(AwsError) as error:
        Instances().create(context(aws), SPEC)
    assert error.value.code == "InsufficientInstanceCapacity"
    assert "no room for instance.api-0: eu-west-2b, eu-west-2c have no t3.micro now" in str(
        error.value
    )


def test_any_other_error_is_not_tried_elsewhere() -> None:
    aws = Scripted(refuse("VcpuLimitExceeded", "subnet-b"))
    with pytest.raises(AwsError, match="VcpuLimitExceeded"):
        Instances().create(context(aws), SPEC)
    assert len(aws.launches()) == 1


@pytest.mark.parametrize(
    ("around", "spec", "says"),
    [
        ({"newest_images": {}}, SPEC, "no image of ubuntu-24.04 for amd64 in eu-west-2"),
        ({"architectures": {}}, SPEC, "what architecture t3.micro has"),
        ({"zones": ()}, SPEC, "no zone of eu-west-2 has a subnet for instance.api-0"),
        ({}, replace(SPEC, groups=frozenset({"web"})), "needs security_group.web, which is not"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_made(
    around: dict[str, Any], spec: InstanceSpec, says: str
) -> None:
    aws = Scripted(refuse(""))
    with pytest.raises(AwsError, match=says):
        Instances().create(context(aws, **around), spec)
    assert aws.launches() == []


def test_the_token_is_the_same_within_a_run_and_another_for_every_other_launch() -> None:
    wish = {"ImageId": "ami-1", "SubnetId": "subnet-b"}
    first = launch.token("x", "api-0", wish, "lease")
    assert first == launch.token("x", "api-0", dict(reversed(wish.items())), "lease")
    others = [
        launch.token("y", "api-0", wish, "lease"),
        launch.token("x", "api-1", wish, "lease"),
        launch.token("x", "api-0", {**wish, "ImageId": "ami-2"}, "lease"),
        launch.token("x", "api-0", wish, "lease-2"),
        launch.token("x", "api-0", wish, "lease", 1),
    ]
    assert len({first, *others}) == 6
    assert len(first) <= 64
    assert first.isascii()


def test_a_call_that_is_made_again_within_a_run_is_the_same_call() -> None:
    aws = Scripted(refuse("RequestTimeout", "subnet-b"))
    instances = Instances()
    here = context(aws)
    for _ in range(2):
        with pytest.raises(AwsError):
            instances.create(here, SPEC)
    first, second = aws.launches()
    assert first == second


def test_a_token_whose_machine_has_ended_is_followed_by_another() -> None:
    def run(given: dict[str, Any]) -> str:
        tokens.append(given["ClientToken"])
        if len(tokens) == 1:
            raise AwsError("ec2", "run_instances", "IdempotentInstanceTerminated", "ended")
        return "i-2"

    tokens: list[str] = []
    assert Instances().create(context(Scripted(run)), SPEC) == "i-2"
    assert len(set(tokens)) == 2


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, True),
        ({tags.SLOT: "api-1"}, False),
        ({tags.SPEC: "000000000000"}, False),
    ],
)
def test_what_an_interrupted_run_left_is_taken_over(given: dict[str, str], taken: bool) -> None:
    aws = Scripted(refuse(""))
    left = {
        tags.STACK: "x",
        tags.SLOT: "api-0",
        tags.ROLE: "api",
        # Launched in another zone than the wished one, for want of room.
        tags.SPEC: spec_hash(replace(SPEC, zone="eu-west-2c")),
    }
    aws.there.append(machine("i-left", left | given))
    assert Instances().create(context(aws), SPEC) == ("i-left" if taken else "i-in-subnet-b")


def test_a_machine_that_the_plan_knew_is_not_taken_for_what_a_run_left() -> None:
    aws = Scripted(refuse(""))
    given = {
        tags.STACK: "x",
        tags.SLOT: "api-0",
        tags.ROLE: "api",
        tags.SPEC: spec_hash(replace(SPEC, zone="eu-west-2c")),
    }
    aws.there.append(machine("i-old", given))
    instances = Instances()
    here = context(aws)
    here.observed = Observed(instances.observe(aws, STACK), AROUND)
    assert instances.create(here, SPEC) == "i-in-subnet-b"


def test_fifty_machines_are_looked_for_once_and_waited_for_together() -> None:
    numbers = itertools.count()
    aws = Scripted(lambda _given: f"i-{next(numbers)}")
    instances = Instances()
    here = context(aws)
    with ThreadPoolExecutor(50) as pool:
        specs = [replace(SPEC, name=f"api-{index}") for index in range(50)]
        ids = list(pool.map(lambda spec: instances.create(here, spec), specs))
    assert len(set(ids)) == 50
    asked = Counter(operation for operation, _ in aws.asked)
    assert (asked["describe_images"], asked["run_instances"]) == (1, 50)
    # One by the stack's tag, the others by ids: some few for all.
    assert asked["describe_instances"] <= 25


@pytest.mark.parametrize("state", ["terminated", None])
def test_a_machine_is_waited_for_until_it_has_ended(state: str | None) -> None:
    aws = Scripted(refuse(""))
    aws.there.append(machine("i-1", {tags.STACK: "x", tags.SLOT: "api-0"}))
    instances = Instances()
    (found,) = instances.observe(aws, STACK)
    here = context(aws)
    told: list[str] = []

    def progress(text: str) -> None:
        told.append(text.partition(", ")[2].partition(",")[0])
        if len(told) == 2:
            aws.there[:] = [machine("i-1", {}, state)] if state else []
        elif len(told) == 1:
            aws.there[:] = [machine("i-1", {}, "shutting-down")]

    here.progress = progress
    instances.delete(here, found)
    assert told == ["running", "shutting-down"]


def test_a_machine_that_somebody_ends_while_it_starts_is_an_error() -> None:
    aws = Scripted(refuse(""))
    here = context(aws)

    def call(service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        answer = Scripted.call(aws, service, operation, **parameters)
        if operation == "run_instances":
            aws.there[:] = [machine("i-in-subnet-b", {}, "shutting-down")]
        return answer

    aws.call = call  # type: ignore[method-assign]
    with pytest.raises(AwsError, match="InstanceTerminated"):
        Instances().create(here, SPEC)
