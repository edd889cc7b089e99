"""Mutants of the package invoicing: what mutmut is given, and how its results are judged; mutmut does not run."""

import ast
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.mutation import domain
from harness.mutation.domain import Kills
from harness.paths import ROOT

RESULTS = """\
    invoicing.domain.totals.x_line_net__mutmut_1: killed
    invoicing.domain.totals.x_line_net__mutmut_2: survived
    invoicing.domain.totals.x_document_totals__mutmut_1: timeout
    invoicing.domain.totals.x_document_totals__mutmut_2: no tests
    invoicing.domain.totals_of_another.x_f__mutmut_1: killed
To show a mutant: mutmut show invoicing.domain.totals.x_line_net__mutmut_1
"""


def test_every_mutated_module_exists() -> None:
    assert [domain.module_file(name).stem for name in domain.MODULES] == [
        name.split(".")[-1] for name in domain.MODULES
    ]


@pytest.mark.parametrize("name", ["total", "../totals", "__init__", ""])
def test_what_is_not_a_module_is_an_error(name: str) -> None:
    with pytest.raises(HarnessError, match=r"is not a module of lambdas/invoicing"):
        domain.module_file(name)


def test_a_name_that_two_rooms_have_needs_the_room() -> None:
    with pytest.raises(HarnessError, match="has several modules receipts") as raised:
        domain.module_file("receipts")

    assert raised.value.remedy == "Name one: domain.receipts or table.receipts."
    assert domain.module_file("domain.receipts").as_posix() == "invoicing/domain/receipts.py"


def test_mutmut_is_given_the_package_the_killers_and_the_modules(tmp_path: Path) -> None:
    workspace = tmp_path / "mutate"
    (workspace / "mutants").mkdir(parents=True)

    domain.prepare(workspace, [domain.module_file("totals"), domain.module_file("csv_text")])

    settings = tomllib.loads((workspace / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["mutmut"]["only_mutate"] == ["invoicing/domain/totals.py", "invoicing/uploads/csv_text.py"]
    assert (workspace / "invoicing" / "domain" / "totals.py").is_file()
    assert not (workspace / "mutants").exists()
    tests = {file.name for file in (workspace / "tests").iterdir()}
    assert {"conftest.py", "test_totals.py", "test_status.py", "test_payments.py", "test_csv.py"} <= tests
    assert "test_pdf.py" not in tests
    assert (workspace / "tests" / "data" / "invoices.py").is_file()


@pytest.mark.parametrize("pattern", domain.KILLERS)
def test_every_pattern_names_tests(pattern: str) -> None:
    assert [*domain.TESTS.rglob(pattern)]


def test_the_tests_find_all_that_they_import(tmp_path: Path) -> None:
    """Beside the mutants there are only the killers and what they build with: an import of more ends the run."""
    domain.prepare(tmp_path, [domain.module_file("totals")])

    imported = {
        module
        for file in (tmp_path / "tests").rglob("*.py")
        for module in modules_of(ast.parse(file.read_text(encoding="utf-8")))
        if module.startswith("tests")
    }

    assert imported
    missing = {module for module in imported if not (tmp_path / module.replace(".", "/")).with_suffix(".py").is_file()}
    assert not missing, "add them to mutants-builders in pyproject.toml"


def modules_of(tree: ast.Module) -> Iterator[str]:
    """The modules that a file imports; each name of ``from package import name`` counts as one if it is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            folder = ROOT / node.module.replace(".", "/")
            for alias in node.names:
                yield f"{node.module}.{alias.name}" if (folder / f"{alias.name}.py").is_file() else node.module


def test_results_are_read_by_mutant() -> None:
    statuses = domain.statuses(RESULTS)

    assert len(statuses) == 5
    assert statuses["invoicing.domain.totals.x_document_totals__mutmut_2"] == "no tests"


def test_figures_are_those_of_one_module(tmp_path: Path) -> None:
    meta = tmp_path / "mutants" / "invoicing" / "domain" / "totals.py.meta"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"durations_by_key": {"a": 1.5, "b": 2.0}}), encoding="utf-8")

    totals = domain.kills(tmp_path, Path("invoicing/domain/totals.py"), domain.statuses(RESULTS))

    assert totals == Kills(killed=1, timeout=1, total=4, seconds=4)
    assert totals.score == 50.0


def test_module_without_mutants_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"no mutants of invoicing/domain/money\.py"):
        domain.kills(tmp_path, Path("invoicing/domain/money.py"), domain.statuses(RESULTS))


def test_summary_adds_the_modules_up_and_names_what_was_not_killed() -> None:
    modules = {"totals": Kills(8, 1, 10, 5), "status": Kills(3, 0, 3, 1)}

    figures = domain.summary(modules, {"a": "killed", "b": "survived", "c": "timeout"})

    assert (figures["killed"], figures["timeout"], figures["total"], figures["score"]) == (11, 1, 13, 92.3)
    assert figures["modules"]["totals"]["score"] == 90.0  # type: ignore[index]
    assert figures["not_killed"] == {"b": "survived", "c": "timeout"}


def test_weak_module_fails_the_run() -> None:
    with pytest.raises(HarnessError, match="less than 95 % of the mutants of status"):
        domain.check({"totals": Kills(95, 0, 100, 1), "status": Kills(94, 0, 100, 1)})


def test_timed_out_mutants_count_as_noticed() -> None:
    domain.check({"totals": Kills(90, 5, 100, 1)})


def test_unknown_module_ends_with_two_lines_and_no_traceback() -> None:
    with pytest.raises(SystemExit) as ended:
        domain.main(["nothing"])

    assert str(ended.value).splitlines() == [
        "nothing is not a module of lambdas/invoicing.",
        f"Name one, such as {', '.join(domain.MODULES)}.",
    ]
