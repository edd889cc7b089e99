"""Mutants of the functions' shared package: what is mutated, which tests must kill the mutants, and how many they kill.

``python -m harness.mutation.domain [MODULE ...]`` (``nox -s mutate``) lets mutmut work on copies in ``build/mutate``
and leaves the figures in ``build/results/mutate.json``. It runs in mutmut's environment (lock ``mutate``), so it
imports the standard library only, and modules of the harness that do the same.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.results import record
from harness.settings import PLATFORM

PACKAGE = ROOT / "lambdas" / PLATFORM.package
MODULES = PLATFORM.mutated_modules
"""What a run without arguments mutates."""

TESTS = ROOT / "tests" / "unit" / PLATFORM.package
KILLERS = PLATFORM.mutants_killers
"""The tests that must kill the mutants."""

BUILDERS = PLATFORM.mutants_builders
"""What these tests build invoices with."""

KILLERS_SELECTED = ("-m", "not volume", "-k", "not (every_dialect and (utf-8-sig or utf-16-be or crlf))")
"""Options of pytest. They leave out volume, and dialects that differ from others in the mark of their encoding or in
how a line ends: what only thousands of files would find has a short test of its own, and each mutant takes seconds.
"""

KILLED_PERCENT = 95
"""The share of a module's mutants that the tests must kill."""

