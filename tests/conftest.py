"""What every tier shares: the figures that a session leaves in build/results/<session>.json."""

import os
import signal
import time
from collections import Counter

import pytest

from harness.engine import isolate
from harness.results import record

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
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts its background jobs deaf to Ctrl-C, and they pass that on; tests of Ctrl-C have to hear it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    session = os.environ.get("HARNESS_SESSION")
    if session and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Figures(session))
