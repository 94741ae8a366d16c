"""What the verbs share that look at hosts, or reach them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", metavar="NAME", help="A machine, such as api-0; repeat."),
]
AskHosts = Annotated[
    bool | None,
    typer.Option(
        "--hosts/--no-hosts",
        help="Whether to ask the machines, over ssh. Default: once a release is on them.",
    ),
]


@contextmanager
def ended_well() -> Iterator[None]:
    """A signal that ends the command lets it close the way to the hosts first. One that is ignored
    (`nohup`) stays so."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    heard = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
