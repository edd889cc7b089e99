"""What tests run with that are to kill mutants: the conftest.py that ``nox -s mutate`` lays beside its copies of them.

A mutant has to make a test fail and nothing more. So hypothesis, which runs a failing test hundreds of times to find
its smallest failure, takes the first one. What makes a test go on without end is ended by the seconds that the test has
computed for, not by the clock: on a busy machine all takes longer, and no mutant counts as killed because of that.
"""

import os
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

CPU_SECONDS = 20
"""Of one test, which computes for two at most where nothing is wrong."""
MEMORY = 2 << 30
"""Bytes, five times the room that the tests take: what grows without end fails before the machine does."""
ENDLESS = 36
"""The exit code by which mutmut knows a time-out."""

hypothesis.settings.register_profile(
    "mutants",
    max_examples=25,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=(hypothesis.HealthCheck.too_slow,),
)
hypothesis.settings.load_profile("mutants")


def _give_up(*_: object) -> None:
    print(f"{os.environ.get('PYTEST_CURRENT_TEST')} has computed for {CPU_SECONDS} seconds", file=sys.__stderr__)
    os._exit(ENDLESS)


def pytest_configure() -> None:
    signal.signal(signal.SIGPROF, _give_up)
    if sys.platform == "linux":  # others have no such bound, or refuse it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[Any]:
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
