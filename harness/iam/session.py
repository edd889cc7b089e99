"""A pytest plug-in for test runs that record calls: the run fails if the committed list of calls is not up to date."""

import os
from pathlib import Path

import pytest

from harness.access import recorded_calls
from harness.errors import HarnessError
from harness.paths import ROOT

_NARROWED = ("keyword", "markexpr", "deselect", "lf", "failedfirst", "ignore", "ignore_glob", "collectonly", "maxfail")


class Recording:
    """Registered by the ``conftest.py`` of a tier.

    Args:
        run: ``unit`` or ``e2e``; the tier's folder has the same name.
        config: pytest's configuration.
    """

    def __init__(self, run: str, config: pytest.Config) -> None:
        self.run = run
        self.folder = recorded_calls.folder(run)
        self._differences: list[str] = []
        self._controls = not hasattr(config, "workerinput")
        if self._controls:
            for old in [*self.folder.glob("*.jsonl"), recorded_calls.complete_mark(run)]:
                old.unlink(missing_ok=True)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Compare the list with the recorded calls, in the process that waits for all others."""
        if not self._controls or session.config.option.collectonly:
            return
        try:
            seen = recorded_calls.seen_calls(self.run)
            complete = self._is_complete(session) and session.testsfailed == 0
            if complete and seen:
                recorded_calls.complete_mark(self.run).touch()
            listed, elsewhere = recorded_calls.load(), recorded_calls.seen_elsewhere(self.run)
            self._differences += recorded_calls.differences(
                listed, seen, self.run, complete=complete, elsewhere=elsewhere
            )
        except HarnessError as error:
            self._differences.append(str(error))
        if self._differences and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the differences."""
        if self._differences:
            terminalreporter.section("The functions' calls to AWS differ from the list", red=True)
            for line in self._differences:
                terminalreporter.write_line(line)

    def _is_complete(self, session: pytest.Session) -> bool:
        option = session.config.option
        paths = [Path(argument).resolve() for argument in session.config.args]
        narrowed = any(getattr(option, name, None) for name in _NARROWED)
        return paths == [ROOT / "tests" / self.run] and not narrowed and "HARNESS_ENGINE" not in os.environ
