"""Inputs in the caller's environment that have no effect are reported."""

import pytest

from harness.console import out
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
