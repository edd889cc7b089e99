"""The proof of the gate: safeguards are removed one at a time, and something must turn red each time.

``python -m harness.mutation`` (``nox -s mutate-infra``) creates mutants of ``modules/`` and ``live/``, shows each to
the plan specs, the gate and the contract tests until one of them notices it, and reports those that nothing noticed.
"""

import argparse
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from rich.markup import escape

from harness.console import ProgressStep, expected_errors, out
from harness.errors import HarnessError
from harness.isolation import isolate
from harness.mutation import plan_campaign
from harness.mutation.contract import Contracts
from harness.mutation.judges import Gate, Specs, empty_folder, source_checks
from harness.mutation.mutants import Mutant, all_mutants, copy_terraform, sample, sources
from harness.mutation.verdict import MutantVerdict
from harness.paths import BUILD
from harness.policy.offline_aws import offline_aws
from harness.results import record
from harness.settings import PLATFORM

REQUIRED = 0.95
"""The share of mutants that something must notice."""

EACH = 2
"""Mutants of each operator by default."""

SEED = 20261122

QUICK = 10
"""Mutants in the default run of nox: one of each of that many operators, from modules that one plan can judge."""

FOLDER = BUILD / "mutate-infra"
_BATCH = 16
_FIRST, _OTHERS = slice(0, 1), slice(1, None)
_ENVIRONMENTS = ("prod", "dev")


@dataclass
class MutantOutcome:
    """The outcome of a run.

    Attributes:
        mutants: The mutants, in order.
        verdicts: Which judge noticed each mutant; mutants that none noticed are not in it.
        seconds: How long the run took.
    """

    mutants: list[Mutant]
    verdicts: dict[Mutant, MutantVerdict] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def survivors(self) -> list[Mutant]:
        """The mutants that nothing noticed."""
        return [mutant for mutant in self.mutants if mutant not in self.verdicts]

    @property
    def stillborn(self) -> list[Mutant]:
        """The mutants that are not valid configurations."""
        return [mutant for mutant, verdict in self._judged() if verdict.is_stillborn]

    @property
    def noticed(self) -> list[Mutant]:
        """The valid mutants that a judge noticed."""
        return [mutant for mutant, verdict in self._judged() if not verdict.is_stillborn]

    @property
    def score(self) -> float:
        """The share of noticed mutants among the valid ones."""
        valid = len(self.noticed) + len(self.survivors)
        return len(self.noticed) / valid if valid else 0.0

    def _judged(self) -> list[tuple[Mutant, MutantVerdict]]:
        return [(mutant, self.verdicts[mutant]) for mutant in self.mutants if mutant in self.verdicts]


