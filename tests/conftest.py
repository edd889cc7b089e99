"""For all tests: the figures of a session in build/results/<session>.json, and how hypothesis searches.

hypothesis uses the same examples in every run, so that the result depends on the change and not on luck. To search for
new examples: ``./noxw -s unit -- --hypothesis-profile=search``. A failure there prints how to reproduce it.
"""

import os
import signal
import time
from collections import Counter
from typing import Any

import hypothesis
import pytest

from harness.engine import Engine, engine_for, engine_name
from harness.engine.differences import table
from harness.errors import HarnessError
from harness.isolation import isolate
from harness.results import record

# No deadlines, and no check of the time that examples take: a slow computer is not a failure.
_PATIENT = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("same", _PATIENT, max_examples=60, derandomize=True)
hypothesis.settings.register_profile("search", _PATIENT, max_examples=300, print_blob=True)
hypothesis.settings.load_profile("same")

EXTRA = pytest.StashKey[dict[str, Any]]()
"""More figures of a session, which its tests put into the stash of pytest's configuration."""

_PHASES = ("passed", "failed", "skipped", "error", "xfailed", "xpassed")


class Figures:
    """Counts outcomes and writes them at the end of the run (only in the controller if xdist splits the run)."""

    def __init__(self, session: str, config: pytest.Config) -> None:
        self._session = session
        self._config = config
        self._started = time.monotonic()
        self._slowest: list[tuple[float, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._slowest = sorted([*self._slowest, (round(report.duration, 2), report.nodeid)], reverse=True)[:10]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
        counts = Counter({name: len(terminalreporter.stats.get(name, [])) for name in _PHASES})
        more: dict[str, Any] = self._config.stash.get(EXTRA, {})
        record(
            self._session,
            {
                **counts,
                "exit_code": int(exitstatus),
                "seconds": round(time.monotonic() - self._started, 1),
                **more,
                "slowest": [{"seconds": seconds, "test": test} for seconds, test in self._slowest],
            },
        )


def pytest_configure(config: pytest.Config) -> None:
    isolate(os.environ)  # no test may depend on the caller's AWS profile, endpoints or proxy
    config.addinivalue_line(
        "markers",
        "relies_on(feature): needs this AWS feature; must fail on an engine that differs in it, according to"
        " localstack/differences.yaml",
    )
    config.addinivalue_line(
        "markers",
        "volume: as many rows, pages or steps as it takes to find what few of them hide; left out where only the lines"
        " that run and the calls to boto3 matter",
    )
    config.addinivalue_line("markers", "release: runs in the session `releases`")
    config.addinivalue_line("markers", "drill: runs in the session `drills`, which CI runs after everything in `nox`")
    if engine_name() != "embedded":
        _engine()  # report what the engine lacks once, before any test; the embedded one needs nothing more
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts background jobs with SIGINT ignored, and child processes inherit that. Tests of Ctrl-C need it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    session = os.environ.get("HARNESS_SESSION")
    if session and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Figures(session, config))


def _engine(instance: str = "main") -> Engine:
    """This run's engine, not started; if it cannot run here, pytest ends with one message and no traceback."""
    try:
        return engine_for(instance=instance)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Expect a test to fail if this run's engine lacks a feature that it relies on: `harness.engine.differences`."""
    for mark in item.iter_markers("relies_on"):
        (feature,) = mark.args
        if (difference := table().of(engine_name(), feature)) is not None:
            item.add_marker(pytest.mark.xfail(strict=True, reason=f"{difference.name}: {difference.behaviour}"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test a unique id, and keep the tests of an ``xdist_group`` on one worker.

    Two problems are worked around:

    * schemathesis 4 gives all operations of one test the same id under pytest 9.2, and xdist runs one test per id. The
      others would be dropped silently.
    * xdist 3.8 passes a test's group to its scheduler at the end of the test's id, but writes it to where pytest 9.2 no
      longer reads it. ``--dist loadgroup`` would spread a group over all workers.
    """
    for item in items:
        before, _, last = item.nodeid.rpartition("::")
        if item.name.startswith(f"{last}["):
            item._id = type(item._id).parse(f"{before}::{item.name}")
    if duplicates := [nodeid for nodeid, count in Counter(item.nodeid for item in items).items() if count > 1]:
        raise pytest.UsageError(f"several tests have the id {duplicates[0]}: xdist would run one of them")
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        groups = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})
        if groups and not item.nodeid.endswith(suffix := f"@{'_'.join(groups)}"):
            item._id = type(item._id).parse(item.nodeid + suffix)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """The number of workers: ``HARNESS_TEST_WORKERS`` if it is set, else the number of cores, but at least two.

    Two for an engine without snapshots, since each worker has to apply. Always one if all instances are one account.
    """
    engine = _engine("workers")
    cores = 2 if engine.snapshots is None else max(2, os.cpu_count() or 2)
    return min(int(os.environ.get("HARNESS_TEST_WORKERS") or cores), engine.most_accounts)
