"""Who may reach which port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.names import group_name
from mad.deploy.cloud.own_network import mine
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.cloud.wait import retry
from mad.deploy.plan.model import Found, GroupFacts
from mad.deploy.plan.specs import Address, Kind, Rule, SecurityGroupSpec, Spec
from mad.deploy.stack.settings import Stack

PATIENCE_S = 600.0
"""How long a load balancer's or a cache's addresses may linger in a group."""

LEASE_S = 3600.0
"""How long a rule for the caller's own address lasts at most."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A rule as AWS has it."""

    id: str
    group: str
    egress: bool
    rule: Rule
    lease: str | None


class SecurityGroups:
    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        groups = aws.pages(
            "ec2", "describe_security_groups", "SecurityGroups", Filters=mine(stack.name)
        )
        if not groups:
            return ()
        ids = {str(one["GroupId"]): _slot(one) for one in groups}
        rules = _rules(aws, ids, ids)
        return tuple(
            Found(
                spec=SecurityGroupSpec(
                    name=_slot(one),
                    description=str(one.get("Description", "")),
                    ingress=_of(rules, str(one["GroupId"]), egress=False),
                    egress=_of(rules, str(one["GroupId"]), egress=True),
                ),
                id=str(one["GroupId"]),
                facts=GroupFacts(
                    ingress=_ids(rules, str(one["GroupId"]), egress=False),
                    egress=_ids(rules, str(one["GroupId"]), egress=True),
                ),
                spec_hash=tags.read(one.get("Tags")).get(tags.SPEC),
            )
            for one in groups
        )

    def create(self, context: Context, spec: Spec) -> str:
        assert isinstance(spec, SecurityGroupSpec)
        aws = context.aws
        vpc = context.ids.get(Address(Kind.VPC, "main")) or context.observed.surroundings.vpc
        name = group_name(context.stack.name, spec.name)
        try:
            id = str(
                aws.call(
                    "ec2",
                    "create_security_group",
                    GroupName=name,
                    Description=spec.description or f"{spec.name} of {context.stack.name}",
                    VpcId=vpc,
                    TagSpecifications=[
                        {
                            "ResourceType": "security-group",
                            "Tags": tags.pairs(context.tags_of(spec)),
                        }
                    ],
                )["GroupId"]
            )
        except AwsError as error:
            if error.code != "InvalidGroup.Duplicate":
                raise
            id = self._left(context, spec, error)
        aws.made(id)
        self._settle(context, id, spec)
        return id

    def _left(self, context: Context, spec: SecurityGroupSpec, error: AwsError) -> str:
        """One of that name is there: ours of an interrupted run, or somebody's."""
        found = context.aws.pages(
            "ec2",
            "describe_security_groups",
            "SecurityGroups",
            Filters=mine(context.stack.name, slot=spec.name),
        )
        if not found:
            raise error
        return str(found[0]["GroupId"])

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        assert isinstance(spec, SecurityGroupSpec)
        self._settle(context, found.id, spec)
        context.aws.call(
            "ec2", "create_tags", Resources=[found.id], Tags=tags.pairs(context.tags_of(spec))
        )

    def delete(self, context: Context, found: Found) -> None:
        """First the rules of others that let it in: two groups may hold each other."""
        aws = context.aws
        for one in _referring(aws, found.id, context.stack.name):
            _revoke(aws, one.group, [one])
        try:
            retry(
                lambda: aws.call("ec2", "delete_security_group", GroupId=found.id),
                ("DependencyViolation",),
                context=context,
                what=lambda: "used by " + (", ".join(_holders(aws, found.id)) or "something"),
                deadline_s=PATIENCE_S,
            )
        except AwsError as error:
            if error.code == "InvalidGroup.NotFound":
                return
            if error.code == "DependencyViolation":
                error.message = f"{error.message} Held by {', '.join(_holders(aws, found.id))}"
            raise

    def _settle(self, context: Context, id: str, spec: SecurityGroupSpec) -> None:
        """Makes the rules as they should be: what lacks is let in before what is too much goes."""
        aws = context.aws
        names = {
            one_id: address.name
            for address, one_id in context.ids.items()
            if address.kind == Kind.SECURITY_GROUP
        } | {id: spec.name}
        seen = _rules(aws, [id], names)
        groups = {name: one_id for one_id, name in names.items()}
        for egress, wanted in ((False, spec.ingress), (True, spec.egress)):
            there = [one for one in seen if one.egress == egress and one.lease is None]
            known = {one.rule for one in there}
            lacking = sorted(wanted - known)
            if lacking:
                _authorize(aws, id, egress, lacking, groups, context.stack.name)
            _revoke(aws, id, [one for one in there if one.rule not in wanted])


def open_lease(context: Context, group: str, cidr: str) -> None:
    """Lets the caller's own address use ssh until `close_leases`, or for an hour at most."""
    ends = (datetime.now(UTC) + timedelta(seconds=LEASE_S)).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        context.aws.call(
            "ec2",
            "authorize_security_group_ingress",
            GroupId=group,
            IpPermissions=[_permission(Rule(22, 22, cidr), {})],
            TagSpecifications=[
                {
                    "ResourceType": "security-group-rule",
                    "Tags": tags.pairs(
                        {
                            tags.STACK: context.stack.name,
                            tags.LEASE: f"{context.lease} until {ends}",
                        }
                    ),
                }
            ],
        )
    except AwsError as error:
        if error.code != "InvalidPermission.Duplicate":
            raise


