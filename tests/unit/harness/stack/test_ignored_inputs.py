"""Inputs in the caller's environment that have no effect are reported."""

from pathlib import Path

import pytest

from harness.console import out
from harness.paths import ROOT
from harness.settings import PLATFORM
from harness.stack import lifecycle
from harness.stack.ignored_inputs import ignored, report_ignored


def test_inputs_that_nobody_reads_are_found() -> None:
    variables = {
        "TF_VAR_deletion_protection": "false",
        "TF_VAR_account_id": "1",
        "TF_VAR_artifacts_dir": "/",
        "HOME": "/",
    }

    assert ignored(variables) == ["TF_VAR_deletion_protection"]


def test_they_are_reported_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_VAR_region", "eu-west-1")

    with out.capture() as captured:
        report_ignored()

    assert "TF_VAR_region has no effect here" in captured.get()


def test_without_any_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_VAR_account_id", "111111111111")

    with out.capture() as captured:
        report_ignored()

    assert captured.get() == ""


def test_up_reports_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TF_VAR_region", "eu-west-1")
    monkeypatch.setattr("harness.stack.ownership.BUILD", tmp_path)
    (tmp_path / "up.lock").mkdir()  # so the next step of `up` fails

    with out.capture() as captured, pytest.raises(IsADirectoryError):
        lifecycle.up("dev", csv=ROOT / PLATFORM.sample, ending=lifecycle.Ending.ONCE, port="auto")

    assert "TF_VAR_region has no effect here" in captured.get()
