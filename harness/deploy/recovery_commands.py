"""The command lines of what repairs a deployed environment: ``sweep``, ``redrive``, ``revoke-key``."""

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from harness.deploy import recovery
from harness.deploy.request import ask
from harness.deploy.sweep import Period


def moment(text: str) -> datetime:
    """A date, or a date and time, in UTC unless it has an offset: ``2026-11-22``, ``2026-11-22T09:30:00Z``."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the harness's command line."""
    sweep = commands.add_parser(
        "sweep", help="heal what waits because a record or an event was lost", allow_abbrev=False
    )
    sweep.add_argument("env", help="environment that is deployed")
    sweep.add_argument(
        "--older-than", type=int, default=0, metavar="MINUTES", help="leave what is younger alone (default: 0)"
    )
    sweep.add_argument("--since", type=moment, help="look from this creation on (default: where the last sweep ended)")
    sweep.add_argument(
        "--changed", type=moment, nargs=2, metavar=("FROM", "TO"), help="publish the changes of a time again"
    )

    redrive = commands.add_parser(
        "redrive", help="show what is in a dead-letter queue and why, and deliver it again", allow_abbrev=False
    )
    redrive.add_argument("env", help="environment that is deployed")
    redrive.add_argument("name", metavar="FUNCTION|RULE", help="short name of a function, or name of a rule")
    redrive.add_argument("--list", action="store_true", help="only show")
    redrive.add_argument("--yes", action="store_true", help="deliver without asking")

    revoke = commands.add_parser(
        "revoke-key", help="rotate the API's key twice, so that a leaked one opens nothing", allow_abbrev=False
    )
    revoke.add_argument("env", help="environment that is deployed")


def sweep(arguments: argparse.Namespace) -> None:
    """Heal what waits because a record or an event was lost."""
    period = Period(*arguments.changed) if arguments.changed else None
    recovery.sweep(arguments.env, older_than_minutes=arguments.older_than, since=arguments.since, period=period)


def redrive(arguments: argparse.Namespace) -> None:
    """Deliver what is in a dead-letter queue again; ask before, unless ``--yes``."""

    def confirm() -> bool:
        return arguments.yes or ask("Deliver these again?", "Nothing was delivered")

    recovery.redrive(arguments.env, arguments.name, confirm, only_list=arguments.list)


COMMANDS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "sweep": sweep,
    "redrive": redrive,
    "revoke-key": lambda arguments: recovery.revoke_key(arguments.env),
}
"""What each command does."""
