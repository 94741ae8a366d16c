"""Answers in place of AWS: told beforehand, counted down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from aws_local.wire import Call

ROBOT = "arn:aws:iam::123456789012:user/robot"


@dataclass(slots=True)
class Fault:
    """Refuses calls that match `call` (`ec2:RunInstances`, `elasticache:*`), after the first
    `after` of them, `times` times (None: always)."""

    call: str
    code: str
    message: str = "told to fail"
    times: int | None = 1
    after: int = 0
    every: int = 1
    """Of those that match, each how many-th."""
    seen: int = 0


@dataclass(slots=True)
class Faults:
    faults: list[Fault] = field(default_factory=list)
    allowed: set[str] | None = None
    """Actions of a policy; others are refused as EC2 and the rest do. None: all."""
    guard: threading.Lock = field(default_factory=threading.Lock)
    before: Callable[[Call], None] | None = None
    """Called with each call, before anything else."""

    def of(self, call: Call) -> tuple[str, str] | None:
        """Code and message, if this call is to fail."""
        if self.before is not None:
            self.before(call)
        with self.guard:
            if self.allowed is not None and call.name not in self.allowed:
                code = "UnauthorizedOperation" if call.service == "ec2" else "AccessDenied"
                code = "AccessDeniedException" if call.service == "ssm" else code
                return code, f"User: {ROBOT} is not authorized to perform: {call.name}"
            for fault in self.faults:
                if not fnmatchcase(call.name, fault.call):
                    continue
                fault.seen += 1
                if fault.seen <= fault.after or (fault.seen - fault.after) % fault.every:
                    continue
                if fault.times is not None:
                    if fault.times <= 0:
                        continue
                    fault.times -= 1
                return fault.code, fault.message
        return None
