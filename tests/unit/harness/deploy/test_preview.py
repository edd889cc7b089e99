"""Previews: their names, the sweep of forgotten ones, and what is left of deleted ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.deploy import preview
from harness.errors import HarnessError


class Previews:
    """An account with previews: the age of each one's state in days, and what is in the account."""

    def __init__(self, ages: dict[int, float], things: set[str]) -> None:
        self._ages, self.things = ages, things
        self.deleted: list[str] = []
        self.terraform = self

    def previews(self) -> Iterator[tuple[int, datetime]]:
        for number, days in self._ages.items():
            yield number, datetime.now(UTC) - timedelta(days=days)

    def inventory(self) -> set[str]:
        return self.things

    def client(self, _service: str) -> None:
        return None

    def select_workspace(self, name: str) -> None:
        self._selected = name

    def destroy(self, options: tuple[str, ...]) -> None:
        assert "-var-file=preview.tfvars" in options
        self.things = {each for each in self.things if self._selected not in each}

    def delete_workspace(self, name: str) -> None:
        assert name == self._selected
        del self._ages[int(name.removeprefix("pr-"))]
        self.deleted.append(name)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Previews:
    found = Previews(
        {7: 1.0, 12: 8.0},
        {"dynamodb table invoices-dev-pr-00007", "dynamodb table invoices-dev-pr-00012", "s3 bucket b"},
    )

    @contextmanager
    def opened() -> Iterator[Any]:
        yield found

    monkeypatch.setattr(preview, "opened", opened)
    monkeypatch.setattr(preview, "_artifacts", lambda: tmp_path)
    monkeypatch.setattr("harness.deploy.preview.code_history.keep", lambda *_: None)
    monkeypatch.setattr("harness.results.BUILD", tmp_path)
    return found


def test_the_length_of_a_workspaces_name_is_fixed() -> None:
    assert [preview.workspace(number) for number in (1, 12345)] == ["pr-00001", "pr-12345"]
    for number in (0, -1, 100_000):
        with pytest.raises(HarnessError, match="is no number of a pull request"):
            preview.workspace(number)


def test_the_sweep_deletes_what_is_too_old_and_nothing_else(account: Previews) -> None:
    preview.sweep(7)

    assert account.deleted == ["pr-00012"]
    assert account.things == {"dynamodb table invoices-dev-pr-00007", "s3 bucket b"}


def test_a_preview_is_deleted_with_its_workspace(account: Previews) -> None:
    preview.down(7)

    assert account.deleted == ["pr-00007"]


def test_what_is_left_of_a_deleted_preview_is_an_error(account: Previews) -> None:
    account.things |= {"logs log group /aws/lambda/create-invoice-dev-pr-00003"}

    with pytest.raises(HarnessError, match=r"(?s)1 resources .*create-invoice-dev-pr-00003"):
        preview.sweep(100)

    assert account.deleted == []
