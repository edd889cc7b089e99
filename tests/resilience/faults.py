"""Faults of single calls to AWS: what the network and the services may do to a call, its process included.

A *call* is what a function asks of boto3, with all the attempts that the SDK makes at it. Calls are numbered in the
order of a run, so a run that is repeated with the same seed has the same calls up to its first fault.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

Response = TypeVar("Response")


class Fault(StrEnum):
    """What happens to one call.

    The SDK's own repetitions are part of the call: a call that is throttled stays throttled until the SDK gives up, and
    one that timed out is sent again.
    """

    CRASH_BEFORE = "crash before it"
    CRASH_AFTER = "crash after it"
    THROTTLED = "throttled"
    TIMED_OUT = "timed out, and done"
    ERROR = "error 500"
    ANSWER_LOST = "done, and the response lost"


class Failure(StrEnum):
    """What the SDK sees of an attempt that has no response of the service's own."""

    THROTTLED = "the service throttles"
    ERROR = "the service fails"
    NO_RESPONSE = "no response in time"
    NO_CONNECTION = "no connection"


class Killed(BaseException):
    """The function's process ended here: nothing catches this, and nothing is called after it."""


THROTTLES: Mapping[str, tuple[int, str]] = {
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "s3": (503, "SlowDown"),
    "events": (400, "ThrottlingException"),
    "sqs": (403, "RequestThrottled"),
    "secretsmanager": (400, "ThrottlingException"),
    "apigateway": (429, "TooManyRequestsException"),
}
"""How each service says that it throttles.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html,
https://docs.aws.amazon.com/apigateway/latest/api/API_CreateApiKey.html
"""


@dataclass(frozen=True)
class Call:
    """One call of a run.

    Attributes:
        number: Its place in the run, from 0.
        function: The function that made it.
        service: The service, by boto3's name.
        operation: The operation, by its name in the API.
    """

    number: int
    function: str
    service: str
    operation: str

    def __str__(self) -> str:
        return f"{self.number} {self.function} {self.service}:{self.operation}"


def meet(fault: Fault | None, attempt: int, carry_out: Callable[[], Response]) -> Response | Failure:
    """One attempt at a call that meets a fault: the service's response, or what the SDK sees instead.

    Args:
        fault: The call's fault, if it has one.
        attempt: The number of the attempt, from 1.
        carry_out: Lets the service do it.

    Raises:
        Killed: the process ends.
    """
    match fault:
        case None:
            return carry_out()
        case Fault.CRASH_BEFORE:
            raise Killed
        case Fault.CRASH_AFTER:
            carry_out()
            raise Killed
        case Fault.THROTTLED:
            return Failure.THROTTLED
        case Fault.ERROR:
            return Failure.ERROR
        case Fault.TIMED_OUT if attempt > 1:
            return carry_out()
        case Fault.ANSWER_LOST if attempt > 1:
            return Failure.NO_CONNECTION
    carry_out()
    return Failure.NO_RESPONSE


@dataclass
class Wire:
    """Everything between the SDK and the services, for one run at a time.

    Attributes:
        faults: The faults by the numbers of calls.
        calls: The calls of this run.
        met: The numbers of calls that have met their fault.
    """

    faults: Mapping[int, Fault] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    met: set[int] = field(default_factory=set)
    _function: str = ""
    _attempts: int = 0
    _killed: bool = False

    def begin(self, faults: Mapping[int, Fault]) -> None:
        """Begin a run."""
        self.faults, self.calls, self.met = faults, [], set()

    @property
    def watches(self) -> bool:
        """Whether a function runs, so that its calls are numbered."""
        return bool(self._function)

    @contextmanager
    def invocation(self, function: str) -> Iterator[None]:
        """What a function calls in here is numbered, and meets its faults.

        Raises:
            Killed: its process ended.
        """
        self._function, self._killed = function, False
        try:
            yield
        finally:
            self._function = ""

    def call(self, service: str, operation: str) -> Call:
        """Number a call.

        Raises:
            Killed: its process has ended before.
        """
        if self._killed:
            raise Killed
        self.calls.append(Call(len(self.calls), self._function, service, operation))
        self._attempts = 0
        return self.calls[-1]

    def attempt(self, carry_out: Callable[[], Response]) -> Response | Failure:
        """One attempt at the last call: the service's response, or what the SDK sees instead.

        Raises:
            Killed: its process ends.
        """
        self._attempts += 1
        fault = self.faults.get(len(self.calls) - 1)
        if fault is not None:
            self.met.add(len(self.calls) - 1)
        try:
            return meet(fault, self._attempts, carry_out)
        except Killed:
            self._killed = True
            raise
