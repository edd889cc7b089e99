"""Every interaction on every engine, compared with what AWS documents; known differences must show."""

from typing import Any

import pytest

from harness.differences import table
from tests.conformance.interactions import INTERACTIONS, Interaction
from tests.engine.cloud import Cloud


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    cases = []
    for engine in metafunc.config.getoption("--engines").split(","):
        for one in INTERACTIONS:
            if one.runs_functions and engine == "moto":
                continue  # moto runs functions in Docker only, and has no API data plane
            known = table().of(engine, one.feature)
            marks = [pytest.mark.xfail(strict=True, reason=f"{known.name}: {known.behaviour}")] if known else []
            cases.append(pytest.param(engine, one, id=f"{engine}-{one.feature}", marks=marks))
    metafunc.parametrize(("engine", "interaction"), cases)


def test_answer_is_what_aws_documents(
    engine: str, interaction: Interaction, clouds: dict[str, Cloud], answers: dict[str, dict[str, Any]]
) -> None:
    cloud = clouds[engine]
    try:
        answer = interaction.ask(cloud)
    except BaseException as failure:
        answers.setdefault(interaction.feature, {})[engine] = f"{type(failure).__name__}: {failure}"[:200]
        raise
    answers.setdefault(interaction.feature, {})[engine] = answer

    assert answer == interaction.expected, f"AWS: {interaction.aws} {interaction.source}"
