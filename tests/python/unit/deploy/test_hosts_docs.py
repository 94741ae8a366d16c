"""The pages about machines, releases and CI name what there is: verbs, options, messages, files,
fields, exit codes and each other."""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import command_lines
import pytest

from mad import deploy
from mad.cli.deploy import common, hosts_common
from mad.cli.deploy.show.json_lines import JsonLines
from mad.deploy.events import HostState, HostStep
from mad.deploy.hosts import ssh_errors, units
from mad.deploy.remote.protocol import KEEP, ROOT, RUN
from mad.deploy.rollout.operations import Deployed
from mad.deploy.rollout.run import Ended
from mad.deploy.stack.settings import Role, Update
from mad.deploy.stack.values import spoken

HERE = Path(__file__).resolve().parents[4]
DOCS = HERE / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), HERE / "README.md"]
HOSTS = (DOCS / "deploy-hosts.md").read_text(encoding="utf-8")
CI = (DOCS / "ci-cd.md").read_text(encoding="utf-8")
DEPLOY = [page for page in PAGES if page.name in ("ci-cd.md", "README.md", "deploy.md")]
DEPLOY += [page for page in PAGES if page.name.startswith(("deploy-", "from-terraform"))]


def section(page: str, title: str) -> str:
    (found,) = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", page, re.DOTALL | re.M)
    return str(found)


