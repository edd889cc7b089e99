"""The commands ``sweep``, ``redrive`` and ``revoke-key``, where ``HARNESS_ENGINE`` points."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.config import Config

from harness.console import out
from harness.deploy import redrive as redriving
from harness.deploy import revoke
from harness.deploy import sweep as sweeping
from harness.deploy.deployed import AccountAccess
from harness.deploy.invocation import LONGEST_CALL_S, Invoker
from harness.deploy.letters import LetterBox
from harness.deploy.redrive import Redriver, destinations
from harness.deploy.smoke_access import PlatformAccess
from harness.deploy.sweep import Period, Sweeper
from harness.engine import engine_name
from harness.errors import HarnessError
from harness.results import record
from harness.settings import PLATFORM
from harness.stack.deployment import Stack


def sweep(environment: str, *, older_than_minutes: int, since: datetime | None, period: Period | None) -> None:
    """Heal what waits because a record or an event was lost.

    Raises:
        HarnessError: It is not deployed, or something cannot be healed.
    """
    access = AccountAccess.opened(environment)
    sweeper = _sweeper(_invoker(access))
    sweeping.show(sweeper, older_than_minutes=older_than_minutes, since=since, period=period)


def redrive(environment: str, name: str, confirm: Callable[[], bool], *, only_list: bool) -> None:
    """Show what is in the dead-letter queues of a function or a rule, and deliver it again.

    Args:
        environment: The live folder's name.
        name: The function's short name, or the rule's name.
        confirm: Asks whether to deliver.
        only_list: Only show.

    Raises:
        HarnessError: There is no such queue, or some letters are still not handled.
    """
    access = AccountAccess.opened(environment)
    sqs, invoker, failed, number = access.client("sqs"), _invoker(access), [], 0
    redriver = Redriver(invoker, _sweeper(invoker), access.client("dynamodbstreams"), access.client("sns"))
    for destination in destinations(access.outputs(), name):
        box = LetterBox(sqs, destination.queue)
        letters = box.take()
        number += len(letters)
        if not letters:
            out.print(f"{destination.name}: its dead-letter queue is empty.")
            continue
        redriving.show(destination, letters)
        if only_list or not confirm():
            for letter in letters:
                box.put_back(letter)
            continue
        failed += redriving.redrive(redriver, box, destination, letters)
    record("redrive", {"letters": number, "failed": failed})
    if failed:
        raise HarnessError(
            f"{len(failed)} of {number} were not handled, and are in the queue again: {failed[0]}",
            remedy=f"Remove the cause, then try again: ./noxw -s redrive -- {environment} {name}",
        )


def revoke_key(environment: str) -> None:
    """Revoke the API's current key and the one before it.

    Raises:
        HarnessError: It is not deployed, or a key is still accepted.
    """
    outputs = AccountAccess.opened(environment).outputs()
    on_aws = engine_name() == "aws"
    access = (
        PlatformAccess.on_aws(environment, outputs) if on_aws else PlatformAccess.on_engine(Stack.load(environment))
    )
    revoke.revoke(access, outputs["api_routes"])


def _invoker(access: AccountAccess) -> Invoker:
    session: Any = access.session
    config = Config(read_timeout=LONGEST_CALL_S, retries={"total_max_attempts": 1})
    functions = session.client("lambda", endpoint_url=access.endpoint_url, config=config)
    return Invoker(functions, access.outputs()["functions"])


def _sweeper(invoker: Invoker) -> Sweeper:
    return Sweeper(invoker, PLATFORM.sweeping_function)
