"""The command line as people and robots meet it: options, messages, exit codes, a terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from terminal_kit import read_until, terminal

from mad.deploy.cloud.lock import Lock, store_of
from mad.deploy.cloud.session import Aws
from mad.deploy.stack.load import load

LIMIT_S = 120
UP = ("deploy", "up", "--infra-only")
VERBS = (
    *("init", "doctor", "plan", "up", "scale", "status", "drift", "inventory", "cost"),
    *("open", "ssh", "exec", "logs"),
    *("deploy", "rollback", "iam-policy", "export", "adopt", "unlock", "destroy"),
)
STACK = """\
# ours
name = "cli-test"
region = "eu-west-2"

[api]
count = 1  # how many
image = "al2023"

[api_lb]
image = "al2023"

[client]
count = 0
image = "al2023"

[web]
count = 0
image = "al2023"

[redis]
url = "rediss://user:hidden@redis.example:6379"
"""
Deploy = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stack file, and a home of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "MAD_STACK", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mad.toml").write_text(STACK)
    return tmp_path


@pytest.fixture
def deploy(place: Path) -> Deploy:
    def run(*arguments: str, module: str = "mad.deploy") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *module.split(), *arguments],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            stdin=subprocess.DEVNULL,
            cwd=place,
            check=False,
        )

    return run


@pytest.fixture
def cloud(deploy: Deploy, aws_local: Any) -> Deploy:
    """The same with an AWS."""

    def run(verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return deploy(verb, "--endpoint-url", aws_local.url, *arguments)

    return run


@pytest.fixture
def aws(aws_local: Any) -> Aws:
    return Aws("eu-west-2", endpoint_url=aws_local.url)


def machines(aws: Aws) -> list[str]:
    groups = aws.pages("ec2", "describe_instances", "Reservations")
    found = [one for group in groups for one in group["Instances"]]
    return [one["InstanceId"] for one in found if one["State"]["Name"] == "running"]


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# Without AWS.


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_each_verb_has_options_and_examples(deploy: Deploy, verb: str) -> None:
    said = deploy(verb, "--help")
    assert said.returncode == 0, said.stderr
    for option in ("--stack", "--json"):
        assert option in said.stdout
    if verb != "init":
        assert "Examples:" in said.stdout
        assert "--endpoint-url" in said.stdout
        assert "--profile" in said.stdout


def test_mad_deploy_is_the_same_command(deploy: Deploy) -> None:
    ours, theirs = deploy("--help"), deploy("deploy", "--help", module="mad")
    assert ours.stdout.splitlines()[2:] == theirs.stdout.splitlines()[2:]
    assert ours.returncode == theirs.returncode == 0


@pytest.mark.parametrize(
    "arguments", ["['--help']", "['deploy', '--help']", "['deploy', 'up', '--help']"]
)
def test_help_loads_nothing_of_aws(deploy: Deploy, arguments: str) -> None:
    # pydantic is loaded by typer itself, as soon as it parses.
    del deploy
    code = (
        "import sys, contextlib, io\n"
        f"sys.argv = ['mad', *{arguments}]\n"
        "from mad.cli.app import app\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    app()\n"
        "print(sorted({'boto3', 'botocore', 'tomlkit', 'mad.deploy.cloud'} & set(sys.modules)))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.strip() == "[]"


def test_all_mistakes_of_a_stack_file_are_told_with_their_lines(
    deploy: Deploy, place: Path
) -> None:
    (place / "mad.toml").write_text('name = "X"\nregion = 3\n\n[api]\ncuont = 2\n')
    said = deploy("plan")
    assert said.returncode == 1
    for line in ("mad.toml:1: name:", "mad.toml:2: region:", "mad.toml:5: api.cuont:"):
        assert line in said.stderr
    assert "3 mistakes" in said.stderr
    told = lines_of(deploy("plan", "--json").stdout)
    assert [(one["event"], one["line"], one["key"]) for one in told] == [
        ("error", 1, "name"),
        ("error", 2, "region"),
        ("error", 5, "api.cuont"),
    ]
    assert all(one["remedy"] for one in told)


def test_a_stack_file_that_is_missing_is_named(deploy: Deploy) -> None:
    said = deploy("up", "--stack", "other.toml")
    assert said.returncode == 1
    assert "other.toml: there is no such file" in said.stderr
    assert "mad deploy init" in said.stderr


def test_the_stack_file_may_be_named_by_the_environment(
    deploy: Deploy, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "mad.toml").rename(place / "other.toml")
    monkeypatch.setenv("MAD_STACK", str(place / "other.toml"))
    assert deploy("cost").returncode == 0


def test_the_cost_needs_no_aws(deploy: Deploy) -> None:
    said = deploy("cost")
    assert said.returncode == 0, said.stderr
    assert "a month" in said.stdout
    document = json.loads(deploy("cost", "--json").stdout)
    assert document["monthly_usd"] == pytest.approx(
        sum(line["monthly_usd"] for line in document["lines"]), abs=0.02
    )


def test_the_policy_needs_no_aws(deploy: Deploy) -> None:
    document = json.loads(deploy("iam-policy").stdout)
    assert document["Version"] == "2012-10-17"
    more = deploy("iam-policy", "--all")
    assert more.returncode == 0
    assert len(more.stdout) > len(deploy("iam-policy").stdout)


def test_without_credentials_it_is_said_what_to_do(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    said = deploy("plan")
    assert said.returncode == 1
    assert "There are no credentials for AWS" in said.stderr
    assert "-> run `aws configure`" in said.stderr
    assert "Traceback" not in said.stderr


def test_machines_that_are_given_need_no_aws(deploy: Deploy, place: Path) -> None:
    (place / "mad.toml").write_text(
        'name = "given"\n[redis]\nurl = "redis://192.0.2.9"\n'
        '[hosts]\napi = ["192.0.2.11"]\napi_lb = ["192.0.2.10"]\n'
    )
    seen = json.loads(deploy("status", "--json").stdout)
    assert seen["outputs"]["api_url"] == "http://192.0.2.10/"
    listed = json.loads(deploy("inventory", "--list").stdout)
    assert listed["tag_Name_api"] == {"hosts": ["api-0"]}
    said = deploy("up", "--yes")
    assert said.returncode == 1
    assert "[hosts]" in said.stderr


@pytest.mark.parametrize("word", ["api", "api=", "api=-1", "api=two", "apis=2", "=2"])
def test_a_count_that_is_none_is_refused(deploy: Deploy, word: str) -> None:
    said = deploy("scale", word, "--yes")
    assert said.returncode == 1
    assert f"'{word}' is not a role and a count" in said.stderr


@pytest.mark.parametrize("word", ["api-0", "instance.", "machine.api-0"])
def test_an_address_that_is_none_is_refused(deploy: Deploy, word: str) -> None:
    said = deploy("adopt", word, "i-1", "--yes")
    assert said.returncode == 1
    assert f"'{word}' is no address" in said.stderr


# With AWS.


def test_a_plan_changes_nothing_and_says_by_its_exit_code_that_something_is_to_be_done(
    cloud: Deploy, aws: Aws
) -> None:
    said = cloud("plan")
    assert said.returncode == 0, said.stderr
    assert "+ instance.api-0" in said.stdout
    assert "account 123456789012" in said.stdout
    assert cloud("plan", "--detailed-exitcode").returncode == 2
    (line,) = lines_of(cloud("plan", "--json").stdout)
    assert line["event"] == "plan"
    assert "hidden" not in said.stdout
    assert machines(aws) == []


def test_up_asks_nobody_who_is_not_there(cloud: Deploy, aws: Aws) -> None:
    said = cloud("up", "--infra-only")
    assert said.returncode == 1
    assert "give --yes" in said.stderr
    assert "+ instance.api-0" in said.stdout
    assert machines(aws) == []
    assert aws.pages("ec2", "describe_key_pairs", "KeyPairs") == []


def test_a_dry_run_shows_and_takes_no_lock(cloud: Deploy, aws: Aws) -> None:
    said = cloud("up", "--infra-only", "--dry-run")
    assert said.returncode == 0, said.stderr
    assert "Plan:" in said.stdout
    assert machines(aws) == []
    before = (Path("mad.toml")).read_text()
    assert cloud("scale", "api=3", "--dry-run").returncode == 0
    assert Path("mad.toml").read_text() == before


def test_a_whole_life(cloud: Deploy, aws: Aws) -> None:
    made = cloud("up", "--infra-only", "--yes")
    assert made.returncode == 0, made.stdout + made.stderr
    assert "create instance.api-0: done" in made.stdout
    assert "http://" in made.stdout
    assert len(machines(aws)) == 2
    assert cloud("plan", "--detailed-exitcode").returncode == 0
    again = cloud("up", "--infra-only", "--yes")
    assert again.returncode == 0
    assert "Nothing to do" in again.stdout

    scaled = cloud("scale", "api=2", "--yes")
    assert scaled.returncode == 0, scaled.stdout + scaled.stderr
    assert "count = 2  # how many" in Path("mad.toml").read_text()
    assert Path("mad.toml").read_text().startswith("# ours\n")
    assert len(machines(aws)) == 3

    seen = json.loads(cloud("status", "--json").stdout)
    assert sorted(seen["outputs"]["hosts"]) == ["api-0", "api-1", "api_lb-0"]
    assert seen["outputs"]["redis"] == "rediss://redis.example:6379"
    assert seen["held_by"] is None

    assert cloud("drift").returncode == 0
    stopped = seen["outputs"]["hosts"]["api-1"]["id"]
    aws.call("ec2", "stop_instances", InstanceIds=[stopped])
    drifted = cloud("drift")
    assert drifted.returncode == 2
    assert "stopped outside mad" in drifted.stdout
    assert cloud("up", "--infra-only", "--yes").returncode == 0
    assert len(machines(aws)) == 3

    gone = cloud("destroy", "--yes")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert "Nothing of cli-test is left in eu-west-2." in gone.stdout
    assert machines(aws) == []
    assert aws.pages("ec2", "describe_key_pairs", "KeyPairs") == []
    assert cloud("destroy", "--yes").returncode == 0


def test_up_as_json_lines_ends_with_the_outputs(cloud: Deploy) -> None:
    lines = lines_of(cloud("up", "--infra-only", "--yes", "--json").stdout)
    assert lines[0]["event"] == "plan"
    assert {line["event"] for line in lines[1:-1]} <= {"started", "progress", "done"}
    assert lines[-1]["event"] == "end"
    assert lines[-1]["ok"] is True
    assert sorted(lines[-1]["outputs"]["hosts"]) == ["api-0", "api_lb-0"]
    assert {line["action"] for line in lines if line["event"] == "done"} == {
        action["action"] for action in lines[0]["actions"]
    }


def test_a_lock_that_is_held_is_exit_code_3_and_unlock_breaks_it(
    cloud: Deploy, place: Path, aws: Aws
) -> None:
    stack = load(place / "mad.toml")
    with Lock(store_of(aws, stack), op="up", who="arn:aws:iam::1:user/other"):
        held = cloud("up", "--infra-only", "--yes")
        assert held.returncode == 3, held.stdout + held.stderr
        assert "by arn:aws:iam::1:user/other" in held.stderr
        assert "unlock" in held.stderr
        assert "other" in json.loads(cloud("status", "--json").stdout)["held_by"]
        asked = cloud("unlock")
        assert asked.returncode == 1
        assert "give --yes" in asked.stderr
        assert cloud("unlock", "--yes").returncode == 0
        assert cloud("up", "--infra-only", "--yes").returncode == 0
    assert "Nobody holds the lock." in cloud("unlock").stdout


def test_a_plan_above_the_budget_is_refused(cloud: Deploy, place: Path, aws: Aws) -> None:
    with (place / "mad.toml").open("a") as file:
        file.write("\n[limits]\nmonthly_usd = 1\n")
    said = cloud("up", "--infra-only", "--yes")
    assert said.returncode == 1
    assert "monthly_usd" in said.stderr
    assert machines(aws) == []


def test_an_export_is_a_document(cloud: Deploy) -> None:
    said = cloud("export", "--format", "terraform")
    assert said.returncode == 0, said.stderr
    assert 'resource "aws_instance"' in said.stdout


def test_the_doctor_changes_nothing(cloud: Deploy, aws: Aws) -> None:
    lines = lines_of(cloud("doctor", "--json").stdout)
    assert {"stack file", "credentials"} <= {line["name"] for line in lines}
    assert all(line["remedy"] for line in lines if line["level"] == "fail")
    assert machines(aws) == []


# In a terminal.


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("\n", 1), ("\x04", 1), ("y\n", 0)])
def test_people_are_asked(place: Path, aws_local: Any, aws: Aws, answer: str, code: int) -> None:
    del place
    with terminal(*UP, "--endpoint-url", aws_local.url) as (
        process,
        end,
    ):
        shown = read_until(end, "Apply? [y/N]")
        assert "instance.api-0" in shown
        os.write(end, answer.encode())
        after = read_until(end, None, LIMIT_S)
        assert process.wait(LIMIT_S) == code, after
    assert ("Nothing was changed" in after) == (code == 1)
    assert bool(machines(aws)) == (code == 0)
    if code == 0:
        assert "\x1b[?25l" in after, "the tree hides the cursor"
        assert "\x1b[?25h" in after, "and gives it back"
        assert "2 made" in after or "3 made" in after


def test_an_interrupted_question_is_exit_code_130_and_leaves_no_lock(
    place: Path, aws_local: Any, aws: Aws
) -> None:
    del place
    with terminal(*UP, "--endpoint-url", aws_local.url) as (
        process,
        end,
    ):
        read_until(end, "Apply? [y/N]")
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 130
    assert machines(aws) == []
    assert aws.pages("ec2", "describe_key_pairs", "KeyPairs") == []


@pytest.mark.parametrize("name", ["NO_COLOR", "CI"])
def test_a_terminal_that_wants_plain_lines_has_them(
    place: Path, aws_local: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    del place
    monkeypatch.setenv(name, "1")
    with terminal(*UP, "--yes", "--endpoint-url", aws_local.url) as (
        process,
        end,
    ):
        shown = read_until(end, None, LIMIT_S)
        assert process.wait(LIMIT_S) == 0
    assert "create instance.api-0: done" in shown
    assert "\x1b[?25l" not in shown


SLOW = """
import sys, threading
from mad.cli.deploy import common
from mad.deploy import engine, operations
from mad.deploy.cloud import wait
from mad.deploy.cloud.resource import Context
from mad.deploy.events import PlanMade
from mad.deploy.plan.model import Action, Observed, Plan, Surroundings, Verb
from mad.deploy.plan.specs import InstanceSpec, Kind
from mad.deploy.stack.load import load
from pathlib import Path

