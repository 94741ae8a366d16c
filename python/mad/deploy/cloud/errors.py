"""Errors of AWS as people need them: one sentence, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mad.deploy.cloud.session import AwsError


@dataclass(frozen=True, slots=True)
class Explained:
    sentence: str
    remedy: str


# What there are too many of, whose limit it is, and its number where it is known.
_QUOTAS = {
    "VcpuLimitExceeded": ("vCPUs of running on-demand instances", "ec2", "L-1216C47A"),
    "InstanceLimitExceeded": ("running instances", "ec2", "L-1216C47A"),
    "MaxSpotInstanceCountExceeded": ("spot instances", "ec2", "L-34B43A08"),
    "AddressLimitExceeded": ("Elastic IPs", "ec2", "L-0263D0A3"),
    "SecurityGroupLimitExceeded": ("security groups of a VPC", "vpc", "L-E79EC296"),
    "RulesPerSecurityGroupLimitExceeded": ("rules of a security group", "vpc", "L-0EA8095F"),
    "VpcLimitExceeded": ("VPCs", "vpc", "L-F678F1CE"),
    "InternetGatewayLimitExceeded": ("internet gateways", "vpc", "L-A4707A72"),
    "SubnetLimitExceeded": ("subnets of a VPC", "vpc", "L-407747CB"),
    "VolumeLimitExceeded": ("gp3 storage", "ebs", "L-7A658B76"),
    "TooManyLoadBalancers": ("classic load balancers", "elasticloadbalancing", "L-E9E9831D"),
    "elbv2:TooManyLoadBalancers": (
        *("application load balancers", "elasticloadbalancing", "L-53DA6B97"),
    ),
    "TooManyTargetGroups": ("target groups", "elasticloadbalancing", "L-B22855CB"),
    "NodeQuotaForCustomerExceeded": ("cache nodes", "elasticache", "L-DFE45DF3"),
    "NodeQuotaForClusterExceeded": ("cache nodes of a cluster", "elasticache", "L-AF354865"),
    "ClusterQuotaForCustomerExceeded": ("cache clusters", "elasticache", "L-DFE45DF3"),
    "CacheSubnetGroupQuotaExceeded": ("cache subnet groups", "elasticache", ""),
    "ParameterLimitExceeded": ("parameters", "ssm", ""),
}

_DENIED = (
    "UnauthorizedOperation",
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedAccess",
    "NotAuthorized",
)

_IAM_PREFIX = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}

# Code: what is so (`{message}` is what AWS says), and what to do.
_TABLE: dict[str, tuple[str, str]] = {
    "NoCredentials": (
        "There are no credentials for AWS",
        "run `aws configure` or `aws sso login`, set AWS_PROFILE, or give --profile",
    ),
    "NoProfile": (
        "The profile does not exist: {message}",
        "look at `aws configure list-profiles`, or leave --profile and AWS_PROFILE out",
    ),
    "NoConnection": (
        "AWS cannot be reached: {message}",
        "check the network, a proxy (HTTPS_PROXY), --region and --endpoint-url",
    ),
    "NotAws": (
        "What answers is not AWS",
        "check --endpoint-url and AWS_ENDPOINT_URL, and whether a proxy answers in its place",
    ),
    "NoTrust": (
        "The certificate of AWS is not trusted: {message}",
        "set AWS_CA_BUNDLE to the certificates of your proxy",
    ),
    "NoRegion": ("The region is not one: {message}", "correct `region` in the stack file"),
    "BadEndpoint": ("The endpoint is not an address: {message}", "correct --endpoint-url"),
    "ExpiredToken": ("The credentials have expired", "log in again (`aws sso login`)"),
    "ExpiredTokenException": ("The credentials have expired", "log in again (`aws sso login`)"),
    "RequestExpired": (
        "AWS finds the request too old: {message}",
        "set this machine's clock (`timedatectl set-ntp true`), or log in again",
    ),
    "AuthFailure": (
        "AWS does not accept the credentials: {message}",
        "check the access key; in a region that must be opted into, enable it for the account",
    ),
    "InvalidClientTokenId": (
        "AWS does not know the access key",
        "check AWS_ACCESS_KEY_ID and the profile; in a region that must be opted into, enable it",
    ),
    "UnrecognizedClientException": (
        "AWS does not know the access key",
        "check AWS_ACCESS_KEY_ID and the profile; in a region that must be opted into, enable it",
    ),
    "OptInRequired": (
        "The account has not opted in: {message}",
        "enable the region or the service in the account's settings",
    ),
    "SignatureDoesNotMatch": (
        "AWS does not accept the signature",
        "check the secret access key and this machine's clock",
    ),
    "RequestTimeTooSkewed": (
        "This machine's clock is wrong",
        "set it (`timedatectl set-ntp true`)",
    ),
    "Throttling": ("AWS asks for fewer calls", "run the same command again in a minute"),
    "ThrottlingException": ("AWS asks for fewer calls", "run the same command again in a minute"),
    "RequestLimitExceeded": ("AWS asks for fewer calls", "run the same command again in a minute"),
    "InsufficientInstanceCapacity": (
        "AWS has no machine of that type left: {message}",
        "run the same command again later, or choose another `type`",
    ),
    "InsufficientCacheClusterCapacity": (
        "AWS has no cache node of that type left: {message}",
        "run the same command again later, or choose another `type` under [redis]",
    ),
    "Unsupported": ("AWS does not offer that here: {message}", "choose another `type` or region"),
    "VPCIdNotSpecified": (
        "The account has no default VPC in this region",
        'make one with --create-default-vpc, or set `vpc = "own"` or `vpc = "vpc-…"` '
        "under [network]",
    ),
    "NoDefaultVpc": (
        "The account has no default VPC in this region",
        'make one with --create-default-vpc, or set `vpc = "own"` or `vpc = "vpc-…"` '
        "under [network]",
    ),
    "DefaultVpcDoesNotExist": (
        "The account has no default VPC in this region",
        'make one with --create-default-vpc, or set `vpc = "own"` or `vpc = "vpc-…"` '
        "under [network]",
    ),
    "InvalidVpcID.NotFound": (
        "The VPC does not exist: {message}",
        "correct `vpc` under [network], or the region",
    ),
    "NoSubnets": (
        "The VPC has no subnet for our machines: {message}",
        'give each zone a public subnet, or set `vpc = "own"` under [network]',
    ),
    "KeyPairMismatch": (
        "A key pair of that name exists and is another key: {message}",
        "remove it in AWS if nobody uses it, or give its public half as `public_key` under [ssh]",
    ),
    "InvalidKeyPair.Duplicate": (
        "A key pair of that name exists: {message}",
        "remove it in AWS if nobody uses it, or choose another `name` for the stack",
    ),
    "InvalidKey.Format": (
        "AWS does not take the public key: {message}",
        "give an ed25519 or RSA key as `public_key` under [ssh]",
    ),
    "InvalidGroup.Duplicate": (
        "A security group of that name exists and is not this stack's: {message}",
        "`adopt` it, remove it in AWS, or choose another `name` for the stack",
    ),
    "DuplicateLoadBalancerName": (
        "A load balancer of that name exists with other settings: {message}",
        "`adopt` it, remove it in AWS, or choose another `name` for the stack",
    ),
    "ReplicationGroupAlreadyExistsFault": (
        "A replication group of that name exists and is not this stack's",
        "`adopt` it, remove it in AWS, or choose another `name` for the stack",
    ),
    "ForeignName": (
        "The name is taken by something that is not this stack's: {message}",
        "`adopt` it, remove it in AWS, or choose another `name` for the stack",
    ),
    "InvalidAMIID.NotFound": (
        "The image does not exist in this region: {message}",
        "correct `image` in the stack file: images differ by region",
    ),
    "InvalidAMIID.Malformed": (
        "The image is not one: {message}",
        "correct `image` in the stack file",
    ),
    "ParameterNotFound": (
        "AWS has no such image or parameter in this region: {message}",
        "choose another `image`, or give one by its id (`ami-…`)",
    ),
    "InvalidInstanceType": (
        "There is no such type of machine: {message}",
        "correct `type` in the stack file",
    ),
    "InvalidParameterValue": (
        "AWS does not take a value: {message}",
        "correct it in the stack file",
    ),
    "IdempotentParameterMismatch": (
        "The same run asked for a machine in two ways: {message}",
        "run the same command again",
    ),
    "IdempotentInstanceTerminated": (
        "The machine was ended while this run made it: {message}",
        "run the same command again",
    ),
    "InstanceTerminated": (
        "Somebody ended a machine while this run worked on it: {message}",
        "run the same command again: it makes another",
    ),
    "HostKey": (
        "The host key of a machine could not be made: {message}",
        "see that `ssh-keygen` works here (package openssh-client)",
    ),
    "DependencyViolation": (
        "Something still uses it: {message}",
        "end what is named there, then run the same command again",
    ),
    "InvalidIPAddress.InUse": (
        "The address is still in use: {message}",
        "run the same command again in a minute",
    ),
    "IncorrectInstanceState": (
        "The machine is changing its state: {message}",
        "run the same command again in a minute",
    ),
    "InvalidReplicationGroupState": (
        "The Redis is being changed: {message}",
        "run the same command again when it is available",
    ),
    "OperationNotPermitted": (
        "AWS keeps it from being changed: {message}",
        "take the protection (termination or API) off it in AWS",
    ),
    "Cancelled": (
        "It was interrupted: {message}",
        "run the same command again: it goes on from what is there",
    ),
    "TimedOut": (
        "AWS did not get ready in time: {message}",
        "run the same command again: it goes on from what is there",
    ),
    "ServiceLinkedRoleNotFoundFault": (
        "The account has no role for the service yet: {message}",
        "allow iam:CreateServiceLinkedRole once (`iam-policy` lists it), then run it again",
    ),
}

_SUFFIXES: tuple[tuple[str, str, str], ...] = (
    ("InternalError", "AWS failed by itself: {message}", "run the same command again"),
    ("InternalFailure", "AWS failed by itself: {message}", "run the same command again"),
    ("ServiceUnavailable", "AWS failed by itself: {message}", "run the same command again"),
    ("Unavailable", "AWS failed by itself: {message}", "run the same command again"),
    (
        "NotFound",
        "It is not there any more: {message}",
        "run the same command again: it looks at what is there",
    ),
    (
        "NotFoundFault",
        "It is not there any more: {message}",
        "run the same command again: it looks at what is there",
    ),
    ("QuotaExceeded", "A limit of the account is reached: {message}", "ask AWS for a higher one"),
    ("LimitExceeded", "A limit of the account is reached: {message}", "ask AWS for a higher one"),
)


def explain(error: AwsError, region: str = "") -> Explained:
    """A sentence without a full stop, and a remedy that begins with a verb."""
    message = " ".join(error.message.split())
    code = error.code.removeprefix("Client.").removeprefix("Server.")
    if code in _DENIED or "is not authorized to perform" in message:
        return _denied(error, message)
    quota = _QUOTAS.get(f"{error.service}:{code}") or _QUOTAS.get(code)
    quota = quota or _QUOTAS.get(code.removesuffix("Fault").removesuffix("Exception"))
    if quota is not None:
        return _limit(*quota, message, region)
    known = _TABLE.get(code) or _TABLE.get(code.removesuffix("Fault")) or _TABLE.get(f"{code}Fault")
    if known is None:
        known = next(((says, do) for end, says, do in _SUFFIXES if code.endswith(end)), None)
    if known is None:
        call = f"{error.service}:{error.operation}"
        return Explained(
            f"{call} failed with {code or 'an unknown error'}: {message}",
            "run the same command again, or look the code up in AWS's documentation",
        )
    says, remedy = known
    return Explained(says.format(message=message or "no more is said").rstrip(". "), remedy)


def _limit(what: str, service: str, number: str, message: str, region: str) -> Explained:
    place = f"{region}." if region else ""
    page = f"https://{place}console.aws.amazon.com/servicequotas/home/services/{service}/quotas"
    return Explained(
        f"The account's limit of {what} is reached: {message}".rstrip(". "),
        f"free some, or raise quota {number}: {page}/{number}"
        if number
        else f"free some, or raise the limit: {page}",
    )


def action_of(error: AwsError) -> str:
    """The IAM action that is missing: as AWS names it, or that of the call."""
    named = re.search(r"not authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z]+)", error.message)
    if named:
        return named.group(1)
    return f"{_IAM_PREFIX.get(error.service, error.service)}:{error.operation}"


def _denied(error: AwsError, message: str) -> Explained:
    action = action_of(error)
    who = re.search(r"(?:User|user): (arn:\S+)", message)
    caller = who.group(1) if who else "the caller"
    why = " (an explicit deny)" if "explicit deny" in message else ""
    return Explained(
        f"{caller} may not do {action}{why}",
        "add the action: `python -m mad.deploy iam-policy` prints all that are needed",
    )
