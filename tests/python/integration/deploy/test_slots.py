"""Machines and Elastic IPs against the local AWS."""

from __future__ import annotations

import base64
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from mad.deploy.cloud import tags
from mad.deploy.cloud.elastic_ip import ElasticIps, with_slots
from mad.deploy.cloud.instance import Instances
from mad.deploy.cloud.names import group_name
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws
from mad.deploy.plan.model import EndpointFacts, Found, InstanceFacts, Observed, Surroundings, Zone
from mad.deploy.plan.spec_hash import spec_hash
from mad.deploy.plan.specs import Address, ElasticIpSpec, InstanceSpec, Kind
from mad.deploy.stack.settings import Machines, Role, Stack, Web

STACK = Stack(
    name="x",
    region="eu-west-2",
    api=Machines(2),
    api_lb=Machines(1),
    client=Machines(1),
    web=Web(Machines(1)),
)
ARM = {"t3.micro": "amd64", "t4g.micro": "arm64"}


@pytest.fixture
def context(aws_local: Any) -> Context:
    """A stack's network, key and groups; no machine yet."""
    aws = Aws("eu-west-2", endpoint_url=aws_local.url)
    (vpc,) = aws.pages("ec2", "describe_vpcs", "Vpcs")
    subnets = aws.pages("ec2", "describe_subnets", "Subnets")
    aws.call("ec2", "import_key_pair", KeyName="mad-x", PublicKeyMaterial=PUBLIC_KEY.encode())
    ids = {}
    for name in ("api", "api_lb", "web"):
        made = aws.call(
            "ec2",
            "create_security_group",
            GroupName=group_name("x", name),
            Description=name,
            VpcId=vpc["VpcId"],
        )
        ids[Address(Kind.SECURITY_GROUP, name)] = str(made["GroupId"])
    image = aws.pages("ec2", "describe_images", "Images", Owners=["amazon"])[0]["ImageId"]
    return Context(
        aws=aws,
        stack=STACK,
        lease="lease-1",
        observed=Observed(
            (),
            Surroundings(
                account="123456789012",
                region="eu-west-2",
                vpc=vpc["VpcId"],
                zones=tuple(
                    Zone(one["AvailabilityZone"], one["SubnetId"])
                    for one in sorted(subnets, key=lambda one: str(one["AvailabilityZone"]))
                ),
                newest_images={"ubuntu-24.04/amd64": image},
                architectures=ARM,
            ),
        ),
        ids=ids,
    )


PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIYjcBRCtlE7GRxhmHYYdUZzLNHnoZ7L4PvEtLYOQcRe me"


def slot(name: str = "api-0", **changes: Any) -> InstanceSpec:
    return replace(
        InstanceSpec(
            name=name,
            role=Role(name.rpartition("-")[0]),
            type="t3.micro",
            image="ubuntu-24.04",
            zone="eu-west-2b",
            groups=frozenset({name.rpartition("-")[0]}),
        ),
        **changes,
    )


def only(context: Context, name: str = "api-0") -> Found:
    (found,) = (one for one in Instances().observe(context.aws, STACK) if one.spec.name == name)
    return found


def test_what_was_made_is_seen_as_it_was_wished(context: Context) -> None:
    spec = slot()
    id = Instances().create(context, spec)
    found = only(context)
    assert found.spec == spec
    assert found.id == id
    assert found.spec_hash == spec_hash(spec)
    facts = found.facts
    assert isinstance(facts, InstanceFacts)
    assert (facts.state, facts.arch) == ("running", "amd64")
    assert facts.private_ip
    assert facts.public_ip
    assert facts.launched
    assert facts.ami == context.observed.surroundings.newest_images["ubuntu-24.04/amd64"]
    assert facts.hostkey
    assert facts.hostkey.startswith("ssh-ed25519 ")
    told = context.aws.call(
        "ec2", "describe_instance_attribute", InstanceId=id, Attribute="userData"
    )
    config = yaml.safe_load(base64.b64decode(told["UserData"]["Value"]))
    assert config["ssh_keys"]["ed25519_public"] == facts.hostkey
    assert config["hostname"] == "x-api-0"


def test_a_private_machine_is_seen_as_private(context: Context) -> None:
    spec = slot(public_address=False)
    Instances().create(context, spec)
    found = only(context)
    assert found.spec == spec
    assert isinstance(found.facts, InstanceFacts)
    assert found.facts.public_ip is None


