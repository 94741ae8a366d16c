"""Which actions of AWS the calls of `mad.deploy` are. Each name here is called somewhere, or
implied by a call (`mad.deploy.cloud.policy_implied`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mad.deploy.cloud.policy import Options


def of(service: str, names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names.split())


def look(options: Options) -> tuple[str, ...]:
    return (
        *of(
            "ec2",
            "DescribeAccountAttributes DescribeAddresses DescribeAvailabilityZones DescribeImages "
            "DescribeInstanceTypeOfferings DescribeInstanceTypes DescribeInstances "
            "DescribeKeyPairs DescribeNetworkInterfaces DescribeRegions DescribeSecurityGroupRules "
            "DescribeSecurityGroups DescribeSubnets DescribeVolumes DescribeVpcs",
        ),
        *(of("ec2", "DescribeInternetGateways") if _balanced(options) or options.own_vpc else ()),
        *(of("ec2", "DescribeRouteTables DescribeVpcAttribute") if options.own_vpc else ()),
        *(
            of(
                "elasticloadbalancing",
                "DescribeLoadBalancerAttributes DescribeLoadBalancers DescribeTags",
            )
            if _balanced(options)
            else ()
        ),
        *(
            of(
                "elasticloadbalancing",
                "DescribeListeners DescribeTargetGroupAttributes DescribeTargetGroups "
                "DescribeTargetHealth",
            )
            if options.alb
            else ()
        ),
    )


MAKE = of("ec2", "AllocateAddress CreateSecurityGroup ImportKeyPair")
MAKE_RULES = of("ec2", "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress")
MAKE_NETWORK = of("ec2", "CreateInternetGateway CreateRouteTable CreateSubnet")
MAKE_VPC = of("ec2", "CreateVpc")


def makers(options: Options) -> tuple[str, ...]:
    """All that take tags, as `ec2:CreateAction` knows them."""
    made = (*MAKE, *MAKE_RULES, "ec2:RunInstances")
    if options.own_vpc:
        made = (*made, *MAKE_NETWORK, *MAKE_VPC)
    return tuple(sorted(action.partition(":")[2] for action in made))


MAKE_FROM = of("ec2", "CreateSecurityGroup RunInstances")


def change(options: Options) -> tuple[str, ...]:
    """Those that need the tag on what they touch."""
    return (
        *of(
            "ec2",
            "AssociateAddress AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress "
            "CreateTags DeleteKeyPair DeleteSecurityGroup DisassociateAddress "
            "ModifyInstanceAttribute ModifyInstanceMetadataOptions ReleaseAddress "
            "RevokeSecurityGroupEgress RevokeSecurityGroupIngress RunInstances StartInstances "
            "TerminateInstances",
        ),
        *(
            of(
                "ec2",
                "AssociateRouteTable AttachInternetGateway CreateRoute CreateRouteTable "
                "CreateSubnet DeleteInternetGateway DeleteRouteTable DeleteSubnet DeleteVpc "
                "DetachInternetGateway DisassociateRouteTable ModifySubnetAttribute "
                "ModifyVpcAttribute",
            )
            if options.own_vpc
            else ()
        ),
    )


def default_vpc(options: Options) -> tuple[str, ...]:
    return of("ec2", "CreateDefaultVpc") if options.default_vpc else ()


def cache(options: Options) -> tuple[str, ...]:
    if not options.redis:
        return ()
    return (
        *of(
            "elasticache",
            "AddTagsToResource CreateCacheSubnetGroup CreateReplicationGroup DecreaseReplicaCount "
            "DeleteCacheSubnetGroup DeleteReplicationGroup DescribeCacheClusters "
            "DescribeCacheSubnetGroups DescribeReplicationGroups IncreaseReplicaCount "
            "ListTagsForResource ModifyCacheSubnetGroup ModifyReplicationGroup",
        ),
        # What is adopted and does not fit loses the tags again.
        *(of("elasticache", "RemoveTagsFromResource") if options.adopt else ()),
    )


def balance(options: Options) -> tuple[str, ...]:
    names: set[str] = set()
    if _balanced(options):
        names |= {"AddTags", "CreateLoadBalancer", "DeleteLoadBalancer"}
        names |= {"ModifyLoadBalancerAttributes"}
    if options.classic:
        names |= {"ApplySecurityGroupsToLoadBalancer", "AttachLoadBalancerToSubnets"}
        names |= {"ConfigureHealthCheck", "DeregisterInstancesFromLoadBalancer"}
        names |= {"DetachLoadBalancerFromSubnets", "RegisterInstancesWithLoadBalancer"}
        names |= {"CreateLoadBalancerListeners", "DeleteLoadBalancerListeners"}
    if options.alb:
        names |= {"CreateListener", "CreateTargetGroup", "DeleteListener", "DeleteTargetGroup"}
        names |= {"DeregisterTargets", "ModifyTargetGroup", "ModifyTargetGroupAttributes"}
        names |= {"RegisterTargets", "SetSecurityGroups", "SetSubnets"}
    return of("elasticloadbalancing", " ".join(sorted(names)))


SECRETS = of(
    "ssm", "AddTagsToResource DeleteParameter GetParameter GetParametersByPath PutParameter"
)
SECRETS_KEY = of("kms", "Decrypt Encrypt")
IMAGES = of("ssm", "GetParameters")
QUOTA = of("servicequotas", "GetServiceQuota")
EXPLAIN = of("sts", "DecodeAuthorizationMessage")
LOCK_OBJECT = of("s3", "DeleteObject GetObject PutObject")
LOCK_BUCKET = of("s3", "ListBucket")
RELEASES = of("s3", "GetObject")
RELEASES_THERE = of("s3", "ListBucket")


def services(options: Options) -> tuple[str, ...]:
    return (
        *(("elasticache.amazonaws.com",) if options.redis else ()),
        *(("elasticloadbalancing.amazonaws.com",) if _balanced(options) else ()),
    )


def first_use(options: Options) -> tuple[str, ...]:
    return of("iam", "CreateServiceLinkedRole") if services(options) else ()


def _balanced(options: Options) -> bool:
    return options.classic or options.alb
