"""Every interaction on every engine, compared with AWS's documents; known differences must still exist."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.engine.differences import table
from tests.conformance.interactions import INTERACTIONS, Interaction
from tests.conformance.report import ANSWERS, can_be_asked, recorded
from tests.engine.cloud import Cloud


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    cases = [
        pytest.param(engine, interaction, id=f"{engine}-{interaction.feature}")
        for engine in metafunc.config.getoption("--engines").split(",")
        for interaction in INTERACTIONS
        if can_be_asked(engine, interaction)
    ]
    metafunc.parametrize(("engine", "interaction"), cases)


def ask(interaction: Interaction, cloud: Cloud) -> Any:
    """An engine's answer; errors, incomplete responses and timeouts count as answers too."""
    try:
        return interaction.ask(cloud)
    except (ClientError, KeyError, pytest.fail.Exception) as error:
        return f"{type(error).__name__}: {error}"[:200]


def test_answer_is_what_aws_documents(
    engine: str, interaction: Interaction, clouds: dict[str, Cloud], answers: dict[str, dict[str, Any]]
) -> None:
    """A known difference must exist, with the recorded answer; any other answer is a failure."""
    cloud, difference = clouds[engine], table().of(engine, interaction.feature)

    answer = answers.setdefault(interaction.feature, {})[engine] = ask(interaction, cloud)

    if difference is None:
        assert answer == interaction.expected, f"AWS: {interaction.aws} {interaction.source}"
        return
    assert answer != interaction.expected, (
        f"{difference.name} does not differ any more: remove its row from localstack/differences.yaml"
    )
    recorded_answer = recorded()["answers"].get(interaction.feature, {}).get(engine)
    assert answer == recorded_answer, (
        f"{difference.name}: the answer is not the one in {ANSWERS.name}. If it is still the difference that the row"
        " describes, store it with `python -m tests.conformance.report`; otherwise correct the row or the engine."
    )
    pytest.xfail(f"{difference.name}: {difference.behaviour}")
