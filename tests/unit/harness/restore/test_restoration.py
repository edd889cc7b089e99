"""One restore: what is checked before anything is changed, what runs again after a failure, and what is repeated."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.deploy.release import ReleaseRecord
from harness.errors import HarnessError
from harness.restore import restoration as module
from harness.restore import run
from harness.restore.freeze import Freeze
from harness.restore.recovery import TableRecovery
from harness.restore.restoration import Restoration, RestoreRequest
from harness.restore.table_settings import TableSettings

MOMENT = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
NEW, OWN = "invoices-20261130t160000-prod", "invoices-prod"
SETTINGS = TableSettings(
    keys=("id",),
    indexes=(),
    billing="PROVISIONED",
    encryption="KMS",
    tags=("a=1",),
    stream="KEYS_ONLY",
    time_to_live="expiresAt",
    recovery=True,
    deletion_protection=True,
    scaling=("x",),
    alarms=("y",),
    readers=("f Enabled",),
)


class World:
    """An environment with tables, and a log of what was done in it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.in_use = OWN
        self.origins: dict[str, tuple[str, datetime] | None] = {OWN: None}
        self.settings = {OWN: SETTINGS}
        self.lost = replace(SETTINGS, tags=(), stream="", readers=())
        self.stable: dict[str, str] = {}
        self.frozen = False
        self.failing = ""

    def do(self, step: str) -> None:
        self.log.append(step)
        if step == self.failing:
            raise HarnessError(f"{step} failed", remedy="none")


class FakeRecovery(TableRecovery):
    def __init__(self, world: World) -> None:
        super().__init__(None)
        object.__setattr__(self, "world", world)

    world: World

    def window(self, table: str) -> Any:
        self.world.do(f"window of {table}")

    def describe(self, table: str) -> dict[str, Any] | None:
        return {} if table in self.world.origins else None

    def origin(self, table: str) -> tuple[str, datetime] | None:
        return self.world.origins[table]

    def await_restorable(self, *_: Any) -> None:
        self.world.do("await")

    def restore(self, source: str, target: str, moment: datetime, _: Any) -> None:
        self.world.do("restore")
        self.world.origins[target] = (source, moment)
        self.world.settings[target] = self.world.lost

    def enable_stream(self, table: str, content: str) -> None:
        self.world.do(f"stream {content} of {table}")

    def delete(self, table: str) -> None:
        self.world.do(f"delete {table}")
        del self.world.origins[table]


class FakeFreeze(Freeze):
    def __init__(self, world: World) -> None:
        super().__init__(None, ("pack-prod",))
        self.world = world

    longest_call_s = 0  # type: ignore[assignment]

    def begin(self) -> None:
        self.world.do("stop")
        self.world.frozen = True

    def end(self) -> None:
        self.world.do("run again")
        self.world.frozen = False

    def is_over(self) -> bool:
        return not self.world.frozen


class FakeCutover:
    def __init__(self, steps: Any, table: str, own_name: str) -> None:
        self.world, self.table, self.own_name = steps, table, own_name

    def check_settled(self) -> None:
        self.world.do("settled?")

    def import_table(self, name: str) -> None:
        self.world.do(f"import {name}")

    def judge(self) -> None:
        self.world.do("judge")

    def set_up_table(self, old: str) -> dict[str, int]:
        self.world.do(f"set up, no grants on {old}")
        self.world.settings[self.table] = SETTINGS
        self.world.in_use = self.table
        return {"update": 1}

    def follow(self) -> dict[str, int]:
        self.world.do("follow")
        self.world.frozen = False
        return {"update": 2}

    def check_complete(self) -> None:
        self.world.do("complete?")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    world = World()
    monkeypatch.setattr(module, "BUILD", tmp_path)
    monkeypatch.setattr(module, "TableRecovery", lambda _: FakeRecovery(world))
    monkeypatch.setattr(module, "Freeze", type("F", (), {"of": lambda *_: FakeFreeze(world)}))
    monkeypatch.setattr(module, "Cutover", FakeCutover)
    monkeypatch.setattr(module, "Steps", lambda *_: world)
    monkeypatch.setattr(TableSettings, "read", lambda _, name: world.settings[name])
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("HARNESS_ENGINE", "aws")  # no description of a local stack is written
    return world


def a_restore(world: World, *, moment: datetime | None = MOMENT, name: str = NEW, delete: str = "") -> Restoration:
    outputs = {"stack": {"table_name": world.in_use}}
    terraform = type("T", (), {"output": lambda _: outputs})()
    store = type("S", (), {"load": lambda _: ReleaseRecord(stable=world.stable)})()
    deployed = type("D", (), {"terraform": terraform, "client": lambda *_: None, "releases": store})()
    return Restoration(RestoreRequest("prod", moment, name, delete, lambda: True), deployed)


