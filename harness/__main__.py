"""The harness's commands, as nox calls them: ``python -m harness up --once``."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.table import Table

from harness import package
from harness.console import expected_errors, out, print_json
from harness.deploy import canary_drill, cost_command, pipeline, preview, recovery_commands, watch
from harness.deploy.request import DeployRequest, ask
from harness.doctor import examination
from harness.engine import engine_for, engine_name
from harness.errors import HarnessError
from harness.isolation import isolate
from harness.paths import BUILD, ROOT
from harness.restore import commands as restore_commands
from harness.settings import PLATFORM
from harness.stack import lifecycle, log_output
from harness.stack.deployment import environments
from harness.terraform import binary

SAMPLE = ROOT / PLATFORM.sample

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def port(text: str) -> int | str:
    """A TCP port, or ``auto`` for 4566 if free and any other if not."""
    if text == "auto":
        return text
    number = int(text)
    if not 1 <= number <= 65535:
        raise ValueError(text)
    return number


def percentage(text: str) -> int:
    """A share of the calls, 1 to 99 per cent."""
    number = int(text)
    if not 1 <= number <= 99:
        raise ValueError(text)
    return number


def duration(text: str) -> timedelta:
    """A length of time such as ``90s``, ``10m``, ``2h`` or ``1d``."""
    if text[-1:] not in _UNITS:
        raise ValueError(text)
    return timedelta(seconds=int(text[:-1]) * _UNITS[text[-1]])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="./noxw -s", description="The harness's commands.", allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", prog="./noxw -s")

    _add_local(commands)
    _add_observers(commands)

    build = commands.add_parser("package", help="build the functions' zips and print their sizes", allow_abbrev=False)
    build.add_argument(
        "--target", choices=["aws", "local"], default="aws", help="for AWS (arm64), or for an engine on this computer"
    )
    build.add_argument("--json", action="store_true", help="as JSON")

    release = commands.add_parser(
        "deploy", help="plan an environment, judge the plan, show it and apply it", allow_abbrev=False
    )
    release.add_argument("env", help="live folder to deploy")
    release.add_argument("--yes", action="store_true", help="apply the plan without asking, once the gate passes it")
    release.add_argument(
        "--allow-destroy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="let the plan delete or replace this stateful resource (repeatable)",
    )
    release.add_argument(
        "--canary",
        type=percentage,
        default=0,
        metavar="PERCENT",
        help="give new versions this share of the calls first, watch them, and take them back if they are bad",
    )
    release.add_argument("--plan-only", action="store_true", help="plan, judge and show, and apply nothing")
    release.add_argument(
        "--approved",
        metavar="DIGEST",
        help="apply only the changes with this digest of --plan-only",
    )
    release.add_argument(
        "--cost-reason", default="", metavar="WORDS", help="why the environment may cost over a tenth more than now"
    )
    release.add_argument("--no-smoke", action="store_true", help="leave out the smoke test after the deploy")
    release.add_argument("--port", type=port, help="a local engine's port, or auto for any free one (default: 4566)")

    copy = commands.add_parser(
        "preview", help="a copy of dev for a pull request: create, update, delete, sweep", allow_abbrev=False
    )
    actions = copy.add_subparsers(dest="action", required=True)
    for action, does in (("up", "create or update it"), ("down", "delete it, and show that nothing is left")):
        actions.add_parser(action, help=does).add_argument("number", type=int, help="the pull request's number")
    sweep = actions.add_parser("sweep", help="delete those that are too old, and show that nothing else is left")
    sweep.add_argument("--older-than", type=float, default=7, metavar="DAYS", help="their age (default: 7)")

    smoke = commands.add_parser(
        "smoke", help="test a deployed environment with one upload, and delete what that created", allow_abbrev=False
    )
    smoke.add_argument("env", help="environment that is deployed")

    drill = commands.add_parser(
        "canary-drill",
        help="release bad and good versions in stages on a local engine: the bad ones must be taken back",
        allow_abbrev=False,
    )
    drill.add_argument("versions", nargs="*", metavar="VERSION", help="short names of versions (default: all)")
    drill.add_argument("--env", default="dev", help="environment (default: dev)")
    drill.add_argument("--port", type=port, help="the engine's port, or auto for any free one (default: 4566)")

    back = commands.add_parser(
        "rollback", help="give callers of a deployed environment the versions before", allow_abbrev=False
    )
    back.add_argument("env", help="environment that is deployed")
    back.add_argument("functions", nargs="*", metavar="FUNCTION", help="short names of functions (default: all)")
    back.add_argument(
        "--emergency", action="store_true", help="take the code from the artifacts bucket, without Terraform"
    )

    recovery_commands.add_to(commands)
    restore_commands.add_to(commands)

    dollars = commands.add_parser("cost", help="show what a deployed environment costs a month", allow_abbrev=False)
    dollars.add_argument("env", help="environment that is deployed")
    dollars.add_argument("--measure", action="store_true", help="measure what the platform uses, and write it down")

    commands.add_parser("fmt-check", help="check the format of Terraform files", allow_abbrev=False)
    commands.add_parser(
        "lint-terraform", help="find unused, untyped and unpinned declarations in Terraform files", allow_abbrev=False
    )

    docs = commands.add_parser(
        "docs", help="write the generated parts of the modules' READMEs and of docs/aws.md", allow_abbrev=False
    )
    docs.add_argument("--check", action="store_true", help="only compare, write nothing")
    return top


def _add_local(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands of a stack on a local engine: start it, change it, stop it."""
    up = commands.add_parser("up", help="start the platform, upload a CSV, download the PDFs", allow_abbrev=False)
    up.add_argument("--env", default="dev", help="live folder to apply (default: dev)")
    up.add_argument("--csv", type=Path, default=SAMPLE, help="CSV file to upload (default: the sample)")
    up.add_argument("--port", type=port, help="the engine's port, or auto for any free one (default: 4566)")
    ending = up.add_mutually_exclusive_group()
    ending.add_argument("--once", action="store_true", help="print the result, stop everything, exit")
    ending.add_argument("--detach", action="store_true", help="leave the stack running and exit")

    watching = commands.add_parser(
        "watch", help="publish what is saved in lambdas/ on a stack that runs, at once", allow_abbrev=False
    )
    watching.add_argument("--env", default="dev", help="environment that was left running (default: dev)")
    watching.add_argument("--no-apply", action="store_true", help="do not let Terraform take it over at the end")

    stop = commands.add_parser("down", help="stop everything that runs or was left running", allow_abbrev=False)
    stop.add_argument("--json", action="store_true", help="as JSON")


