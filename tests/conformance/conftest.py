"""The engines that can be asked here, each once for a session."""

import contextlib
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from harness.engine import EmbeddedEngine, pythons
from harness.engine.localstack_host import PYTHON, LocalStackHost
from harness.paths import BUILD
from tests.engine.cloud import Cloud, worker

ENGINES = ("embedded", "localstack", "moto")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engines", default=",".join(ENGINES), help="comma-separated engines to ask (default: all)")


@contextlib.contextmanager
def started(name: str, patch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    if name == "moto":
        with mock_aws():
            yield Cloud(SimpleNamespace(endpoint_url=None))  # type: ignore[arg-type]  # it patches boto3 itself
        return
    if name == "localstack" and pythons.find(PYTHON) is None:
        pytest.skip(f"LocalStack without Docker needs Python {PYTHON}: none on PATH, under pyenv or known to uv")
    patch.setenv("HOST_ALARM_PERIOD", "2")  # AWS and LocalStack look at alarms once a minute
    kind = EmbeddedEngine if name == "embedded" else LocalStackHost
    engine = kind(f"conformance-{name}-{worker()}", port="auto")
    engine.start(tied=True)
    try:
        engine.wait_healthy()
        yield Cloud(engine)
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def clouds() -> Iterator[dict[str, Cloud]]:
    """Engines by name, each started when it is first asked; see `cloud`."""
    with contextlib.ExitStack() as running, pytest.MonkeyPatch.context() as patch:

        class Clouds(dict[str, Cloud]):
            def __missing__(self, name: str) -> Cloud:
                self[name] = running.enter_context(started(name, patch))
                return self[name]

        yield Clouds()


@pytest.fixture(scope="session")
def answers(request: pytest.FixtureRequest) -> Iterator[dict[str, dict[str, Any]]]:
    """What each engine answers, by feature; left in build/results/conformance-answers.json for `docs/engines.md`."""
    collected: dict[str, dict[str, Any]] = {}
    yield collected
    asked = request.config.getoption("--engines").split(",")
    if set(asked) == set(ENGINES):
        file = BUILD / "results" / "conformance-answers.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(collected, indent=2, sort_keys=True) + "\n", encoding="utf-8")
