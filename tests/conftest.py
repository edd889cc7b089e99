"""What every tier shares: the figures of a session in build/results/<session>.json, and how hypothesis searches.

The same examples every time, so that a run says something about the change at hand and nothing about luck. To look for
new ones: ``nox -s unit -- --hypothesis-profile=search``; what fails there tells how to make it fail again.
"""

import os
import signal
import time
from collections import Counter

import hypothesis
import pytest

from harness.engine import Engine, engine_for, engine_name, isolate
from harness.engine.differences import table
from harness.errors import HarnessError
from harness.results import record

hypothesis.settings.register_profile("same", deadline=None, max_examples=60, derandomize=True)  # no time limit:
hypothesis.settings.register_profile("search", deadline=None, max_examples=300, print_blob=True)  # busy is no failure
hypothesis.settings.load_profile("same")

_PHASES = ("passed", "failed", "skipped", "error", "xfailed", "xpassed")


class Figures:
    """Counts outcomes and writes them when the run ends (in the controller only, when xdist splits it)."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._started = time.monotonic()
        self._slowest: list[tuple[float, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._slowest = sorted([*self._slowest, (round(report.duration, 2), report.nodeid)], reverse=True)[:10]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
        counts = Counter({name: len(terminalreporter.stats.get(name, [])) for name in _PHASES})
        record(
            self._session,
            {
                **counts,
                "exit_code": int(exitstatus),
                "seconds": round(time.monotonic() - self._started, 1),
                "slowest": [{"seconds": seconds, "test": test} for seconds, test in self._slowest],
            },
        )


def pytest_configure(config: pytest.Config) -> None:
    isolate(os.environ)  # no test may meet the caller's AWS profile, endpoints or proxy
    config.addinivalue_line(
        "markers",
        "relies_on(feature): needs this of AWS; fails, strictly, on an engine that localstack/differences.yaml"
        " says to differ in it",
    )
    config.addinivalue_line("markers", "drill: runs in the session `drills`, which CI runs after all that `nox` runs")
    if engine_name() != "embedded":  # that one has all that it needs; of another, tell once and at once what is missing
        _engine()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts its background jobs deaf to Ctrl-C, and they pass that on; tests of Ctrl-C have to hear it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    session = os.environ.get("HARNESS_SESSION")
    if session and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Figures(session))


def _engine(instance: str = "main") -> Engine:
    """This run's engine, not started; without it pytest ends in one message, no traceback."""
    try:
        return engine_for(instance=instance)
    except HarnessError as missing:
        raise pytest.UsageError(str(missing)) from None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Expect the known differences of this run's engine, each by name; see `harness.engine.differences`."""
    for mark in item.iter_markers("relies_on"):
        (feature,) = mark.args
        if (difference := table().of(engine_name(), feature)) is not None:
            item.add_marker(pytest.mark.xfail(strict=True, reason=f"{difference.name}: {difference.behaviour}"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test an id of its own, and keep the tests of an ``xdist_group`` on one worker.

    schemathesis 4 gives all operations of one test the same id under pytest 9.2, and xdist runs one test per id:
    without this, the others are dropped, silently. xdist 3.8 tells its scheduler a test's group at the end of the
    test's id, but writes it to where pytest 9.2 no longer looks: without this, ``--dist loadgroup`` spreads a group
    over all workers.
    """
    for item in items:
        before, _, last = item.nodeid.rpartition("::")
        if item.name.startswith(f"{last}["):
            item._id = type(item._id).parse(f"{before}::{item.name}")
    if twice := [one for one, times in Counter(item.nodeid for item in items).items() if times > 1]:
        raise pytest.UsageError(f"several tests have the id {twice[0]}: xdist would run one of them")
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        groups = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})
        if groups and not item.nodeid.endswith(suffix := f"@{'_'.join(groups)}"):
            item._id = type(item._id).parse(item.nodeid + suffix)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """As many as the session asks for, or there are cores, at least two.

    Where an engine cannot be cloned two, for each of them applies anew; one, where all would be in each other's way.
    """
    engine = _engine("workers")
    if engine.is_the_only_one:
        return 1
    cores = max(2, os.cpu_count() or 2) if engine.has_snapshots else 2
    return int(os.environ.get("HARNESS_TEST_WORKERS") or cores)
