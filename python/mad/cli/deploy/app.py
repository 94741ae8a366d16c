"""Puts the verbs of `mad deploy` together. Nothing of AWS is loaded until one runs."""

from __future__ import annotations

import typer

from mad.cli.deploy import (
    adopt,
    cost,
    deploy,
    destroy,
    doctor,
    drift,
    exec,
    export,
    iam_policy,
    image,
    init,
    inventory,
    logs,
    open,
    pack,
    plan,
    rollback,
    scale,
    ssh,
    status,
    unlock,
    up,
)
from mad.cli.deploy.common import examples

app = typer.Typer(
    help="A whole stack on AWS from one file, mad.toml: machines, network, Redis, load balancer.",
    epilog=examples(
        "mad deploy init        write a stack file",
        "mad deploy doctor      is everything there",
        "mad deploy plan        what would be done, and what it costs",
        "mad deploy up          do it",
        "mad deploy destroy     remove it, and prove that nothing is left",
        "Credentials come from the usual AWS chain. `python -m mad.deploy` is the same command.",
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("init")(init.init)
app.command("doctor", epilog=doctor.EPILOG)(doctor.doctor)
app.command("plan", epilog=plan.EPILOG)(plan.plan)
app.command("up", epilog=up.EPILOG)(up.up)
app.command("deploy", epilog=deploy.EPILOG)(deploy.deploy)
app.command("rollback", epilog=rollback.EPILOG)(rollback.rollback)
app.command("pack", epilog=pack.EPILOG)(pack.pack)
app.command("scale", epilog=scale.EPILOG)(scale.scale)
app.command("status", epilog=status.EPILOG)(status.status)
app.command("drift", epilog=drift.EPILOG)(drift.drift)
app.command("inventory", epilog=inventory.EPILOG)(inventory.inventory)
app.command("open", epilog=open.EPILOG)(open.open_)
app.command("ssh", epilog=ssh.EPILOG)(ssh.ssh)
app.command("exec", epilog=exec.EPILOG)(exec.exec_)
app.command("logs", epilog=logs.EPILOG)(logs.logs)
app.command("cost", epilog=cost.EPILOG)(cost.cost)
app.command("iam-policy", epilog=iam_policy.EPILOG)(iam_policy.iam_policy)
app.add_typer(image.app, name="image")
app.command("export", epilog=export.EPILOG)(export.export)
app.command("adopt", epilog=adopt.EPILOG)(adopt.adopt)
app.command("unlock", epilog=unlock.EPILOG)(unlock.unlock)
app.command("destroy", epilog=destroy.EPILOG)(destroy.destroy)
