"""What EC2 has just made is not found at first: other parts of it do not know of it yet."""

from __future__ import annotations

import re

from aws_local.wire import Call
from aws_local.world import once, world

_MADE = re.compile(rb"\b(?:i|sg|eipalloc|subnet|vpc|igw|rtb)-[0-9a-f]{17}\b")
_MAKES = ("Run", "Create", "Allocate")
_LOOKS = (
    *("DescribeInstances", "DescribeSecurityGroups", "DescribeAddresses", "DescribeSubnets"),
    *("DescribeVpcs", "DescribeInternetGateways", "DescribeRouteTables"),
)
_CODES = {
    "i": "InvalidInstanceID.NotFound",
    "sg": "InvalidGroup.NotFound",
    "eipalloc": "InvalidAllocationID.NotFound",
    "subnet": "InvalidSubnetID.NotFound",
    "vpc": "InvalidVpcID.NotFound",
    "igw": "InvalidInternetGatewayID.NotFound",
    "rtb": "InvalidRouteTableID.NotFound",
}


def refused(call: Call) -> tuple[str, str] | None:
    """Code and message, for a look at what is not to be found yet."""
    if call.service != "ec2" or call.action not in _LOOKS:
        return None
    for value in sorted(call.values & world.hidden.keys()):
        if once(world.hidden, value):
            return _CODES[value.partition("-")[0]], f"The ID '{value}' does not exist"
    return None


def remember(call: Call, body: bytes) -> None:
    if not world.unseen or call.service != "ec2" or not call.action.startswith(_MAKES):
        return
    if call.action == "CreateTags":
        return
    for name in {one.decode() for one in _MADE.findall(body)} - call.values:
        world.hidden.setdefault(name, world.unseen)
