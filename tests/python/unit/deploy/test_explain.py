"""Every error of AWS that people can meet: what it says, and what they are told."""

from __future__ import annotations

import pytest

from mad.deploy.cloud import errors
from mad.deploy.cloud.errors import action_of, explain
from mad.deploy.cloud.session import AwsError

AGAIN = "run the same command again"
NAME = "choose another `name` for the stack"
OWN_VPC = '`vpc = "own"`'
ENABLE = "in a region that must be opted into, enable it"

# Service, operation, code, what AWS says; parts of the sentence; parts of the remedy.
Row = tuple[str, str, str, str, tuple[str, ...], tuple[str, ...]]

ROWS: list[Row] = [
    # Who calls.
    ("sts", "GetCallerIdentity", "NoCredentials", "", ("no credentials",), ("aws sso login",)),
    ("sts", "GetCallerIdentity", "NoProfile", "(x)", ("profile", "(x)"), ("list-profiles",)),
    ("ec2", "DescribeVpcs", "ExpiredToken", "", ("have expired",), ("log in again",)),
    ("ssm", "GetParameter", "ExpiredTokenException", "", ("have expired",), ("log in again",)),
    ("ec2", "DescribeVpcs", "RequestExpired", "t", ("too old", "t"), ("clock",)),
    ("ec2", "DescribeVpcs", "AuthFailure", "no", ("does not accept", "no"), (ENABLE,)),
    ("sts", "GetCallerIdentity", "InvalidClientTokenId", "", ("access key",), (ENABLE,)),
    ("ssm", "GetParameter", "UnrecognizedClientException", "", ("access key",), (ENABLE,)),
    ("ec2", "DescribeVpcs", "OptInRequired", "af-south-1", ("opted in", "af-south-1"), ("enable",)),
    ("sts", "GetCallerIdentity", "SignatureDoesNotMatch", "", ("signature",), ("secret", "clock")),
    ("s3", "PutObject", "RequestTimeTooSkewed", "", ("clock is wrong",), ("set it",)),
    # The way there.
    ("ec2", "DescribeVpcs", "NoConnection", "u", ("cannot be reached", "u"), ("--endpoint-url",)),
    ("ec2", "DescribeVpcs", "NotAws", "", ("not AWS",), ("--endpoint-url",)),
    ("ec2", "DescribeVpcs", "NoTrust", "u", ("certificate", "u"), ("AWS_CA_BUNDLE",)),
    ("ec2", "DescribeVpcs", "NoRegion", "x y", ("region", "x y"), ("`region`",)),
    ("ec2", "", "BadEndpoint", "nowhere", ("endpoint", "nowhere"), ("--endpoint-url",)),
    ("ec2", "DescribeVpcs", "Throttling", "", ("fewer calls",), (AGAIN,)),
    ("ssm", "PutParameter", "ThrottlingException", "", ("fewer calls",), (AGAIN,)),
    ("ec2", "RunInstances", "RequestLimitExceeded", "", ("fewer calls",), (AGAIN,)),
    ("ec2", "RunInstances", "InternalError", "e", ("failed by itself", "e"), (AGAIN,)),
    ("ec2", "RunInstances", "Server.InternalError", "e", ("failed by itself",), (AGAIN,)),
    ("elb", "CreateLoadBalancer", "InternalFailure", "e", ("failed by itself",), (AGAIN,)),
    ("elb", "CreateLoadBalancer", "ServiceUnavailable", "e", ("failed by itself",), (AGAIN,)),
    ("ec2", "RunInstances", "Unavailable", "e", ("failed by itself",), (AGAIN,)),
    # The network.
    ("ec2", "RunInstances", "VPCIdNotSpecified", "", ("no default VPC",), (OWN_VPC,)),
    (
        *("ec2", "DescribeVpcs", "NoDefaultVpc", "none in eu-west-2", ("no default VPC",)),
        ("--create-default-vpc", OWN_VPC, '`vpc = "vpc-…"`', "[network]"),
    ),
    ("ec2", "CreateSubnet", "DefaultVpcDoesNotExist", "", ("no default VPC",), (OWN_VPC,)),
    ("ec2", "DescribeVpcs", "InvalidVpcID.NotFound", "vpc-1", ("VPC", "vpc-1"), ("`vpc`",)),
    ("ec2", "DescribeSubnets", "NoSubnets", "vpc-1", ("no subnet", "vpc-1"), (OWN_VPC,)),
    # Names that others have.
    (
        *("ec2", "ImportKeyPair", "KeyPairMismatch", "mad-x", ("another key", "mad-x")),
        ("`public_key`", "[ssh]"),
    ),
    ("ec2", "ImportKeyPair", "InvalidKeyPair.Duplicate", "mad-x", ("mad-x",), (NAME,)),
    ("ec2", "ImportKeyPair", "InvalidKey.Format", "bad", ("public key", "bad"), ("ed25519", "RSA")),
    (
        "ec2",
        "CreateSecurityGroup",
        "InvalidGroup.Duplicate",
        "g",
        ("not this stack's", "g"),
        (NAME,),
    ),
    ("elb", "CreateLoadBalancer", "DuplicateLoadBalancerName", "w", ("w",), ("`adopt`", NAME)),
    (
        *("elasticache", "CreateReplicationGroup", "ReplicationGroupAlreadyExistsFault", ""),
        *(("not this stack's",), ("`adopt`", NAME)),
    ),
    (
        *("elasticache", "CreateReplicationGroup", "ReplicationGroupAlreadyExists", ""),
        *(("not this stack's",), ("`adopt`", NAME)),
    ),
    ("elb", "CreateLoadBalancer", "ForeignName", "w", ("not this stack's", "w"), ("`adopt`",)),
    # Machines.
    ("ec2", "RunInstances", "InvalidAMIID.NotFound", "ami-1", ("ami-1", "region"), ("`image`",)),
    ("ec2", "RunInstances", "InvalidAMIID.Malformed", "ami-?", ("ami-?",), ("`image`",)),
    ("ssm", "GetParameter", "ParameterNotFound", "/a", ("/a",), ("`image`", "`ami-…`")),
    ("ec2", "RunInstances", "InvalidInstanceType", "t9.x", ("t9.x",), ("`type`",)),
    ("ec2", "RunInstances", "InvalidParameterValue", "v", ("v",), ("stack file",)),
    ("ec2", "RunInstances", "IdempotentParameterMismatch", "t", ("two ways", "t"), (AGAIN,)),
    ("ec2", "RunInstances", "IdempotentInstanceTerminated", "t", ("was ended", "t"), (AGAIN,)),
    ("ec2", "DescribeInstances", "InstanceTerminated", "i-1", ("ended", "i-1"), (AGAIN,)),
    ("ec2", "RunInstances", "HostKey", "none", ("host key", "none"), ("ssh-keygen",)),
    ("ec2", "StartInstances", "IncorrectInstanceState", "i-1", ("i-1",), (AGAIN,)),
    ("ec2", "TerminateInstances", "OperationNotPermitted", "i-1", ("i-1",), ("protection",)),
    # Capacity.
    ("ec2", "RunInstances", "InsufficientInstanceCapacity", "a", ("no machine", "a"), ("`type`",)),
    ("ec2", "RunInstances", "Unsupported", "a", ("does not offer", "a"), ("`type`",)),
    (
        *("elasticache", "CreateReplicationGroup", "InsufficientCacheClusterCapacity", "a"),
        *(("no cache node", "a"), ("`type`", "[redis]")),
    ),
    # What is in use or being changed.
    ("ec2", "DeleteSecurityGroup", "DependencyViolation", "held by i-1", ("i-1",), (AGAIN,)),
    ("ec2", "ReleaseAddress", "InvalidIPAddress.InUse", "eip", ("in use", "eip"), (AGAIN,)),
    (
        "elasticache",
        "ModifyReplicationGroup",
        "InvalidReplicationGroupState",
        "m",
        ("m",),
        (AGAIN,),
    ),
    (
        *("elasticache", "ModifyReplicationGroup", "InvalidReplicationGroupStateFault", "m"),
        *(("m",), (AGAIN,)),
    ),
    ("mad", "wait", "Cancelled", "starting", ("interrupted", "starting"), ("goes on",)),
    ("mad", "wait", "TimedOut", "starting", ("in time", "starting"), ("goes on",)),
    # What is gone.
    ("ec2", "StartInstances", "InvalidInstanceID.NotFound", "i-1", ("i-1",), (AGAIN,)),
    ("elasticache", "X", "CacheClusterNotFoundFault", "c", ("c",), (AGAIN,)),
    # Roles and limits without a number.
    (
        *("elasticache", "CreateReplicationGroup", "ServiceLinkedRoleNotFoundFault", "r"),
        *(("r",), ("iam:CreateServiceLinkedRole",)),
    ),
    ("ec2", "X", "SomethingLimitExceeded", "s", ("limit", "s"), ("ask AWS",)),
    ("elasticache", "X", "TagQuotaExceeded", "s", ("limit", "s"), ("ask AWS",)),
    # Whatever else.
    ("ec2", "RunInstances", "Odd", "o", ("ec2:RunInstances", "Odd", "o"), (AGAIN,)),
    ("ec2", "RunInstances", "", "o", ("an unknown error", "o"), (AGAIN,)),
]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[2] or 'nothing'}" for row in ROWS])
def test_an_error_becomes_a_sentence_and_a_remedy(row: Row) -> None:
    service, operation, code, message, sentence, remedy = row
    told = explain(AwsError(service, operation, code, message))
    for part in sentence:
        assert part in told.sentence
    for part in remedy:
        assert part in told.remedy
    assert not told.sentence.endswith((".", ":", " "))
    assert told.remedy[0] in "`abcdefghijklmnopqrstuvwxyz"


