"""The canary drill: bad versions are released in stages on a local engine, and must be taken back; good ones must not.

Each version is a small patch of the functions' code (``drill_versions.toml``), built and deployed as a user would do
it. The figures of each are in ``build/results/canary.json``.
"""

import math
import shutil
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from rich.markup import escape
from rich.table import Table

from harness.console import out
from harness.deploy import pipeline
from harness.deploy.request import DeployReport, DeployRequest
from harness.engine import engine_for
from harness.errors import HarnessError
from harness.package import archive
from harness.paths import BUILD, ROOT
from harness.results import record
from harness.stack.deployment import artifacts_of

VERSIONS = Path(__file__).with_name("drill_versions.toml")

PERCENT = 10
"""The share of the calls that each version gets."""

MOST_S = 60.0
"""Seconds from the first call of a bad version until it gets no more."""


class DrillVersion(BaseModel):
    """A patch of the functions' code.

    Attributes:
        id: A short name.
        title: What it does.
        file: The patched file, below the folder of the functions.
        old: The text that it has exactly once.
        new: What replaces it.
        good: Whether it must be released.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str
    file: str
    old: str
    new: str
    good: bool = False

    def apply(self, sources: Path) -> None:
        """Patch a copy of the functions' folder.

        Raises:
            HarnessError: The file does not have the text exactly once.
        """
        path = sources / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise HarnessError(
                f"lambdas/{self.file} has the text of the drill's version {self.id} {text.count(self.old)} times.",
                remedy=f"Correct `old` of {self.id} in {VERSIONS.relative_to(ROOT)}.",
            )
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class DrillResult:
    """How the release of one version ended.

    Attributes:
        version: Its short name.
        good: Whether it should be released.
        released: Whether it was.
        calls: The calls of the functions that it changes, from the start of the traffic to its end.
        bad_calls: Those that the new versions got.
        seconds: From the first call of a new version until none got calls any more; None if it was released.
        caught_by: The metric, alarm or check that found it.
        reason: What that has found; or the error that ended the release.
        settled: Whether the plan afterwards was empty.
        total_seconds: What the whole deploy took.
    """

    version: str
    good: bool
    released: bool
    calls: int
    bad_calls: int
    seconds: float | None
    caught_by: str
    reason: str
    settled: bool
    total_seconds: float

    @classmethod
    def of(
        cls, version: DrillVersion, report: DeployReport, patched: frozenset[str], error: str, seconds: float
    ) -> Self:
        """Read the result from the report of the deploy.

        Args:
            version: The version.
            report: The report.
            patched: The functions that the version changes.
            error: The error that ended the deploy; empty without one.
            seconds: What the deploy took.
        """
        canary = report.canary
        rows = [row for row in canary.get("versions", []) if row["function"] in patched]
        bad = most_called(rows)
        back = canary.get("taken_back_at")
        calls = [float(row["first_call"]) for row in newest(rows) if row["first_call"]]
        return cls(
            version=version.id,
            good=version.good,
            released=canary.get("outcome") == "released",
            calls=sum(row["calls"] for row in rows if row["function"] == bad),
            bad_calls=sum(row["calls"] for row in newest(rows) if row["function"] == bad),
            seconds=round(back - min(calls), 1) if back and calls else None,
            caught_by=canary.get("caught_by", ""),
            reason=canary.get("reason", error),
            settled=bool(canary.get("settled")),
            total_seconds=round(seconds, 1),
        )

    @property
    def failures(self) -> list[str]:
        """Why this is not as it should be."""
        found = [] if self.settled else ["the plan afterwards is not empty"]
        if self.good:
            return found if self.released else [*found, f"a good version was taken back: {self.reason}"]
        if not self.caught_by:
            return [*found, "it was not caught" if self.released else f"the deploy failed: {self.reason}"]
        if self.seconds is None or self.seconds > MOST_S:
            found.append(f"it was taken back after {self.seconds} s")
        if self.bad_calls > most_by_chance(self.calls):
            found.append(f"it got {self.bad_calls} of {self.calls} calls")
        return found


def most_by_chance(calls: int, share: float = PERCENT / 100) -> int:
    """The most calls that a version gets of so many when each call is given to it with a probability.

    Lambda draws lots (https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html): few calls seldom
    have a share of exactly 10 %. More than this number would come by chance once in a hundred times.
    """
    most, likelihood = 0, (1 - share) ** calls
    while likelihood < 0.99 and most < calls:
        most += 1
        likelihood += math.comb(calls, most) * share**most * (1 - share) ** (calls - most)
    return most


def newest(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The figures of the new versions."""
    return [row for row in rows if row["newest"]]


