"""A pytest plug-in for the runs that record: it makes them note calls, and fail when the list of calls is not true."""

import os
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.iam import recorded
from harness.paths import ROOT

_NARROWED = ("keyword", "markexpr", "deselect", "lf", "failedfirst", "ignore", "ignore_glob", "collectonly", "maxfail")


class Recording:
    """Registered by the ``conftest.py`` of a tier.

    Args:
        run: ``unit`` or ``e2e``; the tier's folder has the same name.
        config: pytest's.
    """

    def __init__(self, run: str, config: pytest.Config) -> None:
        self.run = run
        self.folder = recorded.folder(run)
        self._wrong: list[str] = []
        self._controls = not hasattr(config, "workerinput")
        if self._controls:
            for old in [*self.folder.glob("*.jsonl"), recorded.whole_mark(run)]:
                old.unlink(missing_ok=True)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Judge the list by what was seen; in the process that waits for all the others."""
        if not self._controls or session.config.option.collectonly:
            return
        try:
            found = recorded.seen(self.run)
            whole = self._is_whole(session) and session.testsfailed == 0
            if whole and found:
                recorded.whole_mark(self.run).touch()
            self._wrong += recorded.differences(recorded.load(), found, self.run, whole=whole)
        except HarnessError as fault:
            self._wrong.append(str(fault))
        if self._wrong and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is wrong."""
        if self._wrong:
            terminalreporter.section("What the functions do on AWS, and the list of it", red=True)
            for line in self._wrong:
                terminalreporter.write_line(line)

    def _is_whole(self, session: pytest.Session) -> bool:
        option = session.config.option
        asked = [Path(one).resolve() for one in session.config.args]
        narrowed = any(getattr(option, name, None) for name in _NARROWED)
        return asked == [ROOT / "tests" / self.run] and not narrowed and "HARNESS_ENGINE" not in os.environ
