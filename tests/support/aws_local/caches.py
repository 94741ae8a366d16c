"""ElastiCache, of which moto knows too little: groups that take their time and can be changed."""

from __future__ import annotations

import itertools
import re
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult, PaginatedResult
from moto.ec2.models import ec2_backends
from moto.elasticache.responses import ElastiCacheResponse

from aws_local import interfaces
from aws_local.world import world

_LOOKS = "looks"
_VERSIONS = {
    "valkey": ("7.2", "8.0", "8.1", "8.2", "9.0"),
    "redis": ("6.2", "7.0", "7.1"),
}
_TOKEN = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")
"""What botocore's model of CreateReplicationGroup says is permitted."""


class CacheError(ServiceException):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


def _key(self: Any, name: str) -> tuple[str, str, str]:
    return (self.current_account, self.region, name)


def _arn(self: Any, kind: str, name: str) -> str:
    return f"arn:aws:elasticache:{self.region}:{self.current_account}:{kind}:{name}"


def _group(self: Any) -> dict[str, Any]:
    name = self._get_param("ReplicationGroupId")
    found = world.caches.get(_key(self, name))
    if found is None:
        raise CacheError("ReplicationGroupNotFoundFault", f"ReplicationGroup {name} not found.")
    return found


def _free(self: Any) -> dict[str, Any]:
    """One that can be changed now."""
    found = _group(self)
    if found["state"] != "available":
        raise CacheError(
            "InvalidReplicationGroupState",
            f"Replication group must be in available state, it is {found['state']}.",
        )
    return found


def _members(found: dict[str, Any]) -> list[str]:
    return [f"{found['name']}-{number:03}" for number in range(1, found["nodes"] + 1)]


def _shown(self: Any, found: dict[str, Any]) -> dict[str, Any]:
    name = found["name"]
    made = found["state"] != "creating"
    place = f"{name}.abc123.ng.0001.{self.region}.cache.amazonaws.com"
    return {
        "ReplicationGroupId": name,
        "Description": found["description"],
        "Status": found["state"],
        "ARN": _arn(self, "replicationgroup", name),
        "MemberClusters": _members(found) if made else [],
        "NodeGroups": [
            {
                "NodeGroupId": "0001",
                "Status": found["state"],
                "PrimaryEndpoint": {"Address": f"master.{place}", "Port": found["port"]},
            }
        ]
        if made
        else [],
        "AutomaticFailover": "enabled" if found["failover"] else "disabled",
        "MultiAZ": "enabled" if found["zones"] else "disabled",
        "ClusterEnabled": False,
        "CacheNodeType": found["type"],
        "AuthTokenEnabled": found["token"] is not None,
        "TransitEncryptionEnabled": found["tls"],
        "AtRestEncryptionEnabled": found["at_rest"],
        "Engine": found["engine"],
    }


def _connect(key: tuple[str, str, str], found: dict[str, Any]) -> None:
    """An interface for each node holds its groups and its subnet."""
    backend = ec2_backends[key[0]][key[1]]
    _disconnect(key)
    group = world.subnet_groups[key[0], key[1], found["subnets"]]
    subnets = itertools.cycle(one["SubnetIdentifier"] for one in group["Subnets"])
    for member in _members(found):
        interfaces.make(backend, [next(subnets)], found["groups"], f"ElastiCache {member}")


def _disconnect(key: tuple[str, str, str]) -> None:
    backend = ec2_backends[key[0]][key[1]]
    ours = re.compile(rf"ElastiCache {re.escape(key[2])}-\d{{3}}")
    every = list(backend.enis.values())
    interfaces.drop(backend, [one for one in every if ours.fullmatch(one.description or "")])


def _version(engine: str, version: str | None) -> str:
    if engine not in _VERSIONS:
        raise CacheError("InvalidParameterValue", f"Invalid cache engine: {engine}")
    wanted = version or _VERSIONS[engine][-1]
    if wanted not in _VERSIONS[engine]:
        raise CacheError("InvalidParameterCombination", f"Cannot find {engine} {wanted}")
    return wanted


def _failing_over(found: dict[str, Any]) -> None:
    if found["failover"] and found["nodes"] < 2:
        raise CacheError("InvalidParameterCombination", "Failover needs two nodes.")
    if found["zones"] and not found["failover"]:
        raise CacheError("InvalidParameterCombination", "Multi-AZ needs failover.")


def _check_token(token: str | None, tls: bool) -> None:
    if token is None:
        return
    if not tls:
        raise CacheError(
            "InvalidParameterCombination", "The AUTH token needs encryption in transit."
        )
    if not _TOKEN.fullmatch(token):
        raise CacheError(
            "InvalidParameterValue",
            'The AUTH token has 16 to 128 letters, digits, and signs of "!&#$^<>-".',
        )


def _step(self: Any) -> None:
    pass_time(self.current_account, self.region)


def pass_time(account: str, region: str) -> None:
    """Time passes only while somebody looks."""
    for key, found in list(world.caches.items()):
        if found["state"] == "available" or key[:2] != (account, region):
            continue
        found[_LOOKS] -= 1
        if found[_LOOKS] >= 0:
            continue
        if found["state"] == "deleting":
            del world.caches[key]
            _disconnect(key)
        else:
            found["state"] = "available"
            _connect(key, found)


