"""What Terraform does to an account, recorded through each environment's life, is what the committed list says."""

import pytest

from harness.access import pipeline_calls
from harness.iam import pipeline_recording
from harness.iam.pipeline_recording import LIVES, Life


@pytest.mark.parametrize(
    "life", [pytest.param(life, id=life.name, marks=pytest.mark.xdist_group(life.name)) for life in LIVES]
)
def test_the_calls_of_an_environment_are_those_on_the_list(life: Life) -> None:
    pipeline_recording.record(life)

    recorded = {(row, step) for row in pipeline_recording.recorded(life) for step in row.steps}
    listed = {(row, step) for row in pipeline_calls.load() for step in row.steps if step.startswith(f"{life.name} ")}
    new, gone = recorded - listed, listed - recorded
    assert not new, (
        "\n".join(sorted({f"new: {step} needs {row}" for row, step in new})) + f"\nRecord it: {pipeline_calls.FIX}"
    )
    assert not gone, "\n".join(sorted(f"not seen any more: {row} in {step}" for row, step in gone))
