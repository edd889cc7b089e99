"""The command lines of ``restore``, ``restore-objects`` and ``restore-drill``."""

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from harness.deploy.recovery_commands import moment
from harness.deploy.request import ask
from harness.restore import drill, objects_run, run
from harness.restore.objects_run import ObjectsRequest
from harness.restore.restoration import RestoreRequest, new_name, own_name


def full_second(text: str) -> datetime:
    """A time in full seconds, to which tables are restored: ``2026-11-22T09:30:00Z``; UTC unless it has an offset."""
    parsed = moment(text).astimezone(UTC)
    if parsed.microsecond:
        raise ValueError(text)
    return parsed


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the harness's command line."""
    restore = commands.add_parser(
        "restore", help="put the table back to an earlier time, under another name", allow_abbrev=False
    )
    restore.add_argument("env", help="environment that is deployed")
    time = restore.add_mutually_exclusive_group(required=True)
    time.add_argument("--to", type=full_second, metavar="TIME", help="the time, in full seconds")
    time.add_argument("--back", action="store_true", help="the current state, under the environment's own name again")
    restore.add_argument("--name", help="the new table's name (default: with the time in it)")
    restore.add_argument(
        "--delete", default="", metavar="TABLE", help="the damaged table, which has the name that is needed"
    )
    restore.add_argument("--yes", action="store_true", help="without asking")

    objects = commands.add_parser(
        "restore-objects", help="put objects of a bucket back to an earlier time", allow_abbrev=False
    )
    objects.add_argument("env", help="environment that is deployed")
    objects.add_argument("purpose", choices=objects_run.PURPOSES, help="the bucket")
    objects.add_argument("prefix", nargs="?", default="", help="what the keys begin with (default: all objects)")
    objects.add_argument("--to", type=full_second, required=True, metavar="TIME", help="the time, in full seconds")
    objects.add_argument("--list", action="store_true", help="only show")
    objects.add_argument("--yes", action="store_true", help="without asking")

    drill_parser = commands.add_parser(
        "restore-drill", help="damage a table on a local engine, restore it, and compare", allow_abbrev=False
    )
    drill_parser.add_argument("env", help="environment that runs on the embedded engine")
    drill_parser.add_argument(
        "--items", type=int, default=drill.ITEMS, help=f"how many items the table gets (default: {drill.ITEMS:,})"
    )


def restore(arguments: argparse.Namespace) -> None:
    """Restore a table; ask before, unless ``--yes``."""
    name = arguments.name or (own_name(arguments.env) if arguments.back else new_name(arguments.env, arguments.to))

    def confirm() -> bool:
        question = f"Stop all functions of {arguments.env}, and let {name} take the place of its table?"
        return arguments.yes or ask(question, "Nothing was changed")

    run.restore(RestoreRequest(arguments.env, arguments.to, name, arguments.delete, confirm))


def restore_objects(arguments: argparse.Namespace) -> None:
    """Put objects back; ask before, unless ``--yes``."""

    def confirm() -> bool:
        return arguments.yes or ask("Put these back?", "Nothing was changed")

    request = ObjectsRequest(
        arguments.env, arguments.purpose, arguments.prefix, arguments.to, confirm, only_list=arguments.list
    )
    objects_run.restore_objects(request)


COMMANDS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "restore": restore,
    "restore-objects": restore_objects,
    "restore-drill": lambda arguments: drill.run(arguments.env, arguments.items),
}
"""What each command does."""
