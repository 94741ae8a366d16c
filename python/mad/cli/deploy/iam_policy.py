"""`mad deploy iam-policy`: the least that must be allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mad.cli.deploy import common

if TYPE_CHECKING:
    from mad.deploy.cloud.policy import Statement

    Parts = tuple[tuple[Statement, ...], ...]

EPILOG = common.examples(
    "mad deploy iam-policy > policy.json",
    "mad deploy iam-policy --all         of every option, and of adopt",
    "mad deploy iam-policy --all --part 1 > first.json    two policies, each in a file",
    "mad deploy iam-policy --addition    what the full-access policies of AWS lack",
)


def iam_policy(
    everything: Annotated[
        bool, typer.Option("--all", help="Of every option of a stack, and of adopt.")
    ] = False,
    addition: Annotated[
        bool,
        typer.Option(
            "--addition",
            help="Only what is missing beside AmazonEC2FullAccess and AmazonElastiCacheFullAccess.",
        ),
    ] = False,
    part: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Of a policy that is too long for one: the N-th."),
    ] = None,
    account: Annotated[
        str, typer.Option(metavar="ID", help="Account to put into the ARNs. Default: any.")
    ] = "*",
    as_json: Annotated[bool, typer.Option("--json", help="It is JSON anyway.")] = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Print the least IAM policy that this stack needs; asks AWS nothing."""
    with common.reported(as_json):
        from mad.deploy.cloud import policy

        stack = common.connect(file, region, profile, endpoint_url).stack
        given = (
            policy.addition(stack, account=account)
            if addition
            else policy.policy(stack, account=account, everything=everything)
        )
        parts = policy.parts(given)
        if part is not None:
            print(policy.document(_part(parts, part)))
            return
        if len(parts) > 1:
            typer.echo(
                f"mad deploy: too long for one policy; these are {len(parts)}, attach all of them: "
                f"--part 1 to --part {len(parts)} print them apart",
                err=True,
            )
        for one in parts:
            print(policy.document(one))


def _part(parts: Parts, number: int) -> tuple[Statement, ...]:
    """Counted from 1. Raises OperationError for one that is not there."""
    from mad.deploy.operations import OperationError

    if number > len(parts):
        many = f"{len(parts)} parts" if len(parts) > 1 else "one part"
        raise OperationError(f"there is no part {number}: the policy has {many}", "ask for less")
    return parts[number - 1]
