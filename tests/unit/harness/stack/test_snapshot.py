"""A snapshot's key covers all its sources, and no snapshot is kept under a key that does not match its sources."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.package import Artifact
from harness.stack import snapshot
from harness.stack.deployment import Stack
from harness.terraform.failures import TerraformError

VERSIONS = {"terraform": "1.11.4"}


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository, and a Terraform with nothing but a version."""
    for file in (
        "modules/table/main.tf", "live/dev/main.tf", "live/prod/main.tf", "localstack/embedded/front.py",
        "localstack/emulation/patch.py", "harness/engine/embedded.py", "harness/stack/deployment.py",
        "harness/stack/snapshot.py", "requirements/engine.txt", "requirements/lambda-runtime.txt", "README.md",
    ):  # fmt: skip
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file, encoding="utf-8")
    monkeypatch.setattr(snapshot, "ROOT", tmp_path)
    monkeypatch.setattr(snapshot, "BUILD", tmp_path / "build")
    monkeypatch.setattr("harness.terraform.binary.find", lambda: Path("/usr/bin/terraform"))
    monkeypatch.setattr("harness.terraform.binary.version", lambda _: VERSIONS["terraform"])
    return tmp_path


def artifacts(digest: str = "0") -> list[Artifact]:
    return [Artifact("create-invoice", Path("x.zip"), digest, 1, 1, (), reused=False)]


def key() -> str:
    return snapshot.key_of("dev", artifacts())


@pytest.mark.parametrize(
    "file",
    [
        "modules/table/main.tf", "modules/table/new.tf", "live/dev/main.tf", "live/dev/.terraform.lock.hcl",
        "localstack/embedded/front.py", "localstack/emulation/patch.py", "harness/engine/embedded.py",
        "harness/stack/deployment.py", "requirements/engine.txt",
    ],
)  # fmt: skip
def test_every_source_is_in_the_key(checkout: Path, file: str) -> None:
    before = key()

    (checkout / file).write_text("edited", encoding="utf-8")

    assert key() != before


def test_zips_and_terraforms_version_are_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()

    assert snapshot.key_of("dev", artifacts("1")) != before
    monkeypatch.setitem(VERSIONS, "terraform", "1.12.2")
    assert key() != before


def test_strict_switches_are_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()

    monkeypatch.setenv("HARNESS_STRICT", "consistency")

    assert key() != before


@pytest.mark.parametrize("file", ["README.md", "live/prod/main.tf", "modules/table/.terraform/x", "build/y"])
def test_files_that_are_not_sources_are_not_in_the_key(checkout: Path, file: str) -> None:
    before = key()

    (checkout / file).parent.mkdir(parents=True, exist_ok=True)
    (checkout / file).write_text("edited", encoding="utf-8")

    assert key() == before


@dataclass
class Snapshots:
    """Snapshots without a content."""

    taken: list[Path] = field(default_factory=list)

    def take(self, to: Path) -> None:
        to.mkdir()
        self.taken.append(to)


@dataclass
class Engine:
    """The part of an engine that `snapshot.take` needs."""

    name: str = "engine"
    snapshots: Snapshots | None = field(default_factory=Snapshots)


@dataclass
class Deployment:
    """An applied environment."""

    environment: str = "dev"
    engine: Engine = field(default_factory=Engine)


def take(deployment: Any, before: str) -> Any:
    described: Any = type("Described", (), {"model_dump_json": lambda _: "{}"})()
    stack: Stack = described
    return snapshot.take(deployment, stack, artifacts(), before)


def test_on_an_engine_without_snapshots_the_applied_stack_is_its_own_clone(checkout: Path) -> None:
    deployment = Deployment(engine=Engine(snapshots=None))

    with take(deployment, key()).clone("another") as (_, engine):
        assert engine is deployment.engine

    assert not (checkout / "build/snapshots").exists()


def test_on_an_engine_without_snapshots_each_clone_is_a_fresh_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "engine_for", lambda **_: Engine(snapshots=None))

    assert snapshot.clone_source("dev") == snapshot.FreshApply("dev")


def test_a_snapshot_on_an_engine_that_cannot_start_from_one_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = take(Deployment(), key())
    monkeypatch.setattr(snapshot, "engine_for", lambda **_: Engine(name="localstack", snapshots=None))

    with pytest.raises(HarnessError, match="'localstack' cannot save its state"), taken.clone("another"):
        pytest.fail("it started")


def test_sources_edited_during_the_apply_leave_no_snapshot(checkout: Path) -> None:
    before = key()
    (checkout / "modules/table/main.tf").write_text("edited meanwhile", encoding="utf-8")
    deployment = Deployment()

    with pytest.raises(HarnessError, match="edited while they were applied"):
        take(deployment, before)

    assert deployment.engine.snapshots == Snapshots(taken=[])
    assert not [path for path in (checkout / "build/snapshots/dev").iterdir() if path.is_dir()]


def test_only_the_newest_snapshots_are_kept(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    for version in ("1.11.4", "1.12.0", "1.12.2"):
        monkeypatch.setitem(VERSIONS, "terraform", version)
        taken.append(take(Deployment(), key()).folder)

    kept = [path for path in (checkout / "build/snapshots/dev").iterdir() if path.is_dir()]
    assert len(kept) == snapshot.KEPT
    assert taken[-1] in kept


class LateDeployment:
    """An environment of which only the second apply is complete."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def prepare(self) -> None:
        self.steps.append("prepare")

    def apply(self) -> str:
        self.steps.append("apply")
        if self.steps.count("apply") == 1:
            raise TerraformError("reading S3 Object: not found", remedy="Apply again.")
        return "stack"


def test_a_first_apply_that_fails_on_a_strict_engine_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_STRICT", "all")
    deployment: Any = LateDeployment()

    stack: Any = snapshot.completed(deployment)

    assert (stack, deployment.steps) == ("stack", ["apply", "prepare", "apply"])


def test_a_first_apply_that_fails_elsewhere_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_STRICT", raising=False)
    deployment: Any = LateDeployment()

    with pytest.raises(TerraformError, match="not found"):
        snapshot.completed(deployment)

    assert deployment.steps == ["apply"]
