"""What checks a change, for the session `quick`: linters by the kind of file, tests by rooms and imports.

``python -m harness.quick [--base REV]`` runs it. The sessions lint, unit, plan, contract and policy-proof prove
the rest: vulture is left out, because only the whole tree shows that a name is not used.
"""

import argparse
import functools
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.errors import HarnessError
from harness.package import functions
from harness.package.imports import reach
from harness.paths import ROOT
from harness.settings import PLATFORM

TIERS = ("tests/unit", "tests/plan", "tests/contract", "tests/policy")
"""The tiers that need no engine, the cheapest first; each is one run of pytest."""

CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r".*\.py$|pyproject\.toml", ("ruff", "check")),
    (r".*\.py$|pyproject\.toml", ("ruff", "format", "--check")),
    (r".*\.py$|pyproject\.toml|requirements/", ("mypy",)),
    (r"(lambdas|harness)/.*\.py$|pyproject\.toml", ("lint-imports", "--no-logo")),
    (r".*", ("codespell",)),
    (r"\.github/", ("zizmor", "--offline", "--no-progress", "--quiet", "--persona", "pedantic", ".github")),
    (r".*\.tf(vars)?$", ("python", "-m", "harness", "fmt-check")),
    (r".*\.tf$", ("python", "-m", "harness", "lint-terraform")),
)
"""Paths, and the linter or type checker for a change there; the session lint runs them all."""

_SHAPE = ("tests/unit/test_architecture.py",)
_CONTRACTS = tuple(f"tests/contract/test_{name}.py" for name in ("api", "settings", "iam"))
_PACKAGE = f"lambdas/{PLATFORM.package}"
_UNIT = f"tests/unit/{PLATFORM.package}"

RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (rf"{_PACKAGE}/(?P<room>\w+)/", (f"{_UNIT}/{{room}}", *_SHAPE)),
    (rf"{_PACKAGE}/api/", ("tests/contract/test_api.py",)),
    (rf"{_PACKAGE}/api_keys/", ("tests/contract/test_outside.py",)),
    (rf"{_PACKAGE}/events/", ("tests/contract/test_events.py",)),
    (rf"{_PACKAGE}/runtime/", (f"{_UNIT}/api", "tests/contract/test_settings.py")),
    (rf"{_PACKAGE}/table/", ("tests/contract/test_table.py",)),
    (rf"{_PACKAGE}/uploads/", ("tests/contract/test_uploads.py",)),
    (rf"lambdas/(?!{PLATFORM.package}/)\w+/", (*_SHAPE, f"{_UNIT}/api/test_generated.py", *_CONTRACTS)),
    (r"harness/(?P<room>\w+)/", ("tests/unit/harness/{room}", "tests/unit/harness/test_settings.py", *_SHAPE)),
    (r"harness/(?P<module>\w+)\.py", ("tests/unit/harness/test_{module}.py", "tests/unit/harness/test_settings.py")),
    (r"harness/__main__\.py", ("tests/unit/harness/test_command_line.py",)),
    (r"harness/policy/", ("tests/policy/test_meta.py",)),
    (r"modules/(?P<module>[\w-]+)/", ("tests/plan/{module}", "tests/plan/test_roots.py")),
    (rf"modules/{PLATFORM.platform_module}/", (*_CONTRACTS, f"{_UNIT}/api/test_openapi.py")),
    (r"live/", ("tests/plan/test_parity.py", *_CONTRACTS)),
    (r"policy/", ("tests/policy/test_meta.py", "tests/unit/harness/policy")),
    (r"localstack/", ("tests/unit/harness/engine", *_SHAPE)),
    (r"docs/openapi\.yaml", (f"{_UNIT}/api/test_openapi.py", "tests/contract/test_api.py")),
    (r"(docs/.*|.*README)\.md", _SHAPE),
    (r"requirements/|pyproject\.toml|noxfile\.py", ("tests/unit/harness/test_requirements.py", *_SHAPE)),
    (r"pyproject\.toml", ("tests/unit/harness/test_settings.py",)),
    (r"noxw", ("tests/unit/harness/test_noxw.py",)),
    (r"(?P<test>tests/(unit|plan|contract|policy)/.*test_\w+\.py)", ("{test}",)),
    (r"(?P<spec>tests/plan/[\w-]+)/.*\.ya?ml", ("{spec}",)),
    (r"(?P<room>tests/unit/(\w+/)+)(?!test_)\w+\.\w+", ("{room}",)),
    (r"tests/unit/conftest\.py", ("tests/unit/handlers",)),
    (r"tests/contract/(?!test_)\w+\.\w+", _CONTRACTS),
)
"""Beginnings of paths, and what proves a change there. A target that does not exist is left out."""


