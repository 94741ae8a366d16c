"""The workflows for GitHub are valid, call what there is, and take each way a deploy can end."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import command_lines
import pytest
import yaml  # type: ignore[import-untyped]

from mad.deploy.stack.settings import Role

ROOT = Path(__file__).resolve().parents[4]
FOLDER = ROOT / "infra/workflows"
FILES = sorted(FOLDER.glob("*.yml"))
CALLED = FOLDER / "mad-role.yml"
CALLERS = [file for file in FILES if file != CALLED]


def read(file: Path) -> dict[Any, Any]:
    """`on` reads as true: YAML 1.1, as GitHub's own schema has it, too."""
    loaded: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def steps() -> list[dict[str, Any]]:
    return [step for job in read(CALLED)["jobs"].values() for step in job["steps"]]


def scripts() -> list[str]:
    return [step["run"] for step in steps() if "run" in step]


def step(name: str) -> dict[str, Any]:
    (found,) = (one for one in steps() if one.get("name") == name)
    return found


def test_there_is_one_for_each_role_that_the_original_had_one_for() -> None:
    assert [file.stem for file in CALLERS] == ["api", "client", "web"]


def test_they_are_workflows_by_githubs_schema() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
        + [str(file) for file in FILES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("file", CALLERS, ids=lambda file: file.stem)
def test_a_caller_gives_what_is_asked(file: Path) -> None:
    caller = read(file)
    (job,) = caller["jobs"].values()
    wanted = read(CALLED)[True]["workflow_call"]
    assert job["uses"] == f"./.github/workflows/{CALLED.name}"
    assert job["with"] == {"role": Role(file.stem).value}
    needs = {name for name, one in wanted["inputs"].items() if one.get("required")}
    assert needs <= set(job["with"]) <= set(wanted["inputs"])
    assert set(job["secrets"]) == set(wanted["secrets"])
    # What is called gets no more than its caller has.
    for called in read(CALLED)["jobs"].values():
        assert called["permissions"].items() <= caller["permissions"].items()


@pytest.mark.parametrize("file", CALLERS, ids=lambda file: file.stem)
def test_a_caller_waits_for_files_that_there_are(file: Path) -> None:
    paths = read(file)[True]["push"]["paths"]
    assert [path for path in paths if not any(ROOT.glob(path))] == []
    assert ("console/**" in paths) == (file.stem == "web")


def test_credentials_come_from_oidc_and_every_action_is_pinned() -> None:
    for job in read(CALLED)["jobs"].values():
        assert job["permissions"]["id-token"] == "write"
    used = [one["uses"] for one in steps() if "uses" in one]
    signing = [one for one in used if one.startswith("aws-actions/")]
    assert len(signing) == 2
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one) for one in used)
    texts = "".join(file.read_text(encoding="utf-8") for file in FILES)
    assert "AWS_SECRET" not in texts
    assert "AWS_ACCESS" not in texts


def test_one_role_of_a_stack_is_deployed_at_a_time() -> None:
    said = read(CALLED)["jobs"]["deploy"]["concurrency"]
    assert said["cancel-in-progress"] is False
    assert {"inputs.stack", "inputs.role"} == set(re.findall(r"inputs\.\w+", said["group"]))


def test_their_commands_are_those_that_there_are() -> None:
    found = [one for script in scripts() for one in command_lines.in_script(script)]
    assert [one[:2] if one[0] == "image" else one[:1] for one in found] == [
        ["pack"],
        ["image", "build"],
        ["image", "push"],
        ["deploy"],
    ]
    for one in found:
        command_lines.check(one)


def test_their_scripts_are_bash() -> None:
    for script in scripts():
        said = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
        assert said.returncode == 0, said.stderr


def test_a_secret_is_in_no_command_line() -> None:
    for script in scripts():
        assert "${{" not in script
        for name in ("REGISTRY_PASSWORD", "SSH_PRIVATE_KEY"):
            uses = re.findall(rf".*\${name}.*", script)
            assert all(re.search(rf"<<<\"\${name}\"|^\s*printf '%s\\n' ", use) for use in uses)


END: dict[str, Any] = {
    "event": "end",
    "op": "deploy",
    "ok": True,
    "same": [],
    "switched": ["api-0", "api-1"],
    "reverted": [],
    "failed": {},
    "left": [],
}
FAILED = {
    "event": "host",
    "host": "api-0",
    "role": "api",
    "state": "failed",
    "text": "it is not ready, for 120 s",
    "remedy": "mend what its log names,\nand deploy again",
}


