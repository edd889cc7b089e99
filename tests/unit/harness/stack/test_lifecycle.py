"""`up` on a running stack: its description stays while changes are applied, however that ends."""

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.stack import lifecycle


@pytest.mark.parametrize("error", [None, HarnessError("Terraform failed", remedy="Look at it."), KeyboardInterrupt()])
def test_a_running_stack_is_described_during_an_apply_and_after_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException | None
) -> None:
    """A killed `up` runs no more code: without its description, the next one would stop the engine with all data."""
    description = tmp_path / "stack-dev.json"
    description.write_text("{}", encoding="utf-8")
    during = []

    def apply(_progress: Any) -> Any:
        during.append(description.exists())
        if error:
            raise error
        return SimpleNamespace(save=lambda *_, **__: None)

    deployment = SimpleNamespace(prepare=lambda: None, apply=apply, shell=dict, own_terraform=None)
    monkeypatch.setattr("harness.stack.deployment.BUILD", tmp_path)
    monkeypatch.setattr(lifecycle, "build_for", lambda _: [])
    monkeypatch.setattr(lifecycle, "artifacts_of", lambda _: tmp_path)
    monkeypatch.setattr(lifecycle, "Deployment", lambda *_: deployment)

    with pytest.raises(type(error)) if error else contextlib.nullcontext():
        lifecycle.apply("dev", SimpleNamespace())  # type: ignore[arg-type]

    assert during == [True]
    assert description.exists()
