"""The engines under comparison, each started once for a session."""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from harness.engine import EmbeddedEngine, pythons
from harness.engine.base import LOCALSTACK_KEYS
from harness.engine.localstack_host import PYTHON, LocalStackHost
from tests.conformance import report
from tests.engine.cloud import Cloud, serving, worker


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engines", default=",".join(report.ENGINES), help="comma-separated engines to ask (default: all)"
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Delete the answers of an earlier run, so that nothing takes them for those of this run."""
    if not hasattr(session.config, "workerinput"):
        report.FRESH.unlink(missing_ok=True)


@contextlib.contextmanager
def started(name: str) -> Iterator[Cloud]:
    if name == "moto":
        with mock_aws():
            # moto patches boto3 itself: it needs no endpoint, and takes any keys
            endpoint = SimpleNamespace(url=None, environment=LOCALSTACK_KEYS.environment)
            yield Cloud(SimpleNamespace(endpoint=endpoint))  # type: ignore[arg-type]
        return
    if name == "localstack" and pythons.find(PYTHON) is None:
        pytest.skip(f"LocalStack without Docker needs Python {PYTHON}: none on PATH, under pyenv or known to uv")
    kind = EmbeddedEngine if name == "embedded" else LocalStackHost
    engine = kind(f"conformance-{name}-{worker()}", port="auto")
    # AWS evaluates alarms once a minute, LocalStack less often
    with serving(engine, HOST_ALARM_PERIOD="2") as cloud:
        yield cloud


@pytest.fixture(scope="session")
def clouds() -> Iterator[dict[str, Cloud]]:
    """Engines by name; each starts when it is first used."""
    with contextlib.ExitStack() as running:

        class Clouds(dict[str, Cloud]):
            def __missing__(self, name: str) -> Cloud:
                self[name] = running.enter_context(started(name))
                return self[name]

        yield Clouds()


@pytest.fixture(scope="session")
def answers() -> Iterator[dict[str, dict[str, Any]]]:
    """The answers by feature and engine; a full run stores them for `docs/engines.md`."""
    collected: dict[str, dict[str, Any]] = {}
    yield collected
    report.keep(collected)
