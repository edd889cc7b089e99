"""The conftest.py of the tests that must kill mutants; ``nox -s mutate`` puts it beside its copies of these tests.

A mutant only has to make a test fail. So hypothesis stops at the first failure, instead of running a failing test
hundreds of times to find the smallest one. A test that a mutant made endless is stopped by its CPU time, not by the
clock: on a busy machine everything takes longer, and no mutant may count as killed because of that. Caches are emptied
before each test: mutmut forks after a run without mutants, and what that run has cached would answer for the mutant.
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
"""The limit of one test with a mutant; without one, the slowest takes a third of it."""
MEMORY = 2 << 30
"""The limit in bytes, five times what the tests need: endless growth fails before the machine does."""
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


def _stop(*_: object) -> None:
    print(
        f"{os.environ.get('PYTEST_CURRENT_TEST')} was stopped after {CPU_SECONDS} seconds of CPU time",
        file=sys.__stderr__,
    )
    os._exit(ENDLESS)


def pytest_configure() -> None:
    signal.signal(signal.SIGPROF, _stop)
    if sys.platform == "linux":  # other systems have no such limit, or reject it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _empty_caches() -> None:
    for name, module in [*sys.modules.items()]:
        if name.startswith("invoicing."):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[Any]:
    _empty_caches()
    if os.environ.get("MUTANT_UNDER_TEST") != "stats":  # that run counts calls, which takes several times as long
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