def close_leases(aws: Aws, groups: Iterable[str], lease: str | None) -> int:
    """Takes the rules of a run away, of None those whose time is over; gives how many."""
    ids = list(groups)
    if not ids:
        return 0
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    closed = 0
    for one in _rules(aws, ids, {}):
        if one.lease is None:
            continue
        whose, _, until = one.lease.partition(" until ")
        if whose == lease or (lease is None and until < now):
            _revoke(aws, one.group, [one])
            closed += 1
    return closed


def _slot(given: Mapping[str, Any]) -> str:
    return tags.read(given.get("Tags")).get(tags.SLOT) or str(given.get("GroupName", ""))


def _of(rules: Iterable[_Seen], group: str, *, egress: bool) -> frozenset[Rule]:
    return frozenset(_ids(rules, group, egress=egress))


def _ids(rules: Iterable[_Seen], group: str, *, egress: bool) -> dict[Rule, str]:
    """Leases are not of the group: nobody is to keep them."""
    return {
        one.rule: one.id
        for one in rules
        if one.group == group and one.egress == egress and one.lease is None
    }


def _rules(aws: Aws, groups: Iterable[str], names: Mapping[str, str]) -> list[_Seen]:
    """The rules of groups; other groups by name where `names` knows their ids."""
    given = aws.pages(
        "ec2",
        "describe_security_group_rules",
        "SecurityGroupRules",
        Filters=[{"Name": "group-id", "Values": sorted(groups)}],
    )
    return [_seen(one, names) for one in given]


def _referring(aws: Aws, id: str, stack: str | None = None) -> list[_Seen]:
    """Rules of other groups that name this one: of all groups, or of a stack's own."""
    others: set[str] = set()
    for way in ("ip-permission", "egress.ip-permission"):
        groups = aws.pages(
            "ec2",
            "describe_security_groups",
            "SecurityGroups",
            Filters=[
                {"Name": f"{way}.group-id", "Values": [id]},
                *(mine(stack) if stack else ()),
            ],
        )
        others |= {str(one["GroupId"]) for one in groups if one["GroupId"] != id}
    return [one for one in _rules(aws, others, {}) if one.rule.source == id] if others else []


def _seen(given: Mapping[str, Any], names: Mapping[str, str]) -> _Seen:
    other = (given.get("ReferencedGroupInfo") or {}).get("GroupId")
    source = names.get(other, other) if other else None
    source = source or given.get("CidrIpv4") or given.get("CidrIpv6") or given.get("PrefixListId")
    protocol = str(given["IpProtocol"])
    # Without ports, AWS says -1 or nothing.
    ports = (given.get("FromPort", -1), given.get("ToPort", -1)) if protocol != "-1" else (-1, -1)
    return _Seen(
        id=str(given["SecurityGroupRuleId"]),
        group=str(given["GroupId"]),
        egress=bool(given.get("IsEgress")),
        rule=Rule(int(ports[0]), int(ports[1]), str(source), protocol),
        lease=tags.read(given.get("Tags")).get(tags.LEASE),
    )


def _permission(rule: Rule, groups: Mapping[str, str]) -> dict[str, Any]:
    permission: dict[str, Any] = {"IpProtocol": rule.protocol}
    if rule.protocol != "-1":
        permission |= {"FromPort": rule.first_port, "ToPort": rule.last_port}
    if rule.group is not None:
        if rule.group not in groups:
            raise AwsError(
                "ec2", "AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", rule.group
            )
        permission["UserIdGroupPairs"] = [{"GroupId": groups[rule.group]}]
    elif ":" in rule.source:
        permission["Ipv6Ranges"] = [{"CidrIpv6": rule.source}]
    else:
        permission["IpRanges"] = [{"CidrIp": rule.source}]
    return permission


def _authorize(
    aws: Aws, id: str, egress: bool, rules: list[Rule], groups: Mapping[str, str], stack: str
) -> None:
    way = "egress" if egress else "ingress"
    for rule in rules:
        try:
            aws.call(
                "ec2",
                f"authorize_security_group_{way}",
                GroupId=id,
                IpPermissions=[_permission(rule, groups)],
                TagSpecifications=[
                    {
                        "ResourceType": "security-group-rule",
                        "Tags": tags.pairs({tags.STACK: stack}),
                    }
                ],
            )
        except AwsError as error:
            if error.code != "InvalidPermission.Duplicate":
                raise


def _revoke(aws: Aws, id: str, rules: list[_Seen]) -> None:
    for egress in (False, True):
        ids = [one.id for one in rules if one.egress == egress]
        if not ids:
            continue
        way = "egress" if egress else "ingress"
        try:
            aws.call(
                "ec2",
                f"revoke_security_group_{way}",
                GroupId=id,
                SecurityGroupRuleIds=ids,
            )
        except AwsError as error:
            gone = ("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound")
            if error.code not in (*gone, "InvalidGroup.NotFound"):
                raise


def _holders(aws: Aws, id: str) -> list[str]:
    """What keeps a group from being deleted, by names for people."""
    used = aws.pages(
        "ec2",
        "describe_network_interfaces",
        "NetworkInterfaces",
        Filters=[{"Name": "group-id", "Values": [id]}],
    )
    said = []
    for one in used:
        instance = (one.get("Attachment") or {}).get("InstanceId")
        what = one.get("Description") or one.get("InterfaceType") or "network interface"
        said.append(str(instance or f"{what} ({one['NetworkInterfaceId']})"))
    said += [f"a rule of {one.group}" for one in _referring(aws, id)]
    return sorted(set(said))
