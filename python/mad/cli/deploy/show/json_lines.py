"""One JSON object a line (`docs/deploy-json.md`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TextIO

from mad.deploy.events import (
    Event,
    Failed,
    Finished,
    HostState,
    HostStep,
    Note,
    PlanMade,
    Progress,
    Skipped,
    Started,
)
from mad.deploy.operations import Result
from mad.deploy.plan.model import Action, Cost, Observed, Plan
from mad.deploy.status import Status

SCHEMA = 1
"""Grows when a field changes its meaning; new fields do not count."""


class JsonLines:
    def __init__(self, out: TextIO, stack: str, region: str) -> None:
        self._out = out
        self._stack = stack
        self._region = region

    def __call__(self, event: Event) -> None:
        match event:
            case PlanMade(plan=plan, observed=observed):
                self.line("plan", plan_of(plan, observed, self._stack, self._region))
            case Note(text=text, warning=warning):
                self.line("note", {"text": text, "warning": warning})
            case Started(action=action):
                self.line("started", _named(action))
            case Progress(action=action, text=text):
                self.line("progress", {**_named(action), "text": text})
            case Finished(action=action, seconds=seconds, id=id):
                self.line("done", {**_named(action), "seconds": round(seconds, 3), "id": id})
            case Failed(action=action, seconds=seconds, message=message, remedy=remedy):
                said = {"seconds": round(seconds, 3), "message": message, "remedy": remedy}
                self.line("failed", {**_named(action), **said})
            case Skipped(action=action, why=why):
                self.line("skipped", {**_named(action), "why": why})
            case HostStep():
                told: dict[str, Any] = {"host": event.host, "role": event.role}
                told["state"] = event.state.value
                told |= {"text": event.text, "seconds": round(event.seconds, 3)}
                if event.state is HostState.FAILED:
                    told |= {"remedy": event.remedy, "tail": event.tail}
                self.line("host", told)

    def line(self, event: str, fields: Mapping[str, Any]) -> None:
        self._out.write(json.dumps({"event": event, **fields}) + "\n")
        self._out.flush()

    def stop_asked(self) -> None:
        self.line("note", {"text": "stopping: nothing new is started", "warning": True})

    def result(self, result: Result) -> None:
        outcome = result.outcome
        self.line(
            "end",
            {
                "ok": result.ok,
                "done": len(outcome.done) if outcome else 0,
                "failed": len(outcome.failed) if outcome else 0,
                "skipped": len(outcome.skipped) if outcome else 0,
                "interrupted": bool(outcome and outcome.interrupted),
                "left": [{"address": str(one.address), "id": one.id} for one in result.left],
                "outputs": outputs_of(result.status) if result.status else None,
            },
        )

    def close(self) -> None:
        pass


def _named(action: Action) -> dict[str, str]:
    return {"action": action.key, "verb": action.verb.value, "address": str(action.address)}


def plan_of(plan: Plan, observed: Observed | None, stack: str, region: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "stack": stack,
        "region": region,
        "account": observed.surroundings.account if observed else None,
        "empty": plan.empty,
        "actions": [_action(action) for action in plan.actions],
        "warnings": list(plan.warnings),
        "news": list(plan.news),
        "cost": {
            "before": cost_of(plan.before) if plan.before else None,
            "after": cost_of(plan.after) if plan.after else None,
        },
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        **_named(action),
        "id": action.found.id if action.found else None,
        "changes": [
            {"field": change.field, "before": change.before, "after": change.after}
            for change in action.changes
        ],
        "reasons": list(action.reasons),
        "drift": action.drift,
        "loses_data": action.loses_data,
        "after": sorted(action.after),
    }


def cost_of(cost: Cost) -> dict[str, Any]:
    return {
        "monthly_usd": round(cost.monthly_usd, 2),
        "as_of": cost.as_of,
        "lines": [
            {"what": line.what, "monthly_usd": round(line.monthly_usd, 2)} for line in cost.lines
        ],
        "unknown": list(cost.unknown),
    }


def outputs_of(status: Status) -> dict[str, Any]:
    """`outputs` of `status --json`, and of the last line of `up --json`."""
    return {
        "api_url": status.outputs.api_url,
        "web_url": status.outputs.web_url,
        "redis": status.outputs.redis,
        "hosts": {
            host.name: {
                "role": host.role.value,
                "state": host.state,
                "address": host.address,
                "private_ip": host.private_ip,
                "private_dns": host.private_dns,
                "id": host.id,
                "type": host.type,
                "image": host.image,
                "zone": host.zone,
                "version": host.version,
            }
            for host in status.hosts
        },
    }