QUOTAS = [
    ("ec2", "RunInstances", "VcpuLimitExceeded", "vCPUs", "L-1216C47A"),
    ("ec2", "RunInstances", "InstanceLimitExceeded", "running instances", "L-1216C47A"),
    ("ec2", "RunInstances", "MaxSpotInstanceCountExceeded", "spot instances", "L-34B43A08"),
    ("ec2", "RunInstances", "VolumeLimitExceeded", "gp3 storage", "L-7A658B76"),
    ("ec2", "AllocateAddress", "AddressLimitExceeded", "Elastic IPs", "L-0263D0A3"),
    ("ec2", "CreateSecurityGroup", "SecurityGroupLimitExceeded", "groups", "L-E79EC296"),
    (
        *("ec2", "AuthorizeSecurityGroupIngress", "RulesPerSecurityGroupLimitExceeded"),
        *("rules of a security group", "L-0EA8095F"),
    ),
    ("ec2", "CreateVpc", "VpcLimitExceeded", "VPCs", "L-F678F1CE"),
    ("ec2", "CreateInternetGateway", "InternetGatewayLimitExceeded", "gateways", "L-A4707A72"),
    ("ec2", "CreateSubnet", "SubnetLimitExceeded", "subnets", "L-407747CB"),
    ("elb", "CreateLoadBalancer", "TooManyLoadBalancers", "classic load", "L-E9E9831D"),
    ("elbv2", "CreateLoadBalancer", "TooManyLoadBalancers", "application load", "L-53DA6B97"),
    ("elbv2", "CreateTargetGroup", "TooManyTargetGroups", "target groups", "L-B22855CB"),
    ("elasticache", "X", "NodeQuotaForCustomerExceeded", "cache nodes", "L-DFE45DF3"),
    ("elasticache", "X", "NodeQuotaForClusterExceeded", "cache nodes", "L-AF354865"),
    ("elasticache", "X", "ClusterQuotaForCustomerExceededFault", "cache", "L-DFE45DF3"),
    (
        "elasticache",
        "X",
        "CacheSubnetGroupQuotaExceeded",
        "subnet groups",
        "services/elasticache/quotas",
    ),
    ("ssm", "PutParameter", "ParameterLimitExceeded", "parameters", "services/ssm/quotas"),
]