def _tags(self: Any, arn: str) -> None:
    given = {tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])}
    world.cache_tags[arn].update(given)


def create_replication_group(self: Any) -> Any:
    name = self._get_param("ReplicationGroupId")
    if _key(self, name) in world.caches:
        raise CacheError("ReplicationGroupAlreadyExists", f"ReplicationGroup {name} exists.")
    subnets = self._get_param("CacheSubnetGroupName")
    if _key(self, subnets) not in world.subnet_groups:
        raise CacheError("CacheSubnetGroupNotFoundFault", f"{subnets} does not exist.")
    groups = self._get_param("SecurityGroupIds", [])
    _check_groups(self, groups)
    token = self._get_param("AuthToken")
    tls = bool(self._get_bool_param("TransitEncryptionEnabled"))
    _check_token(token, tls)
    engine = self._get_param("Engine") or "redis"
    found = {
        "name": name,
        "description": self._get_param("ReplicationGroupDescription"),
        "state": "creating",
        _LOOKS: world.steps,
        "engine": engine,
        "version": _version(engine, self._get_param("EngineVersion")),
        "type": self._get_param("CacheNodeType"),
        "nodes": self._get_int_param("NumCacheClusters") or 1,
        "failover": bool(self._get_bool_param("AutomaticFailoverEnabled")),
        "zones": bool(self._get_bool_param("MultiAZEnabled")),
        "subnets": subnets,
        "groups": list(groups),
        "port": int(self._get_param("Port") or 6379),
        "token": token,
        "tls": tls,
        "at_rest": bool(self._get_bool_param("AtRestEncryptionEnabled")),
    }
    _failing_over(found)
    world.caches[_key(self, name)] = found
    _connect(_key(self, name), found)
    _tags(self, _arn(self, "replicationgroup", name))
    return ActionResult({"ReplicationGroup": _shown(self, found)})


def describe_replication_groups(self: Any) -> Any:
    _step(self)
    if self._get_param("ReplicationGroupId"):
        found = [_group(self)]
    else:
        here = (self.current_account, self.region)
        found = [one for key, one in world.caches.items() if key[:2] == here]
    return PaginatedResult({"ReplicationGroups": [_shown(self, one) for one in found]})


def _shown_member(found: dict[str, Any], member: str) -> dict[str, Any]:
    version = found["version"]
    return {
        "CacheClusterId": member,
        "ReplicationGroupId": found["name"],
        "Engine": found["engine"],
        # AWS names the whole version of what was asked for by two numbers.
        "EngineVersion": version if version.count(".") > 1 else f"{version}.1",
        "CacheNodeType": found["type"],
        "CacheClusterStatus": found["state"],
        "CacheSubnetGroupName": found["subnets"],
        "SecurityGroups": [
            {"SecurityGroupId": group, "Status": "active"} for group in found["groups"]
        ],
    }


def describe_cache_clusters(self: Any) -> Any:
    wanted = self._get_param("CacheClusterId")
    here = (self.current_account, self.region)
    shown = [
        _shown_member(found, member)
        for key, found in world.caches.items()
        if key[:2] == here and found["state"] != "creating"
        for member in _members(found)
        if wanted in (None, member)
    ]
    if wanted and not shown:
        raise CacheError("CacheClusterNotFound", f"{wanted} is not there.")
    return PaginatedResult({"CacheClusters": shown})


def _check_groups(self: Any, groups: list[str]) -> None:
    backend = ec2_backends[self.current_account][self.region]
    for group in groups:
        if backend.get_security_group_from_id(group) is None:
            raise CacheError("InvalidParameterValue", f"Some security groups are invalid: {group}")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def modify_replication_group(self: Any) -> Any:
    found = _free(self)
    wish = dict(found)
    for name, key in (
        ("Engine", "engine"),
        ("EngineVersion", "version"),
        ("CacheNodeType", "type"),
        ("SecurityGroupIds", "groups"),
    ):
        if self._get_param(name):
            wish[key] = self._get_param(name)
    if (wish["engine"], wish["version"]) != (found["engine"], found["version"]):
        _version(wish["engine"], wish["version"])
        back = (found["engine"], wish["engine"]) == ("valkey", "redis")
        if back or _number(wish["version"]) < _number(found["version"]):
            raise CacheError("InvalidParameterCombination", "The engine cannot be made older.")
    _check_groups(self, wish["groups"])
    token = self._get_param("AuthToken")
    if token:
        _check_token(token, wish["tls"])
        strategy = self._get_param("AuthTokenUpdateStrategy")
        if strategy not in ("ROTATE", "SET"):
            raise CacheError("InvalidParameterValue", f"The strategy {strategy} is none.")
        wish["token"] = token
    for name, key in (("AutomaticFailoverEnabled", "failover"), ("MultiAZEnabled", "zones")):
        if self._get_bool_param(name) is not None:
            wish[key] = bool(self._get_bool_param(name))
    _failing_over(wish)
    found.update(wish)
    return _change(self, found)


