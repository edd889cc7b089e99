"""What interrupts the steps that run: each has its own calls, its own faults, and steps that overtake it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from invoicing.runtime.observability import logger
from tests.resilience.faults import Call, Failure, Fault, Killed, meet
from tests.resilience.simulation.script import Step

Response = TypeVar("Response")


@dataclass
class Frame:
    """One function, or one client's request, that runs; others may be below it, interrupted."""

    actions: dict[int, Any]
    calls: int = 0
    attempts: int = 0
    killed: bool = False


class Interruptions:
    """What `tests.resilience.faults.Wire` is for single faults: here each running step has its own calls and faults.

    Attributes:
        interrupt: Runs another step before a call is made.
        made: How many calls were made.
    """

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.interrupt: Callable[[Step], None] = lambda _: None
        self.made = 0

    @property
    def watches(self) -> bool:
        return bool(self.frames)

    @contextmanager
    def running(self, step: Step) -> Iterator[None]:
        """What is called in here meets what the step says; afterwards what was interrupted goes on."""
        correlation = logger.get_correlation_id()
        self.frames.append(Frame(dict(step.at)))
        try:
            yield
        finally:
            self.frames.pop()
            logger.set_correlation_id(correlation)

    def call(self, _service: str, _operation: str) -> Call | None:
        frame = self.frames[-1]
        if frame.killed:
            raise Killed
        action = frame.actions.get(frame.calls)
        if isinstance(action, Step):
            self.interrupt(action)
        frame.calls += 1
        frame.attempts = 0
        self.made += 1
        return None

    def attempt(self, carry_out: Callable[[], Response]) -> Response | Failure:
        frame = self.frames[-1]
        frame.attempts += 1
        fault = frame.actions.get(frame.calls - 1)
        try:
            return meet(fault if isinstance(fault, Fault) else None, frame.attempts, carry_out)
        except Killed:
            frame.killed = True
            raise
