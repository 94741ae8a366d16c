"""`mad deploy deploy`: brings a release to the hosts."""

from __future__ import annotations

import typer

from mad.cli.deploy import common, hosts_common

EPILOG = common.examples(
    "mad deploy deploy                              the installed release, to all roles",
    "mad deploy deploy --role api --version 1.2.0   one role, that release",
    "mad deploy deploy --binaries arm/bin           programs that this package does not have",
    "mad deploy deploy --yes --json                 for robots: one JSON object a line",
    "A version is looked for on the hosts, in ./dist and at [release] url (`mad deploy pack`).",
    "Exit 4: the new release was not well, and the one before serves again.",
)


def deploy(
    role: hosts_common.Roles = None,
    version: hosts_common.Version = None,
    binaries: hosts_common.Binaries = None,
    yes: common.Yes = False,
    dry_run: common.DryRun = False,
    as_json: common.AsJson = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """Bring a release to the hosts, a batch at a time, and back when it is not well."""
    with common.reported(as_json):
        from mad.deploy.rollout import operations as rollout

        target = common.connect(file, region, profile, endpoint_url)
        options = rollout.Options(
            hosts_common.roles_of(role), version, tuple(binaries or ()), dry_run
        )
        with common.stoppable(target, common.renderer(target, "deploy", as_json)) as show:
            done = rollout.deploy(target, options, show, hosts_common.asker(yes))
        hosts_common.show_end(target, "deploy", done, as_json)
        raise typer.Exit(hosts_common.code_of(done))
