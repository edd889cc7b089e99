"""docs/aws.md says what the tables say, and names commands and rules that exist."""

import re
from pathlib import Path

import pytest

from harness.docs import aws_page
from harness.docs.aws_page import PAGE, PARTS, refresh
from harness.errors import HarnessError
from harness.paths import ROOT

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    assert refresh(write=False) == [], "./noxw -s docs writes docs/aws.md again"


def test_a_changed_table_is_noticed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, contexts = tmp_path / "aws.md", tmp_path / "contexts.toml"
    page.write_text(TEXT, encoding="utf-8")
    contexts.write_text('[[request]]\nprincipal = "a"\naction = "b:C"\nvia = "sns"\nkeys = []\npage = "d"\n')
    monkeypatch.setattr(aws_page, "CONTEXTS", contexts)

    assert refresh(page, write=False) == [page]
    assert page.read_text(encoding="utf-8") == TEXT
    assert refresh(page) == [page]
    assert "| `a` | `b:C`, for sns | none | [page](d) |" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PARTS)
def test_a_page_without_a_parts_markers_is_reported(name: str, tmp_path: Path) -> None:
    page = tmp_path / "aws.md"
    page.write_text(TEXT.replace(f"<!-- END {name} -->", ""), encoding="utf-8")

    with pytest.raises(HarnessError, match=f"no markers for {name}"):
        refresh(page)


def test_the_rules_and_files_that_it_names_exist() -> None:
    rules = set(re.findall(r"CKV_INV_\d+", TEXT))
    files = re.findall(r"`((?:localstack|policy|lambdas|harness)/[\w./]+)`", TEXT)

    assert rules <= {path.name for path in (ROOT / "policy/fixtures").iterdir()}
    assert files
    assert all((ROOT / file).exists() for file in files)


def test_every_row_on_aws_has_a_page_of_aws() -> None:
    checked = TEXT.partition("## Checked in AWS's documents")[2].partition("##")[0]
    rows = [line for line in checked.splitlines() if line.startswith("| ") and not line.startswith("| on AWS")]

    assert rows
    assert all("](https://docs.aws.amazon.com/" in row for row in rows)