@pytest.mark.parametrize(("service", "operation", "code", "what", "number"), QUOTAS)
def test_a_limit_is_told_with_its_quota_and_where_it_is_raised(
    service: str, operation: str, code: str, what: str, number: str
) -> None:
    told = explain(AwsError(service, operation, code, "You asked for 9."), "eu-west-2")
    assert what in told.sentence
    assert "You asked for 9" in told.sentence
    assert number in told.remedy
    assert "https://eu-west-2.console.aws.amazon.com/servicequotas/" in told.remedy


WHO = "arn:aws:iam::123456789012:user/robot"
DENIED = [
    (
        *("elasticache", "CreateReplicationGroup", "AccessDenied"),
        f"User: {WHO} is not authorized to perform: elasticache:CreateReplicationGroup on "
        "resource: arn:aws:elasticache:x because no identity-based policy allows it",
        *("elasticache:CreateReplicationGroup", WHO),
    ),
    (
        *("ssm", "PutParameter", "AccessDeniedException"),
        f"User: {WHO} is not authorized to perform: kms:Encrypt on resource: k",
        *("kms:Encrypt", WHO),
    ),
    (
        *("elasticache", "CreateReplicationGroup", "InvalidParameterCombination"),
        f"User: {WHO} is not authorized to perform: iam:CreateServiceLinkedRole on resource: r",
        *("iam:CreateServiceLinkedRole", WHO),
    ),
    (
        "ec2",
        "RunInstances",
        "UnauthorizedOperation",
        "You are not.",
        "ec2:RunInstances",
        "the caller",
    ),
    (
        "elb",
        "CreateLoadBalancer",
        "AccessDenied",
        "",
        "elasticloadbalancing:CreateLoadBalancer",
        "",
    ),
    ("elbv2", "CreateRule", "UnauthorizedAccess", "", "elasticloadbalancing:CreateRule", ""),
    ("ssm", "PutParameter", "NotAuthorized", "", "ssm:PutParameter", ""),
]


@pytest.mark.parametrize(("service", "operation", "code", "message", "action", "who"), DENIED)
def test_a_refusal_names_the_action_that_is_missing(
    service: str, operation: str, code: str, message: str, action: str, who: str
) -> None:
    error = AwsError(service, operation, code, message)
    assert action_of(error) == action
    told = explain(error)
    assert action in told.sentence
    assert who in told.sentence
    assert "iam-policy" in told.remedy
    assert "explicit deny" not in told.sentence


def test_an_explicit_deny_is_told() -> None:
    message = f"User: {WHO} is not authorized to perform: ec2:RunInstances with an explicit deny"
    assert "explicit deny" in explain(AwsError("ec2", "X", "AccessDenied", message)).sentence


def test_every_code_of_the_table_has_a_row_here() -> None:
    rows = {row[2].removeprefix("Server.") for row in ROWS}
    assert rows >= errors._TABLE.keys()
    codes = {key.rpartition(":")[2] for key in errors._QUOTAS}
    assert {row[2].removesuffix("Fault") for row in QUOTAS} == codes
    assert {row[2] for row in DENIED} >= set(errors._DENIED)
    for end, _says, _do in errors._SUFFIXES:
        assert any(code.endswith(end) for code in rows), end