class Bench:
    """Creates mutants and shows them to their judges, a batch at a time."""

    def __init__(self, specs: Specs, endpoint: str, origin: Path, progress: "CampaignProgress") -> None:
        self._specs = specs
        self._gate = Gate(endpoint, origin)
        self._contracts = Contracts(origin)
        self._origin = origin
        self._progress = progress
        self._places = threading.local()
        self._numbers = iter(range(1000))
        self._lock = threading.Lock()

    def judge(self, batch: Sequence[Mutant]) -> dict[Mutant, MutantVerdict]:
        """Show mutants to their judges, the cheapest first, each until one notices it."""
        place = self._thread_folder()
        trees = {
            mutant: mutant.write(place / "trees" / str(number), self._origin) for number, mutant in enumerate(batch)
        }
        verdicts: dict[Mutant, MutantVerdict] = {}

        def add(new: Mapping[Mutant, MutantVerdict]) -> None:
            verdicts.update(new)
            self._progress(new, verdicts)

        def remaining(*, small: bool) -> dict[Mutant, Path]:
            """The mutants that nothing has noticed yet; the small ones are in modules that call no other module."""
            others = {"", PLATFORM.platform_module} if small else set()
            return {
                mutant: tree for mutant, tree in trees.items() if mutant not in verdicts and mutant.module not in others
            }

        add({mutant: verdict for mutant, tree in trees.items() if (verdict := source_checks(mutant, tree))})
        for selection in (_FIRST, _OTHERS):
            add(self._specs.judge(remaining(small=True), place / "specs", selection=selection))
        for mutant, tree in remaining(small=False).items():
            verdict = self._at_the_gate(mutant, tree, place / "work")
            add({mutant: verdict} if verdict else {})
        for mutant, tree in remaining(small=False).items():
            if mutant.module:
                add(self._specs.judge({mutant: tree}, place / "specs", module=PLATFORM.platform_module))
        for mutant, tree in remaining(small=True).items():
            add(self._specs.judge({mutant: tree}, place / "specs", thorough=True))
        for mutant, tree in remaining(small=False).items():
            verdict = self._contracts.judge(tree, place)
            add({mutant: verdict} if verdict else {})
        self._progress(remaining(small=False), verdicts)
        return verdicts

    def _at_the_gate(self, mutant: Mutant, tree: Path, work: Path) -> MutantVerdict | None:
        """Plan a live folder's mutant in that folder, a module's mutant in both: prod, with more resources, first."""
        environment = mutant.folder.removeprefix("live/") if mutant.folder.startswith("live/") else ""
        for name in [environment] if environment else _ENVIRONMENTS:
            verdict = self._gate.judge(tree, name, work)
            if verdict:
                return verdict
        return None

    def _thread_folder(self) -> Path:
        """This thread's folder: threads must not share Terraform's data."""
        if not hasattr(self._places, "place"):
            with self._lock:
                self._places.place = empty_folder(FOLDER / str(next(self._numbers)))
        place: Path = self._places.place
        return place


class CampaignProgress:
    """Prints each mutant when it has been judged."""

    def __init__(self, step: ProgressStep, total: int) -> None:
        self._step = step
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    def __call__(self, batch: Iterable[Mutant], verdicts: Mapping[Mutant, MutantVerdict]) -> None:
        """Print some mutants, with their verdicts."""
        with self._lock:
            for mutant in batch:
                self._done += 1
                verdict = verdicts.get(mutant)
                if verdict is None:
                    out.print(f"[red]survived[/]  {escape(str(mutant))}")
                elif verdict.is_stillborn:
                    out.print(f"[yellow]stillborn[/] {escape(mutant.name)}: {escape(verdict.message)}")
                else:
                    out.print(f"[dim]{verdict.judge:<9} {escape(mutant.name)}: {escape(verdict.message[:160])}[/]")
            self._step.advance_to(self._done, self._total)


def run(mutants: Sequence[Mutant], origin: Path, *, workers: int) -> MutantOutcome:
    """Judge mutants, several batches in parallel.

    Args:
        mutants: The mutants to judge.
        origin: The Terraform that they were created from.
        workers: How many batches at a time; most of the time is Terraform's.
    """
    started = time.monotonic()
    outcome = MutantOutcome(list(mutants))
    by_module = sorted(mutants, key=lambda mutant: (mutant.folder, mutant.name))
    batches = [by_module[at : at + _BATCH] for at in range(0, len(by_module), _BATCH)]
    with (
        offline_aws() as endpoint,
        ProgressStep(f"Judge {len(mutants)} mutants") as step,
        ThreadPoolExecutor(max_workers=workers) as pool,
    ):
        bench = Bench(Specs(), endpoint, origin, CampaignProgress(step, len(mutants)))
        for verdicts in pool.map(bench.judge, batches):
            outcome.verdicts |= verdicts
    outcome.seconds = time.monotonic() - started
    return outcome


def figures(outcome: MutantOutcome, *, seed: int, possible: int) -> dict[str, object]:
    """The figures of a run, for ``build/results/mutate-infra.json``."""
    judges = Counter(verdict.judge for verdict in outcome.verdicts.values())
    categories = {
        category: {
            "mutants": len(mutants := [mutant for mutant in outcome.mutants if mutant.category == category]),
            "noticed": sum(mutant in outcome.verdicts for mutant in mutants),
        }
        for category in sorted({mutant.category for mutant in outcome.mutants})
    }
    return {
        "seed": seed,
        "possible": possible,
        "mutants": len(outcome.mutants),
        "noticed_by": dict(sorted(judges.items())),
        "categories": categories,
        "score": round(outcome.score, 4),
        "seconds": round(outcome.seconds, 1),
        "seconds_per_mutant": round(outcome.seconds / max(1, len(outcome.mutants)), 2),
        "survivors": [_record(mutant) for mutant in outcome.survivors],
        "stillborn": [_record(mutant, outcome.verdicts[mutant]) for mutant in outcome.stillborn],
        "noticed": [_record(mutant, outcome.verdicts[mutant]) for mutant in outcome.noticed],
    }