def test_the_steps_in_their_order(world: World) -> None:
    figures = run.carry_out(a_restore(world), lambda: world.do("look at it"))

    assert world.log == [
        f"window of {OWN}", "settled?", "stop", "await", "restore", "look at it", f"stream KEYS_ONLY of {NEW}",
        f"import {NEW}", "judge", f"set up, no grants on {OWN}", "follow", "complete?",
    ]  # fmt: skip
    assert figures["lost"] == ["tags", "stream", "readers"]
    assert (figures["differing"], figures["plan_is_empty"]) == ([], True)


@pytest.mark.parametrize(("name", "delete"), [(OWN, ""), ("orders-prod", ""), (NEW, "other")])
def test_a_wrong_name_changes_nothing(world: World, name: str, delete: str) -> None:
    with pytest.raises(HarnessError):
        run.carry_out(a_restore(world, name=name, delete=delete))

    assert "stop" not in world.log


def test_a_table_that_exists_changes_nothing(world: World) -> None:
    world.origins[NEW] = ("somebody-elses", MOMENT)

    with pytest.raises(HarnessError, match="There is a table"):
        run.carry_out(a_restore(world))

    assert "stop" not in world.log


def test_a_release_that_was_taken_back_comes_first(world: World) -> None:
    world.stable = {"pack": "7"}

    with pytest.raises(HarnessError, match="A release is in progress"):
        run.carry_out(a_restore(world))


def test_nothing_is_stopped_without_a_yes(world: World) -> None:
    restoration = a_restore(world)
    restoration.request = replace(restoration.request, confirm=lambda: False)

    with pytest.raises(HarnessError, match="not confirmed"):
        run.carry_out(restoration)

    assert "stop" not in world.log


@pytest.mark.parametrize("step", ["await", "restore"])
def test_the_functions_run_again_if_the_table_cannot_be_restored(world: World, step: str) -> None:
    world.failing = step

    with pytest.raises(HarnessError, match=f"{step} failed"):
        run.carry_out(a_restore(world))

    assert world.log[-1] == "run again"


def test_the_functions_stand_still_while_the_state_has_neither_table(world: World) -> None:
    world.failing = f"import {NEW}"

    with pytest.raises(HarnessError, match="import"):
        run.carry_out(a_restore(world))

    assert "run again" not in world.log


def test_the_same_command_goes_on_where_it_stopped(world: World) -> None:
    world.failing = "judge"
    with pytest.raises(HarnessError):
        run.carry_out(a_restore(world))
    world.failing, world.log = "", []

    figures = run.carry_out(a_restore(world))

    assert "settled?" not in world.log  # the plan is not empty in the middle
    assert "await" not in world.log
    assert world.log[-1] == "complete?"
    assert figures["plan_is_empty"]


def test_it_goes_on_with_the_settings_of_before_when_the_table_is_in_use_already(world: World) -> None:
    world.failing = "follow"
    with pytest.raises(HarnessError):
        run.carry_out(a_restore(world))
    world.failing = ""
    world.settings[OWN] = replace(SETTINGS, alarms=(), scaling=())  # they have moved

    figures = run.carry_out(a_restore(world))

    assert (figures["source"], figures["differing"]) == (OWN, [])


def test_a_setting_that_is_not_put_back_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeCutover, "follow", lambda self: world.settings.update({self.table: world.lost}) or {})

    with pytest.raises(HarnessError, match=r"differs in: tags, stream, readers"):
        run.carry_out(a_restore(world))


def test_the_damaged_table_makes_room_for_the_way_back(world: World) -> None:
    world.in_use = NEW
    world.origins = {OWN: None, NEW: (OWN, MOMENT)}
    world.settings[NEW] = SETTINGS

    run.carry_out(a_restore(world, moment=None, name=OWN, delete=OWN))

    assert world.log.index(f"delete {OWN}") < world.log.index("restore")
    assert world.log.index("await") < world.log.index(f"delete {OWN}")  # only once it can be restored


def test_a_table_that_it_was_not_restored_from_is_not_deleted(world: World) -> None:
    world.in_use = NEW
    world.origins = {OWN: None, NEW: ("somebody-elses", MOMENT)}
    world.settings[NEW] = SETTINGS

    with pytest.raises(HarnessError, match="it is not deleted"):
        run.carry_out(a_restore(world, moment=None, name=OWN, delete=OWN))

    assert f"delete {OWN}" not in world.log
    assert world.log[-1] == "run again"


@pytest.mark.parametrize("stood_still", [True, False])
def test_a_copy_of_the_current_state_is_used_again_only_if_nothing_was_written_since(
    world: World, *, stood_still: bool
) -> None:
    """An attempt that was interrupted lets the functions run again: its copy lacks what they wrote."""
    world.in_use = NEW
    world.origins = {OWN: (NEW, MOMENT), NEW: (OWN, MOMENT)}
    world.settings |= {NEW: SETTINGS, OWN: world.lost}
    world.frozen = stood_still

    run.carry_out(a_restore(world, moment=None, name=OWN, delete=OWN))

    assert (f"delete {OWN}" in world.log) is not stood_still
