"""What all verbs share: options, the way a command shows itself, and exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from mad.deploy.events import Event
    from mad.deploy.operations import Looked, Result, Target

OK, ERROR, CHANGES, LOCKED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes. Done or nothing to do; an error; changes are pending; somebody else works on the
stack; interrupted, and safe to run again."""

PLACE = "Which stack"
CHANGE = "Changing"

StackFile = Annotated[
    Path,
    typer.Option(
        "--stack", metavar="FILE", help="The stack file.", rich_help_panel=PLACE, envvar="MAD_STACK"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
AsDocument = Annotated[bool, typer.Option("--json", help="As a JSON document.")]
Region = Annotated[
    str | None,
    typer.Option(metavar="REGION", help="Goes before the stack file's.", rich_help_panel=PLACE),
]
Profile = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Profile of the AWS configuration. Default: AWS_PROFILE.",
        rich_help_panel=PLACE,
    ),
]
EndpointUrl = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url",
        metavar="URL",
        help="Another AWS than the real one. Default: AWS_ENDPOINT_URL.",
        rich_help_panel=PLACE,
    ),
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do it without asking.", rich_help_panel=CHANGE)
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Show what would be done and change nothing.", rich_help_panel=CHANGE
    ),
]
RefreshImages = Annotated[
    bool,
    typer.Option(
        "--refresh-images", help="Replace machines whose image is not the newest of its system."
    ),
]
AllowDataLoss = Annotated[
    bool,
    typer.Option(
        "--allow-data-loss",
        help="Also do what loses the data of Redis.",
        rich_help_panel=CHANGE,
    ),
]
STACK_FILE = Path("mad.toml")


def examples(*lines: str) -> str:
    """The end of a `--help`."""
    return "\n\n".join(("Examples:", *lines))


class Show(Protocol):
    """One of the renderers."""

    def __call__(self, event: Event) -> None: ...

    def stop_asked(self) -> None: ...

    def result(self, result: Result) -> None: ...

    def close(self) -> None: ...


def interactive() -> bool:
    """Whether somebody sits before it: then colours and questions make sense."""
    return sys.stdout.isatty() and sys.stdin.isatty() and not os.environ.get("CI")


def console(*, error: bool = False) -> Console:
    """For people; without colours and at any width where nobody looks at a terminal."""
    from rich.console import Console

    out = sys.stderr if error else sys.stdout
    if out.isatty():
        return Console(stderr=error, highlight=False)
    return Console(stderr=error, highlight=False, no_color=True, width=120)


def renderer(target: Target, op: str, as_json: bool) -> Show:
    """A tree on a terminal; plain lines where there is none, or with NO_COLOR or CI."""
    name, region = target.stack.name, target.stack.region
    if as_json:
        from mad.cli.deploy.show.json_lines import JsonLines

        return JsonLines(sys.stdout, name, region)
    out = console()
    if out.is_terminal and not os.environ.get("NO_COLOR") and not os.environ.get("CI"):
        from mad.cli.deploy.show.tree import Tree

        return Tree(out, name, region, op)
    from mad.cli.deploy.show.plain import Plain

    return Plain(out, name, region)


def connect(
    file: Path, region: str | None, profile: str | None, endpoint_url: str | None
) -> Target:
    from mad.deploy import operations

    return operations.target(
        file,
        region=region,
        profile=profile,
        endpoint_url=endpoint_url,
        trust=_trust if interactive() else None,
    )


def _trust(address: str, fingerprint: str) -> bool:
    """Also with --yes: who says yes to a change has not seen the key."""
    typer.echo(f"{address} is not known yet. It shows the host key {fingerprint}", err=True)
    return agreed("Is that the machine?")


def say(as_json: bool, message: str, remedy: str = "", **more: Any) -> None:
    """An error: for people on stderr, as JSON on stdout with everything else."""
    if as_json:
        line = {"event": "error", "message": message, "remedy": remedy, **more}
        print(json.dumps(line), flush=True)
        return
    typer.echo(f"mad deploy: {message}", err=True)
    if remedy:
        typer.echo(f"  -> {remedy}", err=True)


@contextlib.contextmanager
def reported(as_json: bool) -> Iterator[None]:
    """Turns what a verb raises into words and an exit code."""
    try:
        yield
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        say(as_json, "interrupted; run the same command again to go on")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read has enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ERROR) from None
    except Exception as error:
        code = _said(as_json, error)
        if code is None:
            raise
        raise typer.Exit(code) from None