def _add_observers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands that look at a running stack, or at this computer, and change nothing."""
    log = commands.add_parser("logs", help="print the functions' log lines, merged by time", allow_abbrev=False)
    log.add_argument("functions", nargs="*", metavar="FUNCTION", help="short names of functions (default: all)")
    log.add_argument("--env", default="dev", help="environment (default: dev)")
    log.add_argument(
        "--since", type=duration, default=timedelta(minutes=10), help="how far back: 90s, 10m, 2h (default: 10m)"
    )
    log.add_argument("--follow", action="store_true", help="keep printing new lines until Ctrl-C")
    log.add_argument("--errors", action="store_true", help="warnings and errors only")
    log.add_argument(
        f"--{PLATFORM.traced}",
        dest="subject",
        metavar="ID",
        help=f"lines about this {PLATFORM.traced} and its causes",
    )
    log.add_argument("--json", action="store_true", help="a JSON object a line")

    trace = commands.add_parser(
        "trace",
        help=f"what happened to one {PLATFORM.traced} or upload, in order, and what it waits for",
        allow_abbrev=False,
    )
    trace.add_argument("name", metavar=f"{PLATFORM.traced.upper()}|UPLOAD", help="its id or number, or an upload's key")
    trace.add_argument("--env", default="dev", help="environment (default: dev)")
    trace.add_argument("--json", action="store_true", help="as JSON")

    compare = commands.add_parser(
        "drift", help="compare a deployed environment with its state, its Terraform and the account", allow_abbrev=False
    )
    compare.add_argument("env", help="environment that is deployed")

    doctor = commands.add_parser(
        "doctor", help="examine this computer: what is missing, what disturbs, and how to fix it", allow_abbrev=False
    )
    doctor.add_argument("--json", action="store_true", help="as JSON")


def show_logs(arguments: argparse.Namespace) -> None:
    """Print log lines of the running stack."""
    log_output.show_lines(
        arguments.env,
        arguments.functions,
        since=datetime.now(UTC) - arguments.since,
        subject=arguments.subject,
        follow=arguments.follow,
        errors=arguments.errors,
        as_json=arguments.json,
    )


def show_package(target: str, *, as_json: bool) -> None:
    """Build every function's zip for AWS or for a local engine, and print their sizes and contents."""
    if target == "aws":
        artifacts = package.build(package.Target.AWS, BUILD / "artifacts" / "aws")
    else:
        artifacts = package.build(
            package.Target.HOST, BUILD / "artifacts" / "local", python=engine_for(port="auto").lambda_python
        )
    if as_json:
        print_json([asdict(artifact) for artifact in artifacts], indent=2)
        return
    shared = set.intersection(*(set(artifact.distributions) for artifact in artifacts))
    table = Table("Function", "Zip MiB", "Unpacked MiB", "SHA-256", "Packages that not all have")
    for artifact in artifacts:
        sizes = (f"{size / 2**20:.1f}" for size in (artifact.size_bytes, artifact.unpacked_bytes))
        packages = ", ".join(sorted(set(artifact.distributions) - shared))
        table.add_row(artifact.function, *sizes, artifact.sha256[:12], packages)
    out.print(table)
    out.print(f"Packages in every zip: {', '.join(sorted(shared)) or 'none'}")
    out.print(f"The zips are in {artifacts[0].path.parent}/. Terraform takes that folder as TF_VAR_artifacts_dir.")