def _record(mutant: Mutant, verdict: MutantVerdict | None = None) -> dict[str, object]:
    judgement = {"by": verdict.judge, "message": verdict.message} if verdict else {}
    return {
        "mutant": mutant.name,
        "category": mutant.category,
        "file": mutant.edit.file,
        "line": mutant.edit.line,
        "before": mutant.edit.before,
        "after": mutant.edit.after,
        **judgement,
    }


def check(outcome: MutantOutcome, *, required: float) -> None:
    """Print a run's score, and compare it with the required one.

    Raises:
        HarnessError: Too few mutants were noticed, or a mutant is not a valid configuration.
    """
    score, survivors = outcome.score, outcome.survivors
    out.print(
        f"{len(outcome.mutants)} mutants, {len(survivors)} survivors: "
        f"{score:.1%} noticed, {outcome.seconds / max(1, len(outcome.mutants)):.1f} s each."
    )
    if outcome.stillborn:
        raise HarnessError(
            f"{len(outcome.stillborn)} mutants are not valid configurations: {outcome.stillborn[0].name}.",
            remedy="They prove nothing: fix their operator in harness/mutation/operators.toml.",
        )
    if score < required:
        raise HarnessError(
            f"{score:.1%} of the mutants were noticed, {required:.0%} are required; first survivor: {survivors[0]}",
            remedy="Write the spec or the rule that notices it; build/results/mutate-infra.json lists all survivors.",
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./noxw -s mutate-infra --", description=__doc__, allow_abbrev=False)
    parser.add_argument("--seed", type=int, default=SEED, help=f"decides which mutants are chosen (default: {SEED})")
    parser.add_argument("--each", type=int, default=EACH, help=f"mutants of each operator (default: {EACH})")
    parser.add_argument("--all", action="store_true", help="every possible mutant")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} mutants of modules; all of them must be noticed")
    parser.add_argument("--only", default="*", help="mutants whose name matches a pattern with * and ?")
    parser.add_argument("--workers", type=int, default=max(2, os.cpu_count() or 2), help="parallel batches")
    parser.add_argument("--generated", action="store_true", help="only the generated mutants of production's plan")
    parser.add_argument("--page", action="store_true", help="with --generated: write docs/mutation.md")
    parser.add_argument("--list", action="store_true", help="list the mutants, and judge none")
    options = parser.parse_args(arguments)
    isolate(os.environ)
    session = os.environ.get("HARNESS_SESSION", "mutate-infra")
    with expected_errors():
        if options.generated:
            record(session, {"generated": plan_campaign.run(write=options.page).figures()})
            return
        origin = copy_terraform(FOLDER / "origin")  # edits during the run are for the next run
        possible = all_mutants(sources(origin))
        each = None if options.all else 1 if options.quick else options.each
        mutants = sample(possible, seed=options.seed, each=each, pattern=options.only)
        if options.quick:
            small = [mutant for mutant in mutants if mutant.module not in {"", PLATFORM.platform_module}]
            mutants = sample(small, seed=options.seed, each=1)[:: max(1, len(small) // QUICK)][:QUICK]
        if options.list:
            for mutant in mutants:
                out.print(escape(str(mutant)))
            return
        outcome = run(mutants, origin, workers=options.workers)
        generated = plan_campaign.run(sample=plan_campaign.SAMPLE if options.quick else 0)
        body = {**figures(outcome, seed=options.seed, possible=len(possible)), "generated": generated.figures()}
        record(session, body)
        check(outcome, required=1.0 if options.quick else REQUIRED)
