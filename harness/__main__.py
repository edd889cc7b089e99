"""The harness's verbs, as nox calls them: ``python -m harness up --once``."""

import argparse
import os
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from harness import package
from harness.console import expected_errors, out
from harness.deploy import pipeline
from harness.engine import engine_for, engine_name, isolate
from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.stack import lifecycle, logs
from harness.stack.deployment import Stack, environments
from harness.terraform import binary

SAMPLE = ROOT / "docs" / "sample" / "invoices.csv"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def port(text: str) -> int | str:
    """A TCP port, or ``auto`` for 4566 if free and any other if not."""
    if text == "auto":
        return text
    number = int(text)
    if not 1 <= number <= 65535:
        raise ValueError(text)
    return number


def duration(text: str) -> timedelta:
    """A length of time such as ``90s``, ``10m``, ``2h`` or ``1d``."""
    if text[-1:] not in _UNITS:
        raise ValueError(text)
    return timedelta(seconds=int(text[:-1]) * _UNITS[text[-1]])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="./noxw -s", description="The harness's verbs.", allow_abbrev=False)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB", prog="./noxw -s")

    up = verbs.add_parser("up", help="the platform up, a CSV in, PDFs out", allow_abbrev=False)
    up.add_argument("--env", default="dev", help="live folder to apply (default: dev)")
    up.add_argument("--csv", type=Path, default=SAMPLE, help="CSV file to upload (default: the sample)")
    up.add_argument("--port", type=port, help="the engine's port, or auto for any free one (default: 4566)")
    ending = up.add_mutually_exclusive_group()
    ending.add_argument("--once", action="store_true", help="print the result, stop everything, exit")
    ending.add_argument("--detach", action="store_true", help="leave the stack running and exit")

    verbs.add_parser("down", help="stop whatever runs or was left behind", allow_abbrev=False)

    log = verbs.add_parser("logs", help="the Lambdas' log lines, merged", allow_abbrev=False)
    log.add_argument(
        "functions", nargs="*", metavar="FUNCTION", help="short names, such as create-invoice (default: all)"
    )
    log.add_argument("--env", default="dev", help="environment (default: dev)")
    log.add_argument(
        "--since", type=duration, default=timedelta(minutes=10), help="how far back: 90s, 10m, 2h (default: 10m)"
    )
    log.add_argument("--follow", action="store_true", help="go on with new lines until Ctrl-C")
    log.add_argument("--errors", action="store_true", help="warnings and errors only")

    build = verbs.add_parser("package", help="build the functions' zips and print their sizes", allow_abbrev=False)
    build.add_argument("--target", choices=["aws", "local"], default="aws", help="arm64 for AWS, or this machine's")

    deploying = verbs.add_parser("deploy", help="plan, judge, show and apply an environment", allow_abbrev=False)
    deploying.add_argument("env", help="live folder to deploy")
    deploying.add_argument("--yes", action="store_true", help="do not ask before the judged plan is applied")
    deploying.add_argument(
        "--allow-destroy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="let the plan delete or replace this stateful resource (repeatable)",
    )
    deploying.add_argument("--port", type=port, help="a local engine's port, or auto for any free one (default: 4566)")

    verbs.add_parser("fmt-check", help="check the format of Terraform files", allow_abbrev=False)
    verbs.add_parser("lint-terraform", help="find what is unused, untyped or unpinned", allow_abbrev=False)

    docs = verbs.add_parser("docs", help="write the modules' inputs and outputs into their READMEs", allow_abbrev=False)
    docs.add_argument("--check", action="store_true", help="only compare")
    return top


def show_logs(arguments: argparse.Namespace) -> None:
    """Print log lines of the running stack."""
    stack = Stack.load(arguments.env)
    unknown = sorted(set(arguments.functions) - set(stack.functions))
    if unknown:
        raise HarnessError(
            f"There is no function {unknown[0]!r} in {arguments.env!r}.",
            remedy=f"There are: {', '.join(sorted(stack.functions))}.",
        )
    functions = arguments.functions or sorted(stack.functions)
    since = datetime.now(UTC) - arguments.since
    for line in logs.follow(stack, functions, since) if arguments.follow else logs.lines(stack, functions, since):
        if arguments.errors and not line.loud:
            continue
        colour = "red" if line.loud else "cyan"
        out.print(
            f"[dim]{line.at:%H:%M:%S.%f}[/] [{colour}]{line.function:<22}[/] {line.level:<8} {escape(line.message)}"
        )


