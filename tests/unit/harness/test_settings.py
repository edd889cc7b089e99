"""The names of the platform come from pyproject.toml, and from nowhere else in the harness."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.settings import PLATFORM, PlatformSettings

HARNESS = ROOT / "harness"
EXCEPTIONS = {
    "harness/stack/walkthrough.py",  # a client of this platform: it uploads invoices and reads them back
    "harness/stack/trace.py",  # another one: it reads an invoice, its documents and its log lines
    "harness/deploy/canary_traffic.py",  # another one
    "harness/deploy/smoke.py",  # another one
    "harness/deploy/smoke_cleanup.py",  # deletes them again
    "harness/deploy/canary_cleanup.py",  # deletes what that one leaves
    "harness/deploy/cost.py",  # counts what this platform's work costs
    "harness/deploy/cost_command.py",  # shows it
    "harness/deploy/usage.py",  # measures it
    "harness/deploy/smoke_queues.py",  # receives the events about them
}
OTHERS_PLATFORM = """
[tool.harness]
state-bucket-prefix = "orders-state-"
pipeline-prefix = "orders-pipeline-"
compose-project-prefix = "orders-"
platform-module = "shop"
platform-call = "shop"
tags = { Project = "orders" }
replicated-buckets = []
subscriber-domains = []
made-while-it-runs = []
table-prefix = "orders-"
environment-names = ["ORDERS_TABLE"]
event-source = "orders"
event-types = ["order-placed"]
received-event-types = []
sweeping-function = "orders"
watched-counts = []
uploads = []
traced = "order"
sample = "orders.csv"
package = "ordering"
mutated-modules = ["totals"]
mutants-killers = ["test_totals.py"]
mutants-builders = ["tests/data/builders.py"]
"""


def names_and_texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every identifier and string, docstrings excepted: these may have examples."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    attribute_docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if id(node) in docstrings | attribute_docstrings:
            continue
        for text in (getattr(node, field, None) for field in ("id", "attr", "arg", "name", "value")):
            if isinstance(text, str):
                yield getattr(node, "lineno", 0), text


def test_the_harness_knows_no_invoices() -> None:
    places = [
        f"{name}:{line}: {text}"
        for path in sorted(HARNESS.rglob("*.py"))
        if (name := path.relative_to(ROOT).as_posix()) not in EXCEPTIONS
        for line, text in names_and_texts(ast.parse(path.read_text(encoding="utf-8")))
        if re.search("invoice|invoicing", text, re.IGNORECASE)
    ]

    assert not places, "move the name to [tool.harness] in pyproject.toml: harness/settings.py: PlatformSettings"


@pytest.mark.parametrize("name", sorted(EXCEPTIONS))
def test_each_exception_is_needed(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))

    assert any("invoice" in text for _, text in names_and_texts(tree))


def test_another_platform_has_other_names(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(OTHERS_PLATFORM)

    platform = PlatformSettings.read(file)

    assert platform.state_bucket("123456789012") == "orders-state-123456789012"
    assert platform.tags == {"Project": "orders"}
    assert platform.mutated_modules == ("totals",)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('sample = "orders.csv"\n', "", r"pyproject.toml lacks sample\."),
        ("replicated-buckets", "copied-buckets", r"pyproject.toml has copied-buckets\."),
        ("[tool.harness]", "[tool.other]", r"pyproject.toml lacks compose-project-prefix\."),
    ],
)
def test_a_wrong_table_is_reported_by_name(tmp_path: Path, before: str, after: str, message: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(OTHERS_PLATFORM.replace(before, after))

    with pytest.raises(HarnessError, match=message):
        PlatformSettings.read(file)


def test_the_names_are_those_of_folders_and_files() -> None:
    assert (ROOT / "modules" / PLATFORM.platform_module / "main.tf").is_file()
    assert (ROOT / "lambdas" / PLATFORM.package / "__init__.py").is_file()
    assert (ROOT / PLATFORM.sample).is_file()
    for folder in (ROOT / "live").iterdir():
        main = folder / "main.tf"
        if main.is_file() and folder.name != "bootstrap":
            assert f'module "{PLATFORM.platform_call}"' in main.read_text(encoding="utf-8")
