"""Redis: a replication group without cluster mode, of one node or more."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mad.deploy.cloud import tags
from mad.deploy.cloud.crossing import Names, groups_of, named
from mad.deploy.cloud.names import stack_name
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.secret import kept, read_secret
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.cloud.wait import retry, until
from mad.deploy.plan.desired import REDIS_PORT
from mad.deploy.plan.model import EndpointFacts, Found
from mad.deploy.plan.specs import RedisSpec, Spec
from mad.deploy.stack.settings import REDIS_VERSIONS, Stack

AUTH = "mad:auth"
"""Tag: salt and hash of the secret that clients must know, so that nobody has to guess."""

PATIENCE_S = 3600.0
"""AWS takes 5 to 15 minutes to make one, and longer to change it."""

_BUSY = ("InvalidReplicationGroupState", "InvalidReplicationGroupStateFault")
_GONE = "ReplicationGroupNotFoundFault"
_TAKEN = "ReplicationGroupAlreadyExists"
_FAILED = "create-failed"


class Redises:
    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        """`spec.groups` are ids; `with_names` makes them names."""
        given = _described(aws, stack_name(stack.name))
        if given is None or given.get("Status") == "deleting":
            return ()
        told = _tags(aws, given)
        if not _is_ours(given, told, stack):
            return ()
        member = _member(aws, given)
        engine = str(given.get("Engine") or member.get("Engine") or stack.redis.engine)
        auth = bool(given.get("AuthTokenEnabled")) and _knows(aws, stack, told.get(AUTH))
        place = _endpoint(given)
        groups = [str(one["SecurityGroupId"]) for one in member.get("SecurityGroups") or ()]
        return (
            Found(
                spec=RedisSpec(
                    "main",
                    engine="redis" if engine == "redis" else "valkey",
                    # While members are being made nobody can say: then it is what was asked for.
                    version=str(
                        member.get("EngineVersion")
                        or stack.redis.version
                        or REDIS_VERSIONS.get(engine, "")
                    ),
                    type=str(given.get("CacheNodeType") or member.get("CacheNodeType") or ""),
                    nodes=len(given.get("MemberClusters") or ()) or stack.redis.nodes,
                    failover=given.get("AutomaticFailover") in ("enabled", "enabling")
                    and given.get("MultiAZ") == "enabled",
                    tls=bool(given.get("TransitEncryptionEnabled")),
                    at_rest=bool(given.get("AtRestEncryptionEnabled")),
                    groups=frozenset(groups) if member else frozenset({"redis"}),
                    auth=auth,
                ),
                id=str(given["ReplicationGroupId"]),
                facts=EndpointFacts(
                    host=place.get("Address"),
                    port=place.get("Port"),
                    state=str(given.get("Status", "available")),
                ),
                spec_hash=told.get(tags.SPEC),
            ),
        )

    def create(self, context: Context, spec: Spec) -> str:
        assert isinstance(spec, RedisSpec)
        aws, id = context.aws, stack_name(context.stack.name)
        given = _described(aws, id)
        if given is not None and given.get("Status") == "deleting":
            self._wait_gone(context, id)
            given = None
        if given is None:
            try:
                self._send(context, id, spec)
            except AwsError as error:
                # Sent again after an answer that was lost, it meets what it made.
                given = _described(aws, id) if error.code.startswith(_TAKEN) else None
                if given is None:
                    raise
        if given is not None and not _is_ours(given, _tags(aws, given), context.stack):
            raise AwsError("elasticache", "CreateReplicationGroup", _TAKEN, id)
        self._wait_available(context, id)
        return id

    def _send(self, context: Context, id: str, spec: RedisSpec) -> None:
        extra: dict[str, str] = {}
        secret: dict[str, Any] = {}
        if spec.auth:
            value = self._secret(context)
            secret = {"AuthToken": value}
            extra = {AUTH: _hash(value)}
        tls = {"TransitEncryptionMode": "required"} if spec.tls else {}
        context.aws.call(
            "elasticache",
            "create_replication_group",
            ReplicationGroupId=id,
            ReplicationGroupDescription=_description(context.stack),
            Engine=spec.engine,
            EngineVersion=spec.version,
            CacheNodeType=spec.type,
            NumCacheClusters=spec.nodes,
            AutomaticFailoverEnabled=spec.failover,
            MultiAZEnabled=spec.failover,
            # The stack file says the version; one that AWS raised could not go back to it.
            AutoMinorVersionUpgrade=False,
            CacheSubnetGroupName=stack_name(context.stack.name),
            SecurityGroupIds=groups_of(context, spec.groups),
            Port=REDIS_PORT,
            TransitEncryptionEnabled=spec.tls,
            AtRestEncryptionEnabled=spec.at_rest,
            Tags=tags.pairs(context.tags_of(spec, extra)),
            **tls,
            **secret,
        )
        context.aws.made(id, service="elasticache")

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        """One change after the other: the group takes none while another is under way."""
        assert isinstance(spec, RedisSpec)
        if (_described(context.aws, found.id) or {}).get("Status") == _FAILED:
            # It never served anybody: there is nothing to lose.
            self.delete(context, found)
            self.create(context, spec)
            return
        self._wait_available(context, found.id)
        (now,) = self.observe(context.aws, context.stack) or (found,)
        seen = now.spec
        assert isinstance(seen, RedisSpec)
        if (seen.engine, seen.version) != (spec.engine, spec.version) and not (
            seen.engine == spec.engine and seen.version.startswith(f"{spec.version}.")
        ):
            self._modify(context, found.id, Engine=spec.engine, EngineVersion=spec.version)
        if seen.type != spec.type:
            self._modify(context, found.id, CacheNodeType=spec.type)
        if seen.groups != frozenset(groups_of(context, spec.groups)):
            self._modify(context, found.id, SecurityGroupIds=groups_of(context, spec.groups))
        self._resize(context, found.id, seen, spec)
        extra: dict[str, str] = {}
        if spec.auth and not seen.auth:
            value = self._secret(context)
            for strategy in ("ROTATE", "SET"):
                self._modify(context, found.id, AuthToken=value, AuthTokenUpdateStrategy=strategy)
            extra = {AUTH: _hash(value)}
        given = _described(context.aws, found.id) or {}
        if given.get("ARN"):
            context.aws.call(
                "elasticache",
                "add_tags_to_resource",
                ResourceName=given["ARN"],
                Tags=tags.pairs(context.tags_of(spec, extra)),
            )

    def delete(self, context: Context, found: Found) -> None:
        """Without a last snapshot: what is in it are the last samples."""
        context.aws.gone(found.id, service="elasticache")
        retry(
            lambda: self._go(context, found.id),
            _BUSY,
            context=context,
            what="waiting until Redis can be deleted",
            deadline_s=PATIENCE_S,
        )
        self._wait_gone(context, found.id)

    def _go(self, context: Context, id: str) -> None:
        given = _described(context.aws, id)
        if given is None or given.get("Status") == "deleting":
            return
        context.aws.call(
            "elasticache",
            "delete_replication_group",
            ReplicationGroupId=id,
            RetainPrimaryCluster=False,
        )

    def _modify(self, context: Context, id: str, **what: Any) -> None:
        retry(
            lambda: context.aws.call(
                "elasticache",
                "modify_replication_group",
                ReplicationGroupId=id,
                ApplyImmediately=True,
                **what,
            ),
            _BUSY,
            context=context,
            what="waiting until Redis takes changes",
            deadline_s=PATIENCE_S,
        )
        self._wait_available(context, id)

    def _resize(self, context: Context, id: str, seen: RedisSpec, spec: RedisSpec) -> None:
        """Failing over by itself needs a second node: on after growing, off before shrinking."""
        if seen.nodes > 1 and not spec.failover and _fails_over(context.aws, id):
            self._modify(context, id, AutomaticFailoverEnabled=False, MultiAZEnabled=False)
        if seen.nodes != spec.nodes:
            way = "increase_replica_count" if spec.nodes > seen.nodes else "decrease_replica_count"
            context.aws.call(
                "elasticache",
                way,
                ReplicationGroupId=id,
                NewReplicaCount=spec.nodes - 1,
                ApplyImmediately=True,
            )
            self._wait_available(context, id)
        if spec.failover and not seen.failover:
            self._modify(context, id, AutomaticFailoverEnabled=True, MultiAZEnabled=True)

    def _secret(self, context: Context) -> str:
        value = read_secret(context.aws, context.stack.name, "redis-auth")
        if value is None:
            raise AwsError("ssm", "GetParameter", "ParameterNotFound", "the secret redis-auth")
        return value

    def _wait_available(self, context: Context, id: str) -> None:
        state = ["creating"]

        def check() -> bool:
            given = _described(context.aws, id)
            state[0] = str((given or {}).get("Status", "gone"))
            if state[0] in (_FAILED, "gone"):
                raise AwsError(
                    "elasticache", "CreateReplicationGroup", "TimedOut", f"Redis is {state[0]}"
                )
            return state[0] == "available"

        until(check, context=context, what=lambda: f"Redis is {state[0]}", deadline_s=PATIENCE_S)

    def _wait_gone(self, context: Context, id: str) -> None:
        until(
            lambda: _described(context.aws, id) is None,
            context=context,
            what="Redis is being deleted",
            deadline_s=PATIENCE_S,
        )


def with_names(found: tuple[Found, ...], names: Names) -> tuple[Found, ...]:
    return tuple(
        replace(one, spec=replace(one.spec, groups=named(one.spec.groups, names.groups)))
        if isinstance(one.spec, RedisSpec)
        else one
        for one in found
    )


def _described(aws: Aws, id: str) -> Mapping[str, Any] | None:
    try:
        answer = aws.call("elasticache", "describe_replication_groups", ReplicationGroupId=id)
    except AwsError as error:
        if error.code == _GONE:
            return None
        raise
    groups = answer.get("ReplicationGroups") or ()
    return groups[0] if groups else None


def _fails_over(aws: Aws, id: str) -> bool:
    given = _described(aws, id) or {}
    return "enabled" in (given.get("AutomaticFailover"), given.get("MultiAZ"))


def _description(stack: Stack) -> str:
    return f"mad {stack.name}"


def _is_ours(given: Mapping[str, Any], told: Mapping[str, str], stack: Stack) -> bool:
    """By its tags; by its description while AWS does not show those."""
    if told:
        return told.get(tags.STACK) == stack.name
    return given.get("Description") == _description(stack)


def _tags(aws: Aws, given: Mapping[str, Any]) -> dict[str, str]:
    try:
        answer = aws.call("elasticache", "list_tags_for_resource", ResourceName=given["ARN"])
    except AwsError as error:
        # Not while it changes its state.
        if error.code in (*_BUSY, _GONE):
            return {}
        raise
    return tags.read(answer.get("TagList"))


def _member(aws: Aws, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """One of its nodes, which knows more than the group; nothing while there is none."""
    members = given.get("MemberClusters") or ()
    if not members:
        return {}
    try:
        answer = aws.call("elasticache", "describe_cache_clusters", CacheClusterId=members[0])
    except AwsError as error:
        if error.code in ("CacheClusterNotFound", "CacheClusterNotFoundFault"):
            return {}
        raise
    clusters = answer.get("CacheClusters") or ()
    return clusters[0] if clusters else {}


def _endpoint(given: Mapping[str, Any]) -> Mapping[str, Any]:
    for group in given.get("NodeGroups") or ():
        if group.get("PrimaryEndpoint"):
            return dict(group["PrimaryEndpoint"])
    return {}


def _hash(value: str, salt: str | None = None) -> str:
    salt = salt or secrets.token_hex(8)
    return f"{salt}.{hashlib.sha256(f'{salt}.{value}'.encode()).hexdigest()[:32]}"


def _knows(aws: Aws, stack: Stack, told: str | None) -> bool:
    """Whether the secret that is kept is the one that the tag speaks of."""
    value = kept(aws, stack.name).get("redis-auth")
    if value is None or told is None:
        return False
    return secrets.compare_digest(_hash(value, told.partition(".")[0]), told)
