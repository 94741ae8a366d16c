"""The ids of a group's rules come with what was seen."""

from __future__ import annotations

from typing import Any

from mad.deploy.cloud.security_group import SecurityGroups
from mad.deploy.cloud.session import Aws
from mad.deploy.plan.model import GroupFacts
from mad.deploy.plan.specs import Rule, SecurityGroupSpec
from mad.deploy.stack.settings import Stack


def rule(id: str, **more: Any) -> dict[str, Any]:
    plain = {"SecurityGroupRuleId": id, "GroupId": "sg-1", "IsEgress": False, "IpProtocol": "tcp"}
    return {**plain, "FromPort": 22, "ToPort": 22, **more}


class Answers(Aws):
    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        del service, operation, parameters
        if key == "SecurityGroups":
            given = [{"Key": "mad:slot", "Value": "api"}]
            return [
                {"GroupId": "sg-1", "GroupName": "mad-x-api", "Description": "d", "Tags": given}
            ]
        return [
            rule("sgr-1", CidrIpv4="192.0.2.0/24"),
            rule("sgr-2", ReferencedGroupInfo={"GroupId": "sg-1"}),
            rule("sgr-3", CidrIpv4="0.0.0.0/0", IsEgress=True, IpProtocol="-1"),
            rule("sgr-4", CidrIpv4="198.51.100.7/32", Tags=[{"Key": "mad:lease", "Value": "me"}]),
        ]


def test_rules_are_seen_with_their_ids_and_leases_are_not() -> None:
    (found,) = SecurityGroups().observe(Answers("eu-west-2"), Stack("x", "eu-west-2"))
    ingress = {Rule(22, 22, "192.0.2.0/24"): "sgr-1", Rule(22, 22, "api"): "sgr-2"}
    egress = {Rule(-1, -1, "0.0.0.0/0", "-1"): "sgr-3"}
    assert found.facts == GroupFacts(ingress, egress)
    assert found.spec == SecurityGroupSpec("api", "d", frozenset(ingress), frozenset(egress))
