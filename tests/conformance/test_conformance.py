"""Every interaction on every engine, compared with what AWS documents; known differences must show."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.engine.differences import table
from tests.conformance.interactions import INTERACTIONS, Interaction
from tests.conformance.report import ANSWERS, can_be_asked, recorded
from tests.engine.cloud import Cloud


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    cases = [
        pytest.param(engine, one, id=f"{engine}-{one.feature}")
        for engine in metafunc.config.getoption("--engines").split(",")
        for one in INTERACTIONS
        if can_be_asked(engine, one)
    ]
    metafunc.parametrize(("engine", "interaction"), cases)


def told(interaction: Interaction, cloud: Cloud) -> Any:
    """What an engine answers: a refusal, an answer without what was asked for, and none in time are answers too."""
    try:
        return interaction.ask(cloud)
    except (ClientError, KeyError, pytest.fail.Exception) as failure:
        return f"{type(failure).__name__}: {failure}"[:200]


def test_answer_is_what_aws_documents(
    engine: str, interaction: Interaction, clouds: dict[str, Cloud], answers: dict[str, dict[str, Any]]
) -> None:
    """A known difference has to show, and to be the one that was written down: other failures are red."""
    cloud, known = clouds[engine], table().of(engine, interaction.feature)

    answer = answers.setdefault(interaction.feature, {})[engine] = told(interaction, cloud)

    if known is None:
        assert answer == interaction.expected, f"AWS: {interaction.aws} {interaction.source}"
        return
    assert answer != interaction.expected, f"{known.name} is patched: take its row out of localstack/differences.yaml"
    listed = recorded()["answers"].get(interaction.feature, {}).get(engine)
    assert answer == listed, (
        f"{known.name}: another answer than the one in {ANSWERS.name}. If it is still the difference that the row"
        " describes, take it over with `python -m tests.conformance.report`; else correct the row or the engine."
    )
    pytest.xfail(f"{known.name}: {known.behaviour}")