def show_package(target: str) -> None:
    """Build every function's zip for AWS or for a local engine, and print what came of it."""
    if target == "aws":
        artifacts = package.build(package.Target.AWS, BUILD / "artifacts" / "aws")
    else:
        artifacts = package.build(
            package.Target.HOST, BUILD / "artifacts" / "local", python=engine_for(port="auto").lambda_python
        )
    shared = set.intersection(*(set(one.distributions) for one in artifacts))
    table = Table("Function", "Zip MiB", "Unpacked MiB", "SHA-256", "Of its own")
    for one in artifacts:
        sizes = (f"{size / 2**20:.1f}" for size in (one.size_bytes, one.unpacked_bytes))
        table.add_row(one.function, *sizes, one.sha256[:12], ", ".join(sorted(set(one.distributions) - shared)))
    out.print(table)
    out.print(f"All: {', '.join(sorted(shared))}")
    out.print(f"In {artifacts[0].path.parent}/; TF_VAR_artifacts_dir takes that folder.")


def check_format() -> None:
    """Check that every Terraform file is formatted.

    Raises:
        HarnessError: Some are not; the message names them.
    """
    folders = ("modules", "live", "policy", "tests")
    found = subprocess.run(  # noqa: S603 - Terraform itself, fixed arguments
        [binary.find(), "fmt", "-check", "-recursive", "-list=true", *folders],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if found.returncode != 0:
        raise HarnessError(
            f"Not formatted: {', '.join(found.stdout.split()) or found.stderr.strip()}",
            remedy=f"Format them: terraform fmt -recursive {' '.join(folders)}",
        )


def lint_terraform() -> None:
    """Judge every module and live folder.

    Raises:
        HarnessError: Something has to be fixed; each is a line of the message.
    """
    from harness.terraform import lint  # noqa: PLC0415 - needs python-hcl2, which `up` and `down` do without

    found = lint.everything()
    if found:
        raise HarnessError("\n".join(str(one) for one in found), remedy=f"Fix these {len(found)} places.")


def docs(*, check: bool) -> None:
    """Write the generated part of the modules' READMEs, or only compare.

    Raises:
        HarnessError: They were to be compared, and some are out of date.
    """
    from harness.docs import module_readmes  # noqa: PLC0415 - needs python-hcl2, which `up` and `down` do without

    stale = [str(path.relative_to(ROOT)) for path in module_readmes.refresh(write=not check)]
    if stale and check:
        raise HarnessError(f"Out of date: {', '.join(stale)}", remedy="Write them anew: ./noxw -s docs")
    out.print("\n".join(stale) or "The modules' READMEs are up to date.")


def check_environment(name: str | None) -> None:
    """See that there is a live folder of that name, if one is asked for.

    Raises:
        HarnessError: There is none.
    """
    if name not in (None, *environments()):
        raise HarnessError(
            f"There is no live folder for the environment {name!r}.",
            remedy=f"There are: {', '.join(environments()) or 'none'}.",
        )


def release(chosen: argparse.Namespace) -> None:
    """Deploy, asking first unless told otherwise."""
    confirm = (lambda: True) if chosen.yes else pipeline.ask
    request = pipeline.DeployRequest(chosen.env, allow_destroy=frozenset(chosen.allow_destroy), confirm=confirm)
    pipeline.deploy(request, port=chosen.port)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb; expected faults end as two lines and a non-zero exit code."""
    chosen = parser().parse_args(arguments)
    if engine_name() != "aws":
        isolate(os.environ)
    with expected_errors():
        check_environment(getattr(chosen, "env", None))
        match chosen.verb:
            case "up":
                ending = (
                    lifecycle.Ending.ONCE
                    if chosen.once
                    else lifecycle.Ending.DETACH
                    if chosen.detach
                    else lifecycle.Ending.STAY
                )
                lifecycle.up(chosen.env, chosen.csv, port=chosen.port, ending=ending)
            case "down":
                lifecycle.down()
            case "logs":
                show_logs(chosen)
            case "package":
                show_package(chosen.target)
            case "deploy":
                release(chosen)
            case "fmt-check":
                check_format()
            case "lint-terraform":
                lint_terraform()
            case "docs":
                docs(check=chosen.check)


if __name__ == "__main__":
    main()