def test_any_number_of_machines_is_seen_by_two_calls(context: Context) -> None:
    instances = Instances()
    with ThreadPoolExecutor(8) as pool:
        specs = [slot(f"api-{index}", zone=f"eu-west-2{'abc'[index % 3]}") for index in range(20)]
        made = list(pool.map(lambda spec: instances.create(context, spec), specs))
    assert len(set(made)) == 20
    sent = Counter(name for _service, name in context.aws.calls)
    assert sent["RunInstances"] == 20
    aws = Aws("eu-west-2", endpoint_url=context.aws.endpoint_url)
    assert {one.spec for one in instances.observe(aws, STACK)} == set(specs)
    assert Counter(name for _service, name in aws.calls) == {
        "DescribeInstances": 1,
        "DescribeVolumes": 1,
    }


def test_machines_of_others_are_not_seen(context: Context) -> None:
    Instances().create(context, slot())
    assert Instances().observe(context.aws, replace(STACK, name="y")) == ()


def test_groups_and_metadata_options_are_changed_in_place(context: Context) -> None:
    instances = Instances()
    old = slot(imds_tokens=False, imds_hops=2)
    instances.create(context, old)
    new = slot(groups=frozenset({"api", "web"}))
    instances.update(context, only(context), new)
    found = only(context)
    assert found.spec == new
    assert found.spec_hash == spec_hash(new)
    facts = found.facts
    assert isinstance(facts, InstanceFacts)
    assert facts.hostkey


def test_a_stopped_machine_is_started_and_still_the_wished_one(context: Context) -> None:
    instances = Instances()
    id = instances.create(context, slot())
    context.aws.call("ec2", "stop_instances", InstanceIds=[id])
    until_stopped(context, id)
    found = only(context)
    assert found.spec == slot()
    assert isinstance(found.facts, InstanceFacts)
    assert found.facts.state == "stopped"
    instances.update(context, found, slot())
    after = only(context)
    assert isinstance(after.facts, InstanceFacts)
    assert after.facts.state == "running"


def until_stopped(context: Context, id: str) -> None:
    import botocore.session

    client = botocore.session.get_session().create_client(
        "ec2", region_name="eu-west-2", endpoint_url=context.aws.endpoint_url
    )
    client.get_waiter("instance_stopped").wait(
        InstanceIds=[id], WaiterConfig={"Delay": 0.2, "MaxAttempts": 100}
    )


def test_a_machine_is_ended_once_and_again(context: Context) -> None:
    instances = Instances()
    instances.create(context, slot())
    found = only(context)
    instances.delete(context, found)
    assert instances.observe(context.aws, STACK) == ()
    instances.delete(context, replace(found, id="i-0123456789abcdef0"))


def test_a_run_that_was_cut_off_leaves_a_machine_that_the_next_one_takes(
    context: Context,
) -> None:
    first = Instances().create(context, slot())
    context.lease = "lease-2"
    assert Instances().create(context, slot()) == first
    context.lease = "lease-3"
    other = Instances().create(context, slot(disk_gib=9))
    assert other != first
    assert {one.id for one in Instances().observe(context.aws, STACK)} == {first, other}


def addresses(context: Context) -> tuple[Found, ...]:
    return with_slots(
        ElasticIps().observe(context.aws, STACK), Instances().observe(context.aws, STACK)
    )


def test_an_address_is_made_once_follows_its_slot_and_is_let_go_of(context: Context) -> None:
    ips = ElasticIps()
    spec = ElasticIpSpec("api_lb-0", instance="api_lb-0")
    slots = Address(Kind.INSTANCE, "api_lb-0")
    old = context.ids[slots] = Instances().create(context, slot("api_lb-0"))
    id = ips.create(context, spec)
    assert ips.create(context, spec) == id
    (found,) = addresses(context)
    assert (found.spec, found.id, found.spec_hash) == (spec, id, spec_hash(spec))
    assert isinstance(found.facts, EndpointFacts)
    address = found.facts.host

    context.observed = replace(context.observed, found=Instances().observe(context.aws, STACK))
    context.lease = "lease-2"
    new = context.ids[slots] = Instances().create(context, slot("api_lb-0"))
    assert new != old
    (found,) = addresses(context)
    assert isinstance(found.spec, ElasticIpSpec)
    ips.update(context, found, spec)
    (moved,) = context.aws.pages("ec2", "describe_addresses", "Addresses")
    assert (moved["InstanceId"], moved["PublicIp"]) == (new, address)

    ips.update(context, found, replace(spec, instance=None))
    (loose,) = addresses(context)
    assert loose.spec == replace(spec, instance=None)
    ips.update(context, found, spec)
    ips.delete(context, found)
    assert ips.observe(context.aws, STACK) == ()
    ips.delete(context, found)


def test_an_address_that_carries_no_tag_of_ours_is_never_taken(context: Context) -> None:
    context.aws.call("ec2", "allocate_address", Domain="vpc")
    ElasticIps().create(context, ElasticIpSpec("api_lb-0"))
    given = context.aws.pages("ec2", "describe_addresses", "Addresses")
    assert sorted(tags.SLOT in tags.read(one.get("Tags")) for one in given) == [False, True]
