"""`mad deploy iam-policy`: the least that must be allowed."""

from __future__ import annotations

from typing import Annotated

import typer

from mad.cli.deploy import common

EPILOG = common.examples(
    "mad deploy iam-policy > policy.json",
    "mad deploy iam-policy --all         of every option, and of adopt",
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
        if len(parts) > 1:
            typer.echo(
                f"mad deploy: too long for one policy; these are {len(parts)}, attach all of them",
                err=True,
            )
        for part in parts:
            print(policy.document(part))