def deployed(tmp_path: Path, ends: list[tuple[int, list[dict[str, Any]]]]) -> tuple[int, str, str]:
    """Runs the step with a `python` that ends so, one time after the other. Gives its exit code,
    what it said, and the summary."""
    tools, work = tmp_path / "tools", tmp_path / "work"
    tools.mkdir()
    work.mkdir()
    for number, (code, lines) in enumerate(ends):
        said = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / f"{number}.jsonl").write_text(said)
        (tmp_path / f"{number}.code").write_text(str(code))
    tool = (
        "#!/bin/sh\n"
        f"cd {tmp_path}\n"
        'count=$(cat count 2>/dev/null || echo 0)\necho $((count + 1)) >count\necho "$*" >>calls\n'
        'cat $count.jsonl\nexit "$(cat $count.code)"\n'
    )
    for name, text in (("python", tool), ("sleep", "#!/bin/sh\n")):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    script = tmp_path / "step.sh"
    script.write_text(step("Deploy")["run"])
    summary = tmp_path / "summary.md"
    ran = subprocess.run(
        # As GitHub does with `shell: bash`.
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=work,
        env={
            "PATH": f"{tools}:{os.environ['PATH']}",
            "STACK": "mad.toml",
            "ROLE": "api",
            "VERSION": "0123456789ab",
            "GITHUB_STEP_SUMMARY": str(summary),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout, summary.read_text() if summary.exists() else ""


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_a_deploy_that_ends_well(tmp_path: Path) -> None:
    code, said, summary = deployed(tmp_path, [(0, [END])])
    assert code == 0
    assert "::error" not in said
    assert summary == "api 0123456789ab: 2 changed, 0 as they were, 0 taken back, 0 failed\n"
    wanted = "-m mad.deploy deploy --stack mad.toml --role api --version 0123456789ab --yes --json"
    assert calls(tmp_path) == [wanted]


def test_a_release_that_is_not_well_fails_the_job_and_says_where(tmp_path: Path) -> None:
    end = END | {"switched": [], "reverted": ["api-1"], "failed": {"api-0": "no"}}
    code, said, summary = deployed(tmp_path, [(4, [FAILED, end])])
    assert code == 4
    assert (
        "::error title=api-0::it is not ready, for 120 s: mend what its log names, and deploy again"
        in said.splitlines()
    )
    assert "::error::api 0123456789ab was not well: the release before serves again" in said
    assert summary.endswith("0 changed, 0 as they were, 1 taken back, 1 failed\n")


def test_a_lock_that_is_held_is_waited_for(tmp_path: Path) -> None:
    held = {"event": "error", "message": "held", "remedy": "wait"}
    code, said, _ = deployed(tmp_path, [(3, [held]), (3, [held]), (0, [END])])
    assert code == 0
    assert len(calls(tmp_path)) == 3
    assert said.count("somebody else works on the stack") == 2


def test_a_lock_that_is_never_let_go_ends_the_job(tmp_path: Path) -> None:
    code, said, summary = deployed(tmp_path, [(3, [])] * 60)
    assert code == 3
    assert len(calls(tmp_path)) == 60
    assert "::error::somebody else still works on the stack: run this job again" in said
    assert summary == ""


@pytest.mark.parametrize(
    ("ended", "sentence"),
    [(1, "could not be brought to all machines"), (130, "interrupted: run this job again")],
)
def test_what_cannot_be_done_fails_the_job(tmp_path: Path, ended: int, sentence: str) -> None:
    error = {"event": "error", "message": "it does not answer", "remedy": "check that it runs"}
    code, said, _ = deployed(tmp_path, [(ended, [error])])
    assert code == ended
    assert len(calls(tmp_path)) == 1
    assert sentence in said


def test_the_key_is_in_an_agent_and_in_no_file(tmp_path: Path) -> None:
    key, tools, home = tmp_path / "key", tmp_path / "tools", tmp_path / "runner"
    tools.mkdir()
    home.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    text = key.read_text()
    key.unlink()
    # Tells which agent is to be ended.
    (tools / "ssh-agent").write_text(
        f'#!/bin/sh\n{shutil.which("ssh-agent")} "$@" | tee {tmp_path}/agent\n'
    )
    (tools / "ssh-agent").chmod(0o755)
    known = home / "environment"
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(home),
        "GITHUB_ENV": str(known),
        # As a secret comes: without the end of its last line.
        "SSH_PRIVATE_KEY": text.rstrip("\n"),
    }
    script = step("Give the key to an agent")["run"]
    try:
        subprocess.run(["bash", "-e", "-c", script], env=environment, check=True, timeout=60)
        name, _, socket = known.read_text().strip().partition("=")
        assert name == "SSH_AUTH_SOCK"
        held = subprocess.run(
            ["ssh-add", "-L"], env={name: socket}, capture_output=True, text=True, check=True
        )
        public = (tmp_path / "key.pub").read_text().split()
        assert held.stdout.split()[:2] == public[:2]
        assert not any(text[100:200] in file.read_text() for file in home.iterdir()
                       if file.is_file())  # fmt: skip
    finally:
        (pid,) = re.findall(r"Agent pid (\d+)", (tmp_path / "agent").read_text())
        os.kill(int(pid), signal.SIGTERM)