def rows(text: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def codes(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def blocks(page: Path) -> Iterator[str]:
    yield from re.findall(r"^```(?:sh)?\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.M)


def inline(page: Path) -> Iterator[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.M)
    yield from codes(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_those_that_there_are(page: Path) -> None:
    for block in blocks(page):
        for words in command_lines.in_script(block):
            command_lines.check(words)
    for code in inline(page):
        for words in command_lines.in_script(code):
            if words:
                command_lines.check_options(words)


@pytest.mark.parametrize("page", DEPLOY, ids=lambda page: page.stem)
def test_verbs_that_are_named_alone_have_the_options_that_are_said(page: Path) -> None:
    for code in inline(page):
        words = command_lines.words(code) if "'" not in code and '"' not in code else [""]
        if words and words[0] in command_lines.verbs() and "--" in code:
            command_lines.check_options(words)


def test_they_name_each_verb_that_reaches_machines() -> None:
    said = {words[0] for block in blocks(DOCS / "deploy-hosts.md")
            for words in command_lines.in_script(block)}  # fmt: skip
    wanted = {"up", "deploy", "rollback", "pack", "status", "open", "logs", "exec", "ssh"}
    assert said == wanted | {"drift", "doctor"}


def texts() -> str:
    """All texts in the code about machines, one a line; what is put into them is a NUL."""
    folder = Path(str(deploy.__file__)).parent
    found = []
    for part in ("hosts", "remote", "release", "rollout"):
        for file in sorted((folder / part).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = (one.value if isinstance(one, ast.Constant) else "\0"
                             for one in node.values)  # fmt: skip
                    found.append("".join(str(one) for one in parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value.replace("{}", "\0"))
    return "\n".join(found)


def test_each_message_is_one_that_is_said() -> None:
    said = texts()
    told = [code for row in rows(section(HOSTS, "What is said, and what to do"))
            for code in codes(row[0])]  # fmt: skip
    assert len(told) > 25
    lacking = []
    for message in told:
        parts = re.split(r"\bN\b|\bapi_lb-0\b|…", message)
        # `not on …` is put in by a list.
        pattern = ".*".join(re.escape(part.strip()) for part in parts)
        if not re.search(pattern, said):
            lacking.append(message)
    assert lacking == []


def test_each_message_of_ssh_is_on_the_page() -> None:
    told = section(HOSTS, "What is said, and what to do")
    for _, _, sentence, _ in ssh_errors._TABLE:
        assert f"`{sentence}`" in told


def test_the_keys_of_update_are_those_of_the_settings() -> None:
    update = Update()
    wanted = {
        "max_parallel": str(update.max_parallel),
        "canary": str(update.canary),
        "min_healthy_time": f'"{spoken(update.min_healthy_time_s)}"',
        "healthy_deadline": f'"{spoken(update.healthy_deadline_s)}"',
        "auto_revert": str(update.auto_revert).lower(),
    }
    told = {row[0].strip("`"): row[1].strip("`") for row in rows(section(HOSTS, "The gate"))}
    assert told == wanted


def test_each_file_of_a_role_is_on_the_page() -> None:
    told = section(HOSTS, "On a machine")
    wanted = {
        file.path
        for role in Role
        for file in units.files(role, variables={}, ports=() if role is Role.CLIENT else (80,))
    }
    named = set(codes(told))
    for path in wanted:
        role = re.sub(r"(60-mad)-[\w-]+(\.conf)", r"\1-<role>\2", path)
        program = re.sub(r"mad-(proxy|agent|web)(?=[@.])", "mad-api", path)
        alike = {path, role, program, Path(program).name}
        assert alike & named, path
    for program in units.PROGRAMS.values():
        assert f"`{program}" in told
    assert {f"{ROOT}/releases/<id>", f"{ROOT}/audit.jsonl", f"{RUN}/<role>"} <= named
    assert KEEP == 3
    assert "Three releases stay." in told


def test_exit_codes_are_those_of_the_program() -> None:
    wanted = {common.OK, common.ERROR, common.LOCKED, hosts_common.GATE, common.INTERRUPTED}
    assert {int(row[0]) for row in rows(section(HOSTS, "Exit codes"))} == wanted
    table = section(CI, "What a run does").partition("| exit code")[2]
    assert {int(row[0]) for row in rows(f"| exit code{table}")} == wanted


def test_each_field_of_a_deploy_is_on_the_page() -> None:
    told = section(CI, "What `deploy --json` says")
    out = io.StringIO()
    show = JsonLines(out, "shop", "eu-west-2")
    for state in HostState:
        show(HostStep("api-0", "api", state, "text", 1.0, "remedy", "tail"))
    show.line("end", hosts_common.document("deploy", Deployed(Ended())))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    names = {name for line in lines for name in line}
    names |= {line["event"] for line in lines} | {line.get("state") for line in lines} - {None}
    assert names - set(codes(told)) == set()


def test_the_examples_of_jq_read_what_is_said() -> None:
    failed = HostStep("api-0", "api", HostState.FAILED, "it ended by itself", 5.0, "mend", "boom")
    out = io.StringIO()
    show = JsonLines(out, "shop", "eu-west-2")
    show(failed)
    show.line("end", hosts_common.document("deploy", Deployed(Ended())))
    filters = re.findall(r"^jq -\w+ '([^']+)' deploy\.jsonl$", CI, re.MULTILINE)
    said = [
        subprocess.run(
            ["jq", "-r", one], input=out.getvalue(), capture_output=True, text=True, check=True
        ).stdout
        for one in filters
    ]
    assert said == ["api-0: it ended by itself\nboom\n", "true\n"]


def test_the_trust_policy_names_one_branch_of_one_repository() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", CI, re.DOTALL)
    (statement,) = json.loads(text)["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    provider = "token.actions.githubusercontent.com"
    assert statement["Principal"]["Federated"].endswith(f"oidc-provider/{provider}")
    said = statement["Condition"]["StringEquals"]
    assert said[f"{provider}:aud"] == "sts.amazonaws.com"
    assert "*" not in said[f"{provider}:sub"]


def test_each_setting_of_the_workflows_is_on_the_page() -> None:
    text = "".join(file.read_text("utf-8") for file in (HERE / "infra/workflows").glob("*.yml"))
    used = set(re.findall(r"\b(?:vars|secrets)\.([A-Z_]+)", text))
    told = set(codes(section(CI, "What the repository must know")))
    assert used <= told
    assert {name for name in told if re.fullmatch(r"(MAD|AWS)_\w+", name)} == used


def anchor(title: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", title).lower()).replace(
        " ", "-"
    )


@pytest.mark.parametrize("page", DEPLOY, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("http"):
            continue
        name, _, part = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if part:
            titles = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.M)
            assert part in {anchor(title) for title in titles}, link