WORKSPACE = BUILD / "mutate"
_RESULT = re.compile(rf"^ {{4}}(?P<mutant>{PLATFORM.package}\.\S+): (?P<status>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Kills:
    """How many of a module's mutants the tests noticed.

    Attributes:
        killed: Mutants with which a test failed.
        timeout: Mutants with which a test computed without end; they count as noticed.
        total: All mutants.
        seconds: What the tests took for them, all processes together.
    """

    killed: int
    timeout: int
    total: int
    seconds: int

    @property
    def score(self) -> float:
        """Percent of the mutants that the tests noticed."""
        return round(100 * (self.killed + self.timeout) / self.total, 1)


def module_file(name: str) -> Path:
    """The file of a module, relative to ``lambdas/``.

    Args:
        name: The module's name without its package, such as ``totals``; with its room where two rooms have one of that
            name, such as ``domain.receipts``.

    Raises:
        HarnessError: There is no such module, or there are several.
    """
    parts = name.split(".")
    is_name = all(part.isidentifier() and not part.startswith("_") for part in parts)
    files = [*PACKAGE.rglob(f"{'/'.join(parts)}.py")] if is_name else []
    if not files:
        raise HarnessError(
            f"{name} is not a module of lambdas/{PACKAGE.name}.", remedy=f"Name one, such as {', '.join(MODULES)}."
        )
    if len(files) > 1:
        rooms = " or ".join(sorted(f"{file.parent.name}.{name}" for file in files))
        raise HarnessError(f"lambdas/{PACKAGE.name} has several modules {name}.", remedy=f"Name one: {rooms}.")
    return files[0].relative_to(PACKAGE.parent)


def prepare(workspace: Path, files: Sequence[Path]) -> None:
    """Lay out what mutmut works on, from scratch: the package, the tests that must kill the mutants, and the settings.

    Args:
        workspace: A folder; what it holds is deleted.
        files: The modules to mutate, by `module_file`.
    """
    shutil.rmtree(workspace, ignore_errors=True)
    # mutmut names a mutant by its file's path here, and looks for the module of that name: no folder above the package
    shutil.copytree(PACKAGE, workspace / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    (workspace / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "mutants" / "killers.py", workspace / "tests" / "conftest.py")
    for pattern in KILLERS:
        for test in TESTS.rglob(pattern):
            shutil.copy(test, workspace / "tests")
    for builder in BUILDERS:
        (workspace / builder).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / builder, workspace / builder)
    settings = {
        "source_paths": [PACKAGE.name],
        "only_mutate": [file.as_posix() for file in files],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", *KILLERS_SELECTED],
        "pytest_add_cli_args_test_selection": ["tests"],
        "timeout_constant": 20.0,  # fifteen times that, by the clock: tests/mutants ends an endless test long before
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    isolated = ["[tool.pytest.ini_options]", "addopts = []"]  # else pytest takes the project's settings and test paths
    (workspace / "pyproject.toml").write_text("\n".join(["[tool.mutmut]", *lines, *isolated, ""]), encoding="utf-8")


def statuses(results: str) -> dict[str, str]:
    """What became of each mutant, by its name (``invoicing.domain.totals.x_line_net__mutmut_1``).

    Args:
        results: What ``mutmut results --all true`` printed.
    """
    return {match["mutant"]: match["status"].strip() for match in _RESULT.finditer(results)}


def kills(workspace: Path, file: Path, status_by_mutant: Mapping[str, str]) -> Kills:
    """The figures of one module.

    Raises:
        HarnessError: There is no mutant of it.
    """
    prefix = ".".join(file.with_suffix("").parts) + "."
    module_statuses = [status for mutant, status in status_by_mutant.items() if mutant.startswith(prefix)]
    if not module_statuses:
        raise HarnessError(f"mutmut made no mutants of {file.as_posix()}.", remedy="Name a module with functions.")
    meta = json.loads((workspace / "mutants" / f"{file.as_posix()}.meta").read_text(encoding="utf-8"))
    return Kills(
        killed=module_statuses.count("killed"),
        timeout=module_statuses.count("timeout"),
        total=len(module_statuses),
        seconds=round(sum(meta["durations_by_key"].values())),
    )


def summary(kills_by_module: Mapping[str, Kills], status_by_mutant: Mapping[str, str]) -> dict[str, object]:
    """The figures of a run, for ``build/results/mutate.json``."""
    modules = kills_by_module.values()
    overall = Kills(
        killed=sum(module.killed for module in modules),
        timeout=sum(module.timeout for module in modules),
        total=sum(module.total for module in modules),
        seconds=0,
    )
    return {
        "killed": overall.killed,
        "timeout": overall.timeout,
        "total": overall.total,
        "score": overall.score,
        "modules": {name: {**asdict(module), "score": module.score} for name, module in kills_by_module.items()},
        "not_killed": {mutant: status for mutant, status in status_by_mutant.items() if status != "killed"},
    }


def check(kills_by_module: Mapping[str, Kills]) -> None:
    """Compare each module with `KILLED_PERCENT`.

    Raises:
        HarnessError: Too many mutants of a module survived.
    """
    weak = [name for name, module in kills_by_module.items() if module.score < KILLED_PERCENT]
    if weak:
        raise HarnessError(
            f"The tests kill less than {KILLED_PERCENT} % of the mutants of {', '.join(weak)}.",
            remedy=f"`mutmut show <survivor>`, run in {WORKSPACE}, shows what to test.",
        )


def run(names: Sequence[str]) -> None:
    """Mutate modules, run the tests on the mutants, and write down how many they killed.

    Raises:
        HarnessError: A module does not exist, mutmut failed, or too many mutants survived.
    """
    started = time.monotonic()
    files = {name: module_file(name) for name in names}
    prepare(WORKSPACE, [*files.values()])
    _mutmut("run", "--max-children", str(os.cpu_count() or 2))
    status_by_mutant = statuses(_mutmut("results", "--all", "true", capture=True))
    kills_by_module = {name: kills(WORKSPACE, file, status_by_mutant) for name, file in files.items()}
    figures = summary(kills_by_module, status_by_mutant) | {"seconds": round(time.monotonic() - started)}
    file = record("mutate", figures)
    lines = [
        f"{name}: {module.killed} killed and {module.timeout} timed out of {module.total}"
        for name, module in kills_by_module.items()
    ]
    lines.append(f"{figures['score']} % of {figures['total']} mutants noticed; the survivors are listed in {file}")
    sys.stdout.write("\n".join(lines) + "\n")
    check(kills_by_module)


def _mutmut(*arguments: str, capture: bool = False) -> str:
    done = subprocess.run(  # noqa: S603 - on our own interpreter
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=WORKSPACE,
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise HarnessError(
            f"mutmut {arguments[0]} ended with {done.returncode}.",
            remedy=f"Its output is above; it ran in {WORKSPACE}.",
        )
    return done.stdout or ""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./noxw -s mutate --", description=__doc__, allow_abbrev=False)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"instead of {', '.join(MODULES)}")
    names = parser.parse_args(arguments).modules or MODULES
    try:
        run(names)
    except HarnessError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
