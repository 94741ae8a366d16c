"""`mad deploy inventory`: the machines as Ansible and ssh want them; also `mad-inventory`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mad.cli.deploy import common

EPILOG = common.examples(
    "mad deploy inventory                            a table",
    "mad deploy inventory --list                     Ansible's dynamic inventory",
    "ansible-playbook -i $(which mad-inventory) site.yml    of ./mad.toml, or the file MAD_STACK",
    "mad deploy inventory --ssh-config > ssh.conf; ssh -F ssh.conf STACK-api-0",
)


def inventory(
    as_list: Annotated[
        bool, typer.Option("--list", help="All groups and hosts, as Ansible asks for them.")
    ] = False,
    host: Annotated[
        str | None, typer.Option("--host", metavar="NAME", help="The variables of one host.")
    ] = None,
    ssh_config: Annotated[
        bool, typer.Option("--ssh-config", help="As a configuration of ssh.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --list.")] = False,
    file: common.StackFile = common.STACK_FILE,
    region: common.Region = None,
    profile: common.Profile = None,
    endpoint_url: common.EndpointUrl = None,
) -> None:
    """List the machines of the stack: a table, Ansible's inventory, or a configuration of ssh."""
    with common.reported(False):
        from mad.deploy import inventory as made
        from mad.deploy import operations

        target = common.connect(file, region, profile, endpoint_url)
        seen = operations.status(target)
        if ssh_config:
            print(made.ssh_config(target.stack, seen), end="")
        elif host is not None:
            found = next((one for one in seen.hosts if one.name == host), None)
            variables = made.variables(target.stack, seen, found) if found else {}
            print(json.dumps(variables, indent=2))
        elif as_list or as_json:
            print(json.dumps(made.ansible(target.stack, seen), indent=2))
        else:
            from mad.cli.deploy.show import status_view

            common.console().print(status_view.hosts(seen))


def main() -> None:
    """`mad-inventory`: what `ansible -i` takes."""
    typer.run(inventory)
