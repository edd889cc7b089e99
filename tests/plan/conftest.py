"""Plan tests: the collector, the single planning run that all of them share, and the figures."""

from pathlib import Path

import pytest

from harness.plan_tests.collector import PLANNER, UPDATED, PlanFile, Planner, report


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-plans", action="store_true", help="write what is planned into the specs, and print it")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[PLANNER] = Planner()
    config.stash[UPDATED] = []


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PlanFile | None:
    if file_path.suffix in {".yaml", ".yml"} and file_path.parent.parent == Path(__file__).parent:
        return PlanFile.from_parent(parent, path=file_path)
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Plan the calls that test modules add together with the cases: another plan would cost seconds."""
    for module in {item.module for item in items if isinstance(item, pytest.Function)}:
        if hasattr(module, "calls"):
            config.stash[PLANNER].add_calls(*module.calls(config.rootpath))


@pytest.fixture(scope="session")
def planner(request: pytest.FixtureRequest) -> Planner:
    """Plans cases and keeps their results."""
    return request.config.stash[PLANNER]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    for line in config.stash[UPDATED]:
        terminalreporter.write_line(f"updated {line}")
    report(terminalreporter, config.stash[PLANNER])