def changed(base: str, root: Path = ROOT) -> list[str]:
    """The files that differ from a revision, new ones included, relative to the repository.

    Args:
        base: A revision, such as ``HEAD``.
        root: The checkout.

    Raises:
        HarnessError: There is no such revision.
    """
    files: set[str] = set()
    edited, new = ("diff", "--name-only", "--no-renames", base, "--"), ("ls-files", "--others", "--exclude-standard")
    for command in (edited, new):
        git = subprocess.run(  # noqa: S603 - git itself
            ["git", *command],  # noqa: S607
            cwd=root,
            check=False,
            capture_output=True,
            text=True,
        )
        if git.returncode != 0:
            raise HarnessError(f"git {command[0]} failed: {git.stderr.strip()}", remedy="Name a revision: --base REV")
        files |= {*git.stdout.splitlines()}
    return sorted(files)


def selection(files: Iterable[str], root: Path = ROOT) -> list[str]:
    """The tests that prove a change: files and folders for pytest, without those inside others.

    Args:
        files: What `changed` returned.
        root: The checkout.
    """
    targets = {target.rstrip("/") for file in files for target in _targets(file, root) if (root / target).exists()}
    return sorted(target for target in targets if not any(str(parent) in targets for parent in Path(target).parents))


def _targets(file: str, root: Path) -> Iterator[str]:
    for pattern, targets in RULES:
        if match := re.match(pattern, file):
            yield from (target.format(**match.groupdict()) for target in targets)
    if file.startswith("lambdas/"):
        yield from _handler_tests(file, root)


def _handler_tests(file: str, root: Path) -> Iterator[str]:
    """The tests of the handlers that ship a file: those that load one of them by its name."""
    shipping = [name for name, files in _shipped(root).items() if root / file in files]
    for test, text in _texts(root / "tests" / "unit" / "handlers").items():
        if any(f'"{name}"' in text for name in shipping):
            yield test.relative_to(root).as_posix()


@functools.cache
def _shipped(root: Path) -> dict[str, set[Path]]:
    """The files that each function ships, by its folder's name."""
    lambdas = root / "lambdas"
    return {function.folder.name: reach(function.folder, lambdas).files for function in functions(lambdas)}


@functools.cache
def _texts(folder: Path) -> dict[Path, str]:
    return {test: test.read_text(encoding="utf-8") for test in sorted(folder.glob("test_*.py"))}


def checks(files: Sequence[str]) -> list[tuple[str, ...]]:
    """The linters and type checkers for a change.

    Args:
        files: What `changed` returned.
    """
    return [command for pattern, command in CHECKS if any(re.match(pattern, file) for file in files)]


def runs(targets: Sequence[str]) -> list[tuple[str, ...]]:
    """One run of pytest for each tier that has tests to run; one file of unit tests is not worth several processes."""
    tiers = ([target for target in targets if target.startswith(tier)] for tier in TIERS)
    workers = ("-n", str(max(2, os.cpu_count() or 2)))
    pytest = ("pytest", "-q", "-p", "no:schemathesis")
    return [(*pytest, *tier, *(workers if tier[1:] and tier[0].startswith(TIERS[0]) else ())) for tier in tiers if tier]


def passes(command: Sequence[str]) -> bool:
    """Run a program of this environment, print its time, and its output if it fails."""
    program, *arguments = command
    start = time.monotonic()
    run = subprocess.run(  # noqa: S603 - our own tools
        [str(Path(sys.executable).with_name(program)), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "lambdas")},  # lint-imports finds the functions by it
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    result = "failed" if run.returncode else "passed"
    row = f"{result} in {time.monotonic() - start:5.1f} s: {' '.join(command)}\n"
    sys.stdout.write(row + run.stdout if run.returncode else row)
    sys.stdout.flush()
    return run.returncode == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what checks a change, two commands at a time. Returns 0 if all of it passed."""
    parser = argparse.ArgumentParser(prog="./noxw -s quick --", description=__doc__, allow_abbrev=False)
    parser.add_argument("--base", default="HEAD", metavar="REV", help="the revision to compare with (default: HEAD)")
    base = parser.parse_args(arguments).base
    try:
        files = changed(base)
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    commands = [*runs(selection(files)), *checks(files)]
    sys.stdout.write(f"Since {base}: {len(files)} files, {len(commands)} commands\n")
    sys.stdout.flush()
    with ThreadPoolExecutor(2) as pool:
        return 0 if all([*pool.map(passes, commands)]) else 1


if __name__ == "__main__":
    sys.exit(main())
