"""A stored plan is used until one of its sources changes, and no longer."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.plan import store
from harness.policy import plans
from harness.policy.plans import PlannedRoot
from harness.terraform import binary

DOCUMENT = {"format_version": "1.2", "planned_values": {}}


@pytest.fixture(autouse=True)
def _isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FOLDER", tmp_path / "plans")
    monkeypatch.setattr(binary, "find", lambda: Path("terraform"))
    monkeypatch.setattr(binary, "version", lambda _: "1.11.4")


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A checkout with one module and one live folder."""
    for name, text in {"modules/a/main.tf": "a", "live/dev/main.tf": "d", "live/dev/terraform.tfvars": "v"}.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "live" / "dev"


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that Terraform has planned."""
    folders: list[Path] = []

    def plan(folder: Path, _: str) -> PlannedRoot:
        folders.append(folder)
        return PlannedRoot("live/dev", "dev", "live/dev", {**DOCUMENT, "number": len(folders)})

    monkeypatch.setattr(plans, "plan_live_folder", plan)
    return folders


def test_sources_are_planned_once(live: Path, planned: list[Path]) -> None:
    first, second = plans.stored_plan(live), plans.stored_plan(live)

    assert planned == [live]
    assert first.document == second.document
    (file,) = store.FOLDER.glob("*.json")
    assert file.stat().st_mode & 0o077 == 0, "a plan may hold secrets"


@pytest.mark.parametrize(
    "edit",
    [
        lambda live: (live / "main.tf").write_text("edited"),
        lambda live: (live / "terraform.tfvars").write_text("edited"),
        lambda live: (live.parents[1] / "modules" / "a" / "main.tf").write_text("edited"),
        lambda live: (live.parents[1] / "modules" / "a" / "new.json").write_text("{}"),
        lambda live: (live.parents[1] / "modules" / "a" / "main.tf").rename(live.parents[1] / "modules/a/other.tf"),
        lambda live: shutil.copytree(live.parents[1] / "modules" / "a", live.parents[1] / "modules" / "b"),
    ],
)
def test_any_edit_leads_to_another_plan(live: Path, planned: list[Path], edit: Callable[[Path], object]) -> None:
    plans.stored_plan(live)
    edit(live)

    plan = plans.stored_plan(live)

    assert len(planned) == 2
    assert plan.document["number"] == 2


def test_another_terraform_leads_to_another_plan(
    live: Path, planned: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plans.stored_plan(live)
    monkeypatch.setattr(binary, "version", lambda _: "1.12.2")
    plans.stored_plan(live)

    assert len(planned) == 2


def test_the_data_of_the_provider_is_not_a_source(live: Path) -> None:
    before = store.key_of(live)
    (live / ".terraform").mkdir()
    (live / ".terraform" / "cache").write_text("x", encoding="utf-8")

    assert store.key_of(live) == before


def test_a_plan_of_sources_that_are_edited_meanwhile_is_not_stored(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(folder: Path, _: str) -> PlannedRoot:
        (folder / "main.tf").write_text((folder / "main.tf").read_text(encoding="utf-8") + "x", encoding="utf-8")
        return PlannedRoot("live/dev", "dev", "live/dev", DOCUMENT)

    monkeypatch.setattr(plans, "plan_live_folder", plan)

    with pytest.raises(HarnessError, match="edited each time"):
        plans.stored_plan(live)
    assert not [*store.FOLDER.glob("*.json")]


@pytest.mark.parametrize("content", ["", "{", '{"key": "another", "plan": {}}'])
def test_an_invalid_file_is_not_a_plan(live: Path, planned: list[Path], content: str) -> None:
    store.FOLDER.mkdir(parents=True)
    (store.FOLDER / f"dev.{store.key_of(live)}.json").write_text(content, encoding="utf-8")

    assert plans.stored_plan(live).document["number"] == len(planned) == 1


def test_old_plans_are_deleted(live: Path, planned: list[Path]) -> None:
    for number in range(store.KEPT + 2):
        (live / "main.tf").write_text(str(number), encoding="utf-8")
        plans.stored_plan(live)

    assert len([*store.FOLDER.glob("dev.*.json")]) == store.KEPT
    assert len(planned) == store.KEPT + 2


def test_a_failed_plan_is_reported_and_not_stored(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Mapping[str, Any]:
        raise HarnessError("Terraform fails.", remedy="Fix it.")

    monkeypatch.setattr(plans, "plan_live_folder", fail)

    with pytest.raises(HarnessError, match="Terraform fails"):
        plans.stored_plan(live)
    assert not [*store.FOLDER.glob("*.json")]
