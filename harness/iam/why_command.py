"""The command ``why``: a denial from the command line, from standard input or from the logs, and its explanation."""

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rich.markup import escape

from harness.access import recorded_calls
from harness.access.grants import Role, roles
from harness.console import out, print_json
from harness.errors import HarnessError
from harness.iam.denials import Denial, parse
from harness.iam.source import DeclaredGrants
from harness.iam.why import Estate, Explanation, explain, resource_policies, role_of, wanted
from harness.isolation import isolate
from harness.paths import ROOT
from harness.policy import plans
from harness.policy.offline_aws import ACCOUNT_ID
from harness.stack.deployment import REGION, Stack, environments
from harness.stack.logs import recent_errors

_ACCOUNT = re.compile(r"(?<=[:-])\d{12}(?=[:/]|$)")
"""An account's number in an ARN or at the end of a bucket's name; plans are made for `ACCOUNT_ID`."""

_WHOLE = "Give the whole message: User: ... is not authorized to perform: ... on resource: ..."


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        prog="python -m harness.iam why",
        description="Explain why a call was refused, and show the Terraform that would grant it.",
        allow_abbrev=False,
    )
    command.add_argument("denial", nargs="*", help="the error message; - reads it; none: the stack's log")
    command.add_argument("--env", default="dev", help="environment (default: dev)")
    command.add_argument("--function", help="who was refused, if the message does not say it")
    command.add_argument("--json", action="store_true", help="as JSON")
    return command


def main(words: Sequence[str]) -> None:
    """Explain denials.

    Args:
        words: The command line.

    Raises:
        HarnessError: There is no denial in it, or nothing in the environment fits it.
    """
    arguments = parser().parse_args(words)
    if arguments.env not in environments():
        known = ", ".join(environments())
        raise HarnessError(f"There is no live folder {arguments.env!r}.", remedy=f"Use one of: {known}.")
    isolate(os.environ)
    denials = list(_denials(arguments))
    if not denials:
        raise HarnessError(
            "There is no denial in this text."
            if arguments.denial
            else "No function has logged a denial in the last hour.",
            remedy="Give the whole message: User: ... is not authorized to perform: ... on resource: ...",
        )
    explanations = list(_explanations(denials, arguments.env, arguments.function))
    if arguments.json:
        print_json([vars(explanation) for explanation in explanations], indent=2)
        return
    for explanation in explanations:
        _show(explanation)


def _denials(arguments: argparse.Namespace) -> Iterator[tuple[str, Denial]]:
    """Each denial once, with the function that logged it, if it comes from a log."""
    if arguments.denial:
        text = sys.stdin.read() if arguments.denial == ["-"] else " ".join(arguments.denial)
        texts: Iterable[tuple[str, str]] = [("", line) for line in text.splitlines()]
    else:
        since = datetime.now(UTC) - timedelta(hours=1)
        found = recent_errors(Stack.load(arguments.env), since, limit=1000)
        texts = [(line.function, line.message) for line in found]
    seen: dict[tuple[str, Denial], None] = {}
    for function, text in texts:
        denial = parse(text)
        if denial is not None:
            seen[function, denial] = None
    yield from seen


def _explanations(
    denials: Iterable[tuple[str, Denial]], environment: str, function: str | None
) -> Iterator[Explanation]:
    plan = plans.stored_plan(ROOT / "live" / environment).planned
    known = roles(plan, account=ACCOUNT_ID, region=REGION)
    seen = recorded_calls.load()
    estate = Estate(known, list(resource_policies(plan)), seen, DeclaredGrants.read())
    for logged_by, denial in denials:
        role = _role(denial, known, function or logged_by)
        here = replace(denial, resource=_ACCOUNT.sub(ACCOUNT_ID, denial.resource))
        actions = wanted(here, role, seen)
        if not actions:
            raise HarnessError(
                f"The message does not name an action, and no test has seen {role.function} call {denial.call}.",
                remedy=_WHOLE,
            )
        yield from (explain(here, role, action, estate) for action in actions)


def _role(denial: Denial, known: dict[str, Role], function: str) -> Role:
    role = known.get(function) if function else role_of(denial, known)
    if role is None:
        who = function or denial.principal
        what = f"{who} is no function of this environment." if who else "The message does not name the caller."
        raise HarnessError(what, remedy=f"Name one: --function {' | '.join(sorted(known))}")
    return role


def _show(explanation: Explanation) -> None:
    out.print(f"[bold]{escape(explanation.title)}[/]")
    for reason in explanation.reasons:
        out.print(f"  {escape(reason[0].upper() + reason[1:])}")
    for remedy in explanation.remedies:
        out.print(f"  [green]→[/] {escape(remedy)}")