def check_format() -> None:
    """Check that every Terraform file is formatted.

    Raises:
        HarnessError: Some are not; the message names them.
    """
    folders = ("modules", "live", "policy", "tests")
    check = subprocess.run(  # noqa: S603 - Terraform itself, fixed arguments
        [binary.find(), "fmt", "-check", "-recursive", "-list=true", *folders],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if check.returncode != 0:
        raise HarnessError(
            f"These Terraform files are not formatted: {', '.join(check.stdout.split()) or check.stderr.strip()}",
            remedy=f"To format them: terraform fmt -recursive {' '.join(folders)}",
        )


def lint_terraform() -> None:
    """Check every module and live folder with the lint rules.

    Raises:
        HarnessError: Something has to be fixed; each finding is a line of the message.
    """
    from harness.terraform import lint  # noqa: PLC0415 - needs python-hcl2, which `up` and `down` do without

    findings = lint.everything()
    if findings:
        raise HarnessError("\n".join(str(finding) for finding in findings), remedy=f"Fix these {len(findings)} places.")


def docs(*, check: bool) -> None:
    """Write the generated parts of the modules' READMEs and of docs/aws.md.

    Args:
        check: Only compare, and write nothing.

    Raises:
        HarnessError: With `check`, some of them are out of date.
    """
    from harness.docs import aws_page, module_readmes  # noqa: PLC0415 - python-hcl2, which `up` and `down` do without

    pages = [*module_readmes.refresh(write=not check), *aws_page.refresh(write=not check)]
    stale = [str(path.relative_to(ROOT)) for path in pages]
    if stale and check:
        raise HarnessError(
            f"These pages are out of date: {', '.join(stale)}", remedy="To write them again: ./noxw -s docs"
        )
    out.print("\n".join(stale) or "The modules' READMEs and docs/aws.md are up to date.")


def check_environment(name: str | None) -> None:
    """Check that there is a live folder of that name; no name is fine.

    Raises:
        HarnessError: There is none.
    """
    if name not in (None, *environments()):
        raise HarnessError(
            f"There is no live folder for the environment {name!r}.",
            remedy=f"Use one of: {', '.join(environments()) or 'none'}.",
        )


def deploy(arguments: argparse.Namespace) -> None:
    """Deploy an environment; ask before the apply, unless ``--yes``."""
    confirm = (lambda: True) if arguments.yes else ask
    request = DeployRequest(
        arguments.env,
        allow_destroy=frozenset(arguments.allow_destroy),
        confirm=confirm,
        smoke=not arguments.no_smoke,
        canary=arguments.canary,
        plan_only=arguments.plan_only,
        approved=arguments.approved,
        cost_reason=arguments.cost_reason,
    )
    pipeline.deploy(request, port=arguments.port)


def show_preview(arguments: argparse.Namespace) -> None:
    """Create, delete or sweep copies of dev for pull requests."""
    if arguments.action == "sweep":
        preview.sweep(arguments.older_than)
    elif arguments.action == "up":
        preview.up(arguments.number)
    else:
        preview.down(arguments.number)


def up(arguments: argparse.Namespace) -> None:
    """Start an environment on a local engine."""
    ending = lifecycle.Ending.STAY
    if arguments.once:
        ending = lifecycle.Ending.ONCE
    elif arguments.detach:
        ending = lifecycle.Ending.DETACH
    lifecycle.up(arguments.env, arguments.csv, port=arguments.port, ending=ending)


def examine(arguments: argparse.Namespace) -> None:
    """Examine this computer; exit code 1 if something has to be fixed."""
    code = examination.show(examination.examine(arguments.environment), as_json=arguments.json)
    if code:
        sys.exit(code)


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "up": up,
    "watch": lambda arguments: watch.watch(arguments.env, apply=not arguments.no_apply),
    "down": lambda arguments: lifecycle.down(as_json=arguments.json),
    "logs": show_logs,
    "trace": lambda arguments: log_output.show_story(arguments.env, arguments.name, as_json=arguments.json),
    "doctor": examine,
    "package": lambda arguments: show_package(arguments.target, as_json=arguments.json),
    "deploy": deploy,
    "smoke": lambda arguments: pipeline.smoke_test(arguments.env),
    "canary-drill": lambda arguments: canary_drill.run(arguments.env, arguments.versions, port=arguments.port),
    "preview": show_preview,
    **recovery_commands.COMMANDS,
    **restore_commands.COMMANDS,
    "rollback": lambda arguments: pipeline.roll_back(arguments.env, arguments.functions, emergency=arguments.emergency),
    "drift": lambda arguments: pipeline.compare(arguments.env),
    "cost": lambda arguments: (cost_command.measure if arguments.measure else cost_command.show)(arguments.env),
    "fmt-check": lambda _: check_format(),
    "lint-terraform": lambda _: lint_terraform(),
    "docs": lambda arguments: docs(check=arguments.check),
}
"""What each command of `parser` does."""


def main(words: Sequence[str] | None = None) -> None:
    """Run one command; an expected error ends as two lines and a non-zero exit code.

    Args:
        words: The command line after the program's name; None for the process's own.
    """
    arguments = parser().parse_args(words, argparse.Namespace(environment=dict(os.environ)))
    if engine_name() != "aws":
        isolate(os.environ)
    with expected_errors():
        check_environment(getattr(arguments, "env", None))
        COMMANDS[arguments.command](arguments)


if __name__ == "__main__":
    main()
