"""The machines of a stack, one for each slot."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from mad.deploy.cloud import host_key, launch, tags, user_data
from mad.deploy.cloud.host_key import HostKey, HostKeyError
from mad.deploy.cloud.instance_seen import States, look
from mad.deploy.cloud.names import stack_name
from mad.deploy.cloud.resource import Context
from mad.deploy.cloud.session import Aws, AwsError
from mad.deploy.cloud.wait import until
from mad.deploy.plan.model import Found, InstanceFacts
from mad.deploy.plan.spec_hash import spec_hash
from mad.deploy.plan.specs import InstanceSpec, Spec
from mad.deploy.stack.settings import Stack

START_S = 300.0
STOP_S = 600.0
"""Terminating may first have to let the system shut down."""


@dataclass(frozen=True, slots=True)
class _Image:
    root_device: str


class Instances:
    """Verbs may run in parallel; what they ask alike they ask once."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._states = States()
        self._left: dict[str, dict[str, Found]] = {}
        self._keys: dict[tuple[str, str], HostKey] = {}
        self._images: dict[tuple[str, str], _Image] = {}

    def observe(self, aws: Aws, stack: Stack) -> tuple[Found, ...]:
        return look(aws, stack)

    def create(self, context: Context, spec: Spec) -> str:
        """Takes over what an interrupted run left in this slot, or launches. A zone without room
        is followed by the next one: the machine's zone may be another than the wished one."""
        assert isinstance(spec, InstanceSpec)
        left = self._left_over(context, spec)
        id = left.id if left else self._launch(context, spec)
        if left and _state(left) in ("stopping", "stopped"):
            self._start(context, id, _state(left))
        self._wait_for(context, id, ("running",), "starting", START_S)
        return id

    def update(self, context: Context, found: Found, spec: Spec) -> None:
        assert isinstance(spec, InstanceSpec)
        assert isinstance(found.spec, InstanceSpec)
        if found.spec.groups != spec.groups:
            context.aws.call(
                "ec2",
                "modify_instance_attribute",
                InstanceId=found.id,
                Groups=launch.group_ids(context, spec),
            )
        if (found.spec.imds_tokens, found.spec.imds_hops) != (spec.imds_tokens, spec.imds_hops):
            context.aws.call(
                "ec2",
                "modify_instance_metadata_options",
                InstanceId=found.id,
                **launch.metadata(spec),
            )
        if _state(found) in ("stopping", "stopped"):
            self._start(context, found.id, _state(found))
        self._wait_for(context, found.id, ("running",), "starting", START_S)
        # Last, so that a run which is cut off before finds the same work again.
        context.aws.call(
            "ec2", "create_tags", Resources=[found.id], Tags=tags.pairs(context.tags_of(spec))
        )

    def delete(self, context: Context, found: Found) -> None:
        try:
            context.aws.call("ec2", "terminate_instances", InstanceIds=[found.id])
            context.aws.gone(found.id)
        except AwsError as error:
            if error.code == "InvalidInstanceID.NotFound":
                return
            raise
        self._wait_for(context, found.id, ("terminated", None), "ending", STOP_S)

    def _left_over(self, context: Context, spec: InstanceSpec) -> Found | None:
        """A machine that was not there when the plan was made: the last call of a run that was cut
        off. One look serves all slots of a run, each machine is given once."""
        planned = {one.id for one in context.observed.found}
        with self._guard:
            if context.lease not in self._left:
                self._left = {
                    context.lease: {
                        one.id: one
                        for one in look(context.aws, context.stack)
                        if one.id not in planned
                    }
                }
            left = self._left[context.lease]
            for one in left.values():
                if (
                    isinstance(one.spec, InstanceSpec)
                    and one.spec.name == spec.name
                    # Its zone may be another one for want of room.
                    and one.spec_hash == spec_hash(replace(spec, zone=one.spec.zone))
                ):
                    del left[one.id]
                    return one
        return None

    def _launch(self, context: Context, spec: InstanceSpec) -> str:
        ami = launch.image_id(context, spec)
        image = self._image(context, ami)
        key = self._host_key(context, spec)
        full: list[str] = []
        for zone, subnet in launch.zones(context, spec):
            here = replace(spec, zone=zone)
            wish = launch.parameters(
                context,
                here,
                subnet=subnet,
                ami=ami,
                root_device=image.root_device,
                key_name=stack_name(context.stack.name),
            )
            if full:
                context.progress(f"no room in {full[-1]}, trying {zone}")
            try:
                return launch.run(
                    context,
                    here,
                    wish,
                    user_data=user_data.render(context.stack, spec.name, spec.image, key),
                    given=launch.launch_tags(context, here, ami) | {tags.HOSTKEY: key.public},
                )
            except AwsError as error:
                if error.code not in launch.ELSEWHERE:
                    raise
                full.append(zone)
                last = error
        raise AwsError(
            last.service,
            last.operation,
            last.code,
            f"no room for {spec.address}: {', '.join(full)} have no {spec.type} now "
            f"({last.message})",
        )

    def _image(self, context: Context, ami: str) -> _Image:
        """The root device differs from system to system; it is asked, once for each image."""
        with self._guard:
            known = self._images.get((context.aws.region, ami))
            if known is None:
                answer = context.aws.call("ec2", "describe_images", ImageIds=[ami])
                images = answer.get("Images", ())
                if not images:
                    raise AwsError(
                        "ec2",
                        "DescribeImages",
                        "InvalidAMIID.NotFound",
                        f"there is no image {ami} in {context.aws.region}",
                    )
                known = _Image(str(images[0].get("RootDeviceName") or "/dev/sda1"))
                self._images[context.aws.region, ami] = known
            return known

    def _host_key(self, context: Context, spec: InstanceSpec) -> HostKey:
        """The same for each try of one run, or its token would name two different calls."""
        with self._guard:
            known = self._keys.get((context.lease, spec.name))
        if known is None:
            try:
                known = host_key.make()
            except HostKeyError as error:
                raise AwsError("ec2", "RunInstances", "HostKey", str(error)) from error
            with self._guard:
                known = self._keys.setdefault((context.lease, spec.name), known)
        return known

    def _start(self, context: Context, id: str, state: str) -> None:
        if state == "stopping":
            self._wait_for(context, id, ("stopped",), "stopping before it starts", STOP_S)
        context.aws.call("ec2", "start_instances", InstanceIds=[id])

    def _wait_for(
        self, context: Context, id: str, good: tuple[str | None, ...], what: str, deadline_s: float
    ) -> None:
        state: str | None = None

        def check() -> bool:
            nonlocal state
            state = self._states.of(context.aws, id)
            ending = state in ("shutting-down", "terminated")
            if ending and "terminated" not in good:
                raise AwsError(
                    "ec2",
                    "DescribeInstances",
                    "InstanceTerminated",
                    f"{id} was terminated while it was waited for ({what})",
                )
            return state in good

        try:
            until(
                check,
                context=context,
                what=lambda: (
                    f"{what}, {'not to be seen yet' if state is None else state or 'asking'}"
                ),
                deadline_s=deadline_s,
            )
        finally:
            self._states.done(id)


def _state(found: Found) -> str:
    return found.facts.state if isinstance(found.facts, InstanceFacts) else "running"