def most_called(rows: Sequence[dict[str, Any]]) -> str:
    """The function whose new version got the largest share of its calls; empty without a function."""
    calls: dict[str, int] = {}
    for row in rows:
        calls[row["function"]] = calls.get(row["function"], 0) + row["calls"]
    shares = {row["function"]: row["calls"] / max(calls[row["function"]], 1) for row in newest(rows)}
    return max(shares, key=lambda name: shares[name], default="")


def versions(names: Iterable[str] = ()) -> list[DrillVersion]:
    """The versions of the drill, all or the named ones.

    Raises:
        HarnessError: There is none of a name.
    """
    document = tomllib.loads(VERSIONS.read_text(encoding="utf-8"))
    every = [DrillVersion.model_validate(entry) for entry in document["version"]]
    unknown = sorted(set(names) - {version.id for version in every})
    if unknown:
        raise HarnessError(
            f"The drill has no version {unknown[0]!r}.",
            remedy=f"Use one of: {', '.join(version.id for version in every)}.",
        )
    return [version for version in every if version.id in names] if names else every


def run(environment: str, names: Sequence[str], *, port: Any = None) -> None:
    """Release each version in stages on the environment's local engine, and report how each release ended.

    Args:
        environment: The live folder's name.
        names: Short names of versions; none for all.
        port: The engine's port, if it has to be started.

    Raises:
        HarnessError: A version was not treated as it should be.
    """
    chosen = versions(names)
    request = DeployRequest(environment, confirm=lambda: True, full_gate=False, smoke=False)
    pipeline.deploy(request, port=port)
    released = digests(environment)
    results = []
    for number, version in enumerate(chosen, 1):
        out.rule(f"{number} of {len(chosen)}: {escape(version.id)}, which {escape(version.title)}")
        results.append(_release(environment, version, released))
        _record(results)
    pipeline.deploy(request)
    _show(results)
    failed = {result.version: result.failures for result in results if result.failures}
    if failed:
        first = next(iter(failed))
        raise HarnessError(
            f"{len(failed)} of {len(results)} versions were not treated as they should be. "
            f"{first}: {failed[first][0]}.",
            remedy=f"To repeat one: ./noxw -s canary-drill -- {first}",
        )


def digests(environment: str) -> dict[str, str]:
    """The checksums of the zips that were deployed last, by function."""
    folder = artifacts_of(engine_for(instance=environment))
    return {file.stem: archive.digest(file) for file in folder.glob("*.zip")}


def _release(environment: str, version: DrillVersion, released: dict[str, str]) -> DrillResult:
    """Build and deploy one version."""
    sources = BUILD / "canary-drill" / "lambdas"
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(ROOT / "lambdas", sources, ignore=shutil.ignore_patterns("__pycache__"))
    version.apply(sources)
    request = DeployRequest(
        environment,
        confirm=lambda: True,
        full_gate=False,
        options=("-refresh=false",),  # nobody else changes the engine; the plan afterwards is refreshed in any case
        smoke=False,
        canary=PERCENT,
        sources=sources,
    )
    started, error = time.monotonic(), ""
    report = DeployReport(environment, "embedded")
    try:
        pipeline.deploy(request, report=report)
    except HarnessError as failure:
        error = failure.what
        out.print(escape(error))
    seconds = time.monotonic() - started
    patched = frozenset(name for name, digest in digests(environment).items() if digest != released.get(name))
    return DrillResult.of(version, report, patched, error, seconds)


def _record(results: Sequence[DrillResult]) -> None:
    record(
        "canary",
        {
            "caught": sum(1 for result in results if not result.good and not result.failures),
            "bad": sum(1 for result in results if not result.good),
            "released": sum(1 for result in results if result.good and not result.failures),
            "good": sum(1 for result in results if result.good),
            "versions": [{**asdict(result), "failures": result.failures} for result in results],
        },
    )


def _show(results: Sequence[DrillResult]) -> None:
    table = Table("Version", "Calls", "Of the new", "Seconds", "Caught by", "Result")
    for result in results:
        verdict = f"[red]{escape(result.failures[0])}[/]" if result.failures else "[green]as it should be[/]"
        seconds = "" if result.seconds is None else f"{result.seconds:.1f}"
        caught = escape(result.caught_by) or ("released" if result.released else "")
        table.add_row(result.version, str(result.calls), str(result.bad_calls), seconds, caught, verdict)
    out.print(table)