patient = sys.argv[1] == "patient"

class Slow:
    def create(self, context, spec):
        if patient:
            wait.until(lambda: None, context=context, what="starting", deadline_s=60)
        threading.Event().wait(60)

target = operations.Target(load(Path("mad.toml")), None)
specs = [InstanceSpec(f"api-{n}") for n in range(3)]
plan = Plan(tuple(Action(Verb.CREATE, spec.address, spec) for spec in specs))
seen = Observed((), Surroundings("1", "eu-west-2"))
context = Context(None, target.stack, "lease", seen, cancelled=target.cancelled)
with common.reported(False), common.stoppable(target, common.renderer(target, "up", False)) as show:
    show(PlanMade(plan, seen))
    outcome = engine.apply(plan, context, show, parallel=2, resources={Kind.INSTANCE: Slow()})
    result = operations.Result(operations.Looked(plan, seen, target.stack), outcome)
    sys.exit(common.ended(result, show))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interruption_lets_what_runs_come_to_an_end(
    place: Path, number: signal.Signals
) -> None:
    (place / "slow.py").write_text(SLOW)
    with terminal(str(place / "slow.py"), "patient", module=None) as (process, end):
        read_until(end, "starting")
        process.send_signal(number)
        after = read_until(end, None)
        assert process.wait(LIMIT_S) == 130
    assert "Stopping: nothing new is started" in after
    assert "3 not tried" in after
    assert "run the same command again" in after


def test_the_second_interruption_ends_at_once(place: Path) -> None:
    (place / "slow.py").write_text(SLOW)
    with terminal(str(place / "slow.py"), "stubborn", module=None) as (process, end):
        if "\x1b[?25l" not in read_until(end, "instance.api-0"):
            read_until(end, "\x1b[?25l")
        process.send_signal(signal.SIGINT)
        read_until(end, "Stopping")
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 130