def _said(as_json: bool, error: Exception) -> int | None:
    from mad.deploy.cloud.adopt import AdoptError
    from mad.deploy.cloud.errors import explain
    from mad.deploy.cloud.lock import LockHeldError, LockLostError
    from mad.deploy.cloud.session import AwsError
    from mad.deploy.hosts.model import HostError
    from mad.deploy.images.engine import ImageError
    from mad.deploy.operations import OperationError
    from mad.deploy.release.manifest import ReleaseError
    from mad.deploy.stack.mistakes import StackError

    match error:
        case StackError(mistakes=mistakes):
            for one in mistakes:
                if as_json:
                    place = {"file": str(one.file), "line": one.line, "key": one.key}
                    say(True, one.problem, one.remedy, **place)
                else:
                    typer.echo(str(one), err=True)
            if not as_json and len(mistakes) > 1:
                typer.echo(f"mad deploy: {len(mistakes)} mistakes in the stack file", err=True)
        case AwsError():
            said = explain(error)
            say(as_json, said.sentence, said.remedy, code=error.code)
        case LockHeldError():
            say(as_json, str(error), error.remedy)
            return LOCKED
        case LockLostError() | OperationError() | AdoptError() | ReleaseError():
            say(as_json, str(error), error.remedy)
        case ImageError():
            say(as_json, str(error), error.remedy, tail=error.tail)
            if error.tail and not as_json:
                typer.echo(error.tail.strip(), err=True)
        case HostError():
            say(as_json, str(error), error.remedy, host=error.host, code=error.code)
            if error.tail and not as_json:
                typer.echo(error.tail.strip(), err=True)
        case _:
            return None
    return ERROR


class Asker:
    """Asks before something is changed."""

    def __init__(self, yes: bool, question: str = "Apply?") -> None:
        self._yes = yes
        self._question = question

    def __call__(self, _looked: Looked) -> bool:
        return self._yes or agreed(self._question)


def agreed(question: str) -> bool:
    """What people answer. Raises OperationError where nobody can."""
    if not interactive():
        from mad.deploy.operations import OperationError

        raise OperationError(
            "nothing was changed: nobody is there to ask", "give --yes to do it without asking"
        )
    print(f"\n{question} [y/N] ", end="", flush=True)
    # A signal between a prompt and the read behind it is seen only when the read returns.
    while not select.select([sys.stdin], [], [], 0.2)[0]:
        pass
    try:
        answer = input()
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


@contextlib.contextmanager
def stoppable(target: Target, show: Show) -> Iterator[Show]:
    """While actions run the first Ctrl-C (or TERM) lets nothing new start, the second ends at once;
    before that one is enough."""
    listener = _Watched(target, show)
    before = {one: signal.signal(one, listener.on_signal) for one in _SIGNALS}
    try:
        yield listener
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        show.close()


TELL_S = 5.0
"""How long the word that nothing new is started may take before what came of it is shown."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Watched:
    """A renderer that knows whether something is being changed."""

    def __init__(self, target: Target, show: Show) -> None:
        self._target = target
        self._show = show
        self._working = False
        self._telling: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        from mad.deploy.events import HostState, HostStep, Started

        if isinstance(event, Started) or (
            isinstance(event, HostStep) and event.state is HostState.RUNNING
        ):
            self._working = True
        self._show(event)

    def on_signal(self, _number: int, _frame: object) -> None:
        if not self._working:
            raise KeyboardInterrupt
        if self._target.cancelled.is_set():
            # The lock stays; the next run sees that this process is gone.
            os.write(2, b"\x1b[?25h\n" if sys.stderr.isatty() else b"\n")
            os._exit(INTERRUPTED)
        self._target.cancelled.set()
        # Not from here: this may stand in the middle of a line that is being written.
        self._telling = threading.Thread(target=self.stop_asked, daemon=True)
        self._telling.start()

    def stop_asked(self) -> None:
        self._show.stop_asked()

    def result(self, result: Result) -> None:
        if self._telling is not None:
            self._telling.join(TELL_S)
        self._show.result(result)

    def close(self) -> None:
        self._show.close()


def ended(result: Result, show: Show) -> int:
    """Shows how it ended, and gives the exit code."""
    show.result(result)
    if result.declined:
        typer.echo("Nothing was changed.", err=True)
        return ERROR
    if result.outcome is not None and result.outcome.interrupted:
        typer.echo("mad deploy: interrupted; run the same command again to go on", err=True)
        return INTERRUPTED
    return OK if result.ok else ERROR