def _change(self: Any, found: dict[str, Any]) -> Any:
    found["state"], found[_LOOKS] = "modifying", world.steps
    return ActionResult({"ReplicationGroup": _shown(self, found)})


def _resize(self: Any) -> Any:
    found = _free(self)
    nodes = int(self._get_param("NewReplicaCount")) + 1
    if nodes == found["nodes"] or nodes > 6:
        raise CacheError("InvalidParameterValue", f"The replica count {nodes - 1} is invalid.")
    _failing_over({**found, "nodes": nodes})
    found["nodes"] = nodes
    return _change(self, found)


def delete_replication_group(self: Any) -> Any:
    found = _free(self)
    found["state"], found[_LOOKS] = "deleting", world.steps
    return ActionResult({"ReplicationGroup": _shown(self, found)})


def _subnet_group(self: Any) -> dict[str, Any]:
    name = self._get_param("CacheSubnetGroupName")
    found = world.subnet_groups.get(_key(self, name))
    if found is None:
        raise CacheError("CacheSubnetGroupNotFoundFault", f"CacheSubnetGroup {name} not found.")
    return found


def _places(self: Any) -> tuple[str, list[dict[str, Any]]]:
    backend = ec2_backends[self.current_account][self.region]
    subnets = [backend.get_subnet(id) for id in self._get_param("SubnetIds", [])]
    if not subnets:
        raise CacheError("InvalidSubnet", "There is no subnet.")
    return subnets[0].vpc_id, [
        {
            "SubnetIdentifier": one.id,
            "SubnetAvailabilityZone": {"Name": one.availability_zone},
        }
        for one in subnets
    ]


def create_cache_subnet_group(self: Any) -> Any:
    name = self._get_param("CacheSubnetGroupName")
    if _key(self, name) in world.subnet_groups:
        raise CacheError("CacheSubnetGroupAlreadyExists", f"CacheSubnetGroup {name} exists.")
    vpc, subnets = _places(self)
    found = {
        "CacheSubnetGroupName": name,
        "CacheSubnetGroupDescription": self._get_param("CacheSubnetGroupDescription"),
        "VpcId": vpc,
        "Subnets": subnets,
        "ARN": _arn(self, "subnetgroup", name),
    }
    world.subnet_groups[_key(self, name)] = found
    _tags(self, found["ARN"])
    return ActionResult({"CacheSubnetGroup": found})


def modify_cache_subnet_group(self: Any) -> Any:
    found = _subnet_group(self)
    found["VpcId"], found["Subnets"] = _places(self)
    return ActionResult({"CacheSubnetGroup": found})


def describe_cache_subnet_groups(self: Any) -> Any:
    if self._get_param("CacheSubnetGroupName"):
        found = [_subnet_group(self)]
    else:
        here = (self.current_account, self.region)
        found = [one for key, one in world.subnet_groups.items() if key[:2] == here]
    return PaginatedResult({"CacheSubnetGroups": found})


def delete_cache_subnet_group(self: Any) -> Any:
    _step(self)
    found = _subnet_group(self)
    name = found["CacheSubnetGroupName"]
    here = (self.current_account, self.region)
    for key, cache in world.caches.items():
        if key[:2] == here and cache["subnets"] == name:
            raise CacheError("CacheSubnetGroupInUse", f"{cache['name']} uses {name}.")
    del world.subnet_groups[_key(self, name)]
    world.cache_tags.pop(found["ARN"], None)
    return EmptyResult()


def _known(self: Any) -> str:
    arn = str(self._get_param("ResourceName"))
    kind, _, name = arn.split(":", 5)[5].partition(":")
    there = world.caches if kind == "replicationgroup" else world.subnet_groups
    if _key(self, name) not in there:
        code = "ReplicationGroup" if kind == "replicationgroup" else "CacheSubnetGroup"
        raise CacheError(f"{code}NotFoundFault", f"{name} not found.")
    return arn


def _tag_list(arn: str) -> dict[str, Any]:
    return {
        "TagList": [{"Key": key, "Value": value} for key, value in world.cache_tags[arn].items()]
    }


def list_tags_for_resource(self: Any) -> Any:
    return ActionResult(_tag_list(_known(self)))


def add_tags_to_resource(self: Any) -> Any:
    arn = _known(self)
    _tags(self, arn)
    return ActionResult(_tag_list(arn))


def remove_tags_from_resource(self: Any) -> Any:
    arn = _known(self)
    for key in self._get_param("TagKeys", []):
        world.cache_tags[arn].pop(key, None)
    return ActionResult(_tag_list(arn))


def apply() -> None:
    for function in (
        *(create_replication_group, describe_replication_groups, modify_replication_group),
        *(delete_replication_group, describe_cache_clusters),
        *(create_cache_subnet_group, modify_cache_subnet_group, describe_cache_subnet_groups),
        *(delete_cache_subnet_group, list_tags_for_resource),
        *(add_tags_to_resource, remove_tags_from_resource),
    ):
        setattr(ElastiCacheResponse, function.__name__, function)
    for name in ("increase_replica_count", "decrease_replica_count"):
        setattr(ElastiCacheResponse, name, _resize)
