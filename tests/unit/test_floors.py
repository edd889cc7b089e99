"""The import contracts of pyproject.toml: each one catches the wrong import that it is there for, by name."""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.paths import ROOT

LINTER = Path(sys.executable).with_name("lint-imports")
IGNORED = shutil.ignore_patterns("__pycache__", "fonts", "*.md")

WRONG_IMPORTS = [
    # contract, the importing module, the imported one, the import that the report names if it is another
    ("invoicing-floors", "lambdas/invoicing/domain/money.py", "invoicing.table.store", ""),
    ("invoicing-floors", "lambdas/invoicing/table/store.py", "invoicing.api.resolver", ""),
    ("invoicing-floors", "lambdas/invoicing/api/resolver.py", "invoicing.services.create_invoice", ""),
    ("invoicing-floors", "lambdas/invoicing/events/bus.py", "invoicing.uploads.reports", ""),
    ("pure-domain", "lambdas/invoicing/domain/money.py", "boto3", ""),
    (
        "pure-domain",
        "lambdas/invoicing/services/create_invoice.py",
        "invoicing.runtime.aws",
        "invoicing.runtime.aws -> boto3",
    ),
    ("handlers-on-top", "lambdas/invoicing/events/bus.py", "get_invoice.handler", ""),
    ("handlers-on-top", "lambdas/get_invoice/handler.py", "create_invoice.handler", ""),
    ("handlers-on-top", "harness/stack/logs.py", "create_invoice.handler", ""),
    ("harness-without-lambdas", "harness/stack/logs.py", "invoicing.domain.money", ""),
    ("lambdas-without-harness", "lambdas/invoicing/domain/money.py", "harness.paths", ""),
    ("lambdas-without-harness", "lambdas/get_invoice/handler.py", "harness.paths", ""),
    ("harness-floors", "harness/terraform/run.py", "harness.plan.arn", ""),
    ("harness-floors", "harness/stack/logs.py", "harness.plan_tests.spec", ""),
    ("harness-floors", "harness/paths.py", "harness.console", ""),
]


def copied(folder: Path) -> Path:
    """A copy of the packages and of the contracts, to break."""
    shutil.copytree(ROOT / "lambdas", folder / "lambdas", ignore=IGNORED)
    shutil.copytree(ROOT / "harness", folder / "harness", ignore=IGNORED)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copied(tmp_path)


@pytest.fixture(scope="module")
def report_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """The report of one contract on a checkout that has all the wrong imports at once."""
    broken = copied(tmp_path_factory.mktemp("broken"))
    for _, file, imported, _ in WRONG_IMPORTS:
        with (broken / file).open("a", encoding="utf-8") as module:
            module.write(f"\nimport {imported}\n")
    return functools.cache(lambda contract: lint(broken, "--contract", contract))


def lint(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINTER), "--no-cache", "--no-logo", *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": f"{checkout / 'lambdas'}{os.pathsep}{checkout}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_holds(checkout: Path) -> None:
    report = lint(checkout)

    assert report.returncode == 0, report.stdout


@pytest.mark.parametrize(("contract", "file", "imported", "reported"), WRONG_IMPORTS)
def test_a_wrong_import_is_reported_by_name(
    report_of: Callable[[str], subprocess.CompletedProcess[str]],
    contract: str,
    file: str,
    imported: str,
    reported: str,
) -> None:
    report = report_of(contract)

    importer = file.removeprefix("lambdas/").removesuffix(".py").replace("/", ".")
    assert report.returncode == 1
    assert (reported or f"{importer} -> {imported}") in re.sub(r"\s+", " ", report.stdout)


@pytest.mark.parametrize(
    ("contract", "package"), [("invoicing-floors", "lambdas/invoicing"), ("harness-floors", "harness")]
)
def test_a_new_room_needs_a_floor(checkout: Path, contract: str, package: str) -> None:
    room = checkout / package / "cellar"
    room.mkdir()
    (room / "__init__.py").touch()

    report = lint(checkout, "--contract", contract)

    assert report.returncode == 1
    assert "cellar" in report.stdout


def test_every_contract_is_shown_to_catch_something() -> None:
    contracts = [
        line.split('"')[1] for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("id = ")
    ]

    assert sorted({contract for contract, *_ in WRONG_IMPORTS}) == sorted(contracts)
