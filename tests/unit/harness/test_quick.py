"""What the session `quick` runs: the tests of the rooms that a change touches."""

import re
import subprocess
from pathlib import Path

import pytest

from harness import quick
from harness.errors import HarnessError
from harness.paths import ROOT


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("lambdas/invoicing/domain/totals.py", {"tests/unit/invoicing/domain", "tests/unit/handlers/test_creating.py"}),
        ("lambdas/invoicing/documents/pdf.py", {"tests/unit/invoicing/documents"}),
        ("lambdas/invoicing/runtime/settings.py", {"tests/unit/invoicing/api", "tests/contract/test_settings.py"}),
        ("lambdas/rotate_api_key/handler.py", {"tests/unit/handlers/test_rotation.py", "tests/contract/test_api.py"}),
        ("harness/plan/graph.py", {"tests/unit/harness/plan", "tests/unit/test_architecture.py"}),
        ("harness/quick.py", {"tests/unit/harness/test_quick.py"}),
        ("modules/kms-key/main.tf", {"tests/plan/kms-key"}),
        ("modules/invoice-platform/api.tf", {"tests/plan/invoice-platform", "tests/contract/test_api.py"}),
        ("live/dev/main.tf", {"tests/plan/test_parity.py", "tests/contract/test_settings.py"}),
        ("policy/suppressions.yaml", {"tests/policy/test_meta.py"}),
        ("docs/csv.md", {"tests/unit/test_architecture.py"}),
        ("tests/plan/lambda/limits.yaml", {"tests/plan/lambda"}),
        ("tests/unit/harness/stack/test_logs.py", {"tests/unit/harness/stack/test_logs.py"}),
        ("tests/unit/harness/contract/facts.py", {"tests/unit/harness/contract"}),
    ],
)
def test_a_change_selects_the_tests_of_its_room(file: str, expected: set[str]) -> None:
    targets = quick.selection([file])

    assert expected <= {*targets}


def test_a_handler_without_a_module_is_not_tested_for_it() -> None:
    targets = quick.selection(["lambdas/invoicing/documents/pdf.py"])

    assert "tests/unit/handlers/test_rotation.py" not in targets


def test_what_is_inside_a_selected_folder_is_not_selected_again() -> None:
    targets = quick.selection(
        ["lambdas/invoicing/domain/money.py", "tests/unit/invoicing/domain/test_money.py", "docs/none.txt"]
    )

    assert "tests/unit/invoicing/domain" in targets
    assert "tests/unit/invoicing/domain/test_money.py" not in targets


def test_every_source_has_tests() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not files:
        pytest.skip("this is not a git checkout")
    sources = [
        file
        for file in files
        if file.endswith((".py", ".tf")) and file.startswith(("lambdas/", "harness/", "modules/", "live/", "policy/"))
    ]

    untested = [file for file in sources if not quick.selection([file])]

    assert untested == [], "harness/quick.py: RULES has nothing for these"


@pytest.mark.parametrize(("pattern", "targets"), quick.RULES)
def test_every_rule_leads_to_tests_that_exist(pattern: str, targets: tuple[str, ...]) -> None:
    missing = [target for target in targets if "{" not in target and not (ROOT / target).exists()]

    assert missing == [], pattern


def test_one_file_of_tests_runs_in_one_process() -> None:
    ((*_, last),) = quick.runs(["tests/unit/test_architecture.py"])

    assert last == "tests/unit/test_architecture.py"


def test_each_tier_is_one_run() -> None:
    targets = ["tests/contract/test_api.py", "tests/plan/lambda", "tests/unit/handlers", "tests/unit/harness/plan"]

    unit, plan, contract = quick.runs(targets)

    assert unit[-4:-1] == ("tests/unit/handlers", "tests/unit/harness/plan", "-n")
    assert plan[-1:] == ("tests/plan/lambda",)
    assert contract[-1:] == ("tests/contract/test_api.py",)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("lambdas/invoicing/domain/money.py", {"ruff", "mypy", "lint-imports", "codespell"}),
        ("tests/unit/conftest.py", {"ruff", "mypy", "codespell"}),
        ("modules/lambda/main.tf", {"python", "codespell"}),
        ("docs/csv.md", {"codespell"}),
        ("requirements/dev.txt", {"mypy", "codespell"}),
        (".github/workflows/ci.yml", {"zizmor", "codespell"}),
    ],
)
def test_a_change_selects_the_linters_of_its_kind(file: str, expected: set[str]) -> None:
    assert {program for program, *_ in quick.checks([file])} == expected


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git checkout with one commit."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    (tmp_path / "old.py").write_text("1\n")
    (tmp_path / "same.py").write_text("1\n")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "First"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    return tmp_path


def test_changed_files_are_the_edited_and_the_new_ones(repository: Path) -> None:
    (repository / "old.py").write_text("2\n")
    (repository / "new.py").write_text("1\n")

    assert quick.changed("HEAD", repository) == ["new.py", "old.py"]


def test_an_unknown_revision_is_reported(repository: Path) -> None:
    with pytest.raises(HarnessError, match="--base REV"):
        quick.changed("nowhere", repository)


def test_without_a_change_nothing_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(quick, "changed", lambda _: [])

    assert quick.main([]) == 0
    assert capsys.readouterr().out == "Since HEAD: 0 files, 0 commands\n"


def test_a_failing_command_fails_the_whole(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    commands: list[str] = []

    def run(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        commands.append(Path(command[0]).name)
        return subprocess.CompletedProcess(command, int(commands[-1] == "mypy"), f"output of {commands[-1]}\n")

    monkeypatch.setattr(quick, "changed", lambda _: ["lambdas/get_invoice/handler.py"])
    monkeypatch.setattr("harness.quick.subprocess.run", run)

    code = quick.main(["--base", "main"])

    assert code == 1
    assert sorted(commands) == ["codespell", "lint-imports", "mypy", "pytest", "pytest", "ruff", "ruff"]
    printed = capsys.readouterr().out
    assert re.search(r"^failed in +0\.\d s: mypy\noutput of mypy$", printed, re.MULTILINE)
    assert "output of ruff" not in printed
