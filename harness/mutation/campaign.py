"""The gate's own proof: safeguards are taken away one at a time, and something has to turn red each time.

``python -m harness.mutation`` (``nox -s mutate-infra``) makes mutants of ``modules/`` and ``live/``, shows
each to the plan specs, the gate and the contract tests until one of them notices it, and tells which nobody noticed.
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

from harness.console import Step, expected_errors, out
from harness.engine import isolate
from harness.errors import HarnessError
from harness.mutation.contract import Contracts
from harness.mutation.judges import Gate, Specs, emptied, source_rules
from harness.mutation.mutants import EQUIVALENT, Mutant, all_mutants, copied, equivalents, sampled, sources
from harness.mutation.verdict import Verdict
from harness.paths import BUILD
from harness.policy.offline_aws import offline_aws
from harness.results import record

WANTED = 0.95
"""The share of mutants, equivalent ones left out, that something has to notice."""

EACH = 2
"""Mutants of each operator in a run that does not say otherwise."""

SEED = 20261122

QUICK = 10
"""Mutants in the default run of nox: one of each of so many operators, of those that need one plan only."""

FOLDER = BUILD / "mutate"
_BATCH = 16
_FIRST, _OTHERS = slice(0, 1), slice(1, None)
_ENVIRONMENTS = ("prod", "dev")


@dataclass
class MutantOutcome:
    """What came of a run.

    Attributes:
        verdicts: Who noticed a mutant; mutants that nobody noticed are not in it.
        shown: The mutants, in order.
        seconds: How long it took.
    """

    shown: list[Mutant]
    verdicts: dict[Mutant, Verdict] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def survivors(self) -> list[Mutant]:
        """Those that nobody noticed."""
        return [one for one in self.shown if one not in self.verdicts]

    @property
    def stillborn(self) -> list[Mutant]:
        """Those that are no configuration."""
        return [one for one in self.shown if one in self.verdicts and self.verdicts[one].is_stillborn]

    def score(self, reasons: Mapping[str, str]) -> float:
        """The share of noticed mutants among those that can be noticed."""
        able = [one for one in self.shown if one.name not in reasons and one not in self.stillborn]
        return sum(one in self.verdicts for one in able) / len(able) if able else 0.0


class Bench:
    """Where mutants are made and shown to their judges, several at a time."""

    def __init__(self, specs: Specs, endpoint: str, origin: Path, tell: "Tell") -> None:
        self._specs = specs
        self._gate = Gate(endpoint, origin)
        self._contracts = Contracts(origin)
        self._origin = origin
        self._tell = tell
        self._places = threading.local()
        self._numbers = iter(range(1000))
        self._lock = threading.Lock()

    def judge(self, batch: Sequence[Mutant]) -> dict[Mutant, Verdict]:
        """Show some mutants to their judges, cheapest first, each until one notices it."""
        place = self._own()
        trees = {
            mutant: mutant.written(place / "trees" / str(number), self._origin) for number, mutant in enumerate(batch)
        }
        found: dict[Mutant, Verdict] = {}

        def noticed(verdicts: Mapping[Mutant, Verdict]) -> None:
            found.update(verdicts)
            self._tell(verdicts, found)

        def left(*, small: bool) -> dict[Mutant, Path]:
            """Those that nobody has noticed yet; the small ones are those of a module that calls no other."""
            others = {"", "invoice-platform"} if small else set()
            return {one: tree for one, tree in trees.items() if one not in found and one.module not in others}

        noticed({one: verdict for one, tree in trees.items() if (verdict := source_rules(one, tree))})
        for some in (_FIRST, _OTHERS):
            noticed(self._specs.judge(left(small=True), place / "specs", some=some))
        for mutant, tree in left(small=False).items():
            verdict = self._at_the_gate(mutant, tree, place / "work")
            noticed({mutant: verdict} if verdict else {})
        for mutant, tree in left(small=False).items():
            if mutant.module:
                noticed(self._specs.judge({mutant: tree}, place / "specs", module="invoice-platform"))
        for mutant, tree in left(small=True).items():
            noticed(self._specs.judge({mutant: tree}, place / "specs", thorough=True))
        for mutant, tree in left(small=False).items():
            verdict = self._contracts.judge(tree, place)
            noticed({mutant: verdict} if verdict else {})
        self._tell(left(small=False), found)
        return found

    def _at_the_gate(self, mutant: Mutant, tree: Path, work: Path) -> Verdict | None:
        """A live folder's mutant is planned there; a module's in both, prod first, which has more of everything."""
        environment = mutant.folder.removeprefix("live/") if mutant.folder.startswith("live/") else ""
        for one in [environment] if environment else _ENVIRONMENTS:
            verdict = self._gate.judge(tree, one, work)
            if verdict:
                return verdict
        return None

    def _own(self) -> Path:
        """This thread's own folder: Terraform's data must not be shared."""
        if not hasattr(self._places, "place"):
            with self._lock:
                self._places.place = emptied(FOLDER / str(next(self._numbers)))
        place: Path = self._places.place
        return place


class Tell:
    """Tells of each mutant as it is judged."""

    def __init__(self, step: Step, total: int) -> None:
        self._step = step
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    def __call__(self, batch: Iterable[Mutant], found: Mapping[Mutant, Verdict]) -> None:
        """Some mutants have been judged."""
        with self._lock:
            for mutant in batch:
                self._done += 1
                verdict = found.get(mutant)
                if verdict is None:
                    out.print(f"[red]survived[/]  {escape(str(mutant))}")
                elif verdict.is_stillborn:
                    out.print(f"[yellow]stillborn[/] {escape(mutant.name)}: {escape(verdict.said)}")
                else:
                    out.print(f"[dim]{verdict.judge:<9} {escape(mutant.name)}: {escape(verdict.said[:160])}[/]")
            self._step.advance_to(self._done, self._total)


def run(mutants: Sequence[Mutant], origin: Path, *, workers: int) -> MutantOutcome:
    """Judge mutants, some side by side.

    Args:
        mutants: What to judge.
        origin: What they were made from.
        workers: How many batches at a time; Terraform is what takes the time.
    """
    started = time.monotonic()
    outcome = MutantOutcome(list(mutants))
    by_module = sorted(mutants, key=lambda one: (one.folder, one.name))
    batches = [by_module[at : at + _BATCH] for at in range(0, len(by_module), _BATCH)]
    with (
        offline_aws() as endpoint,
        Step(f"Judge {len(mutants)} mutants") as step,
        ThreadPoolExecutor(max_workers=workers) as pool,
    ):
        bench = Bench(Specs(), endpoint, origin, Tell(step, len(mutants)))
        for found in pool.map(bench.judge, batches):
            outcome.verdicts |= found
    outcome.seconds = time.monotonic() - started
    return outcome


def figures(outcome: MutantOutcome, reasons: Mapping[str, str], *, seed: int, possible: int) -> dict[str, object]:
    """A run for ``build/results/mutate-infra.json``."""
    judges = Counter(outcome.verdicts[one].judge for one in outcome.shown if one in outcome.verdicts)
    categories = {
        category: {
            "mutants": len(some := [one for one in outcome.shown if one.category == category]),
            "noticed": sum(one in outcome.verdicts for one in some),
        }
        for category in sorted({one.category for one in outcome.shown})
    }
    return {
        "seed": seed,
        "possible": possible,
        "mutants": len(outcome.shown),
        "noticed_by": dict(sorted(judges.items())),
        "categories": categories,
        "score": round(outcome.score(reasons), 4),
        "seconds": round(outcome.seconds, 1),
        "seconds_per_mutant": round(outcome.seconds / max(1, len(outcome.shown)), 2),
        "survivors": [_described(one) for one in outcome.survivors if one.name not in reasons],
        "equivalent": [
            {**_described(one), "reason": reasons[one.name]} for one in outcome.survivors if one.name in reasons
        ],
        "stillborn": [_described(one) | {"said": outcome.verdicts[one].said} for one in outcome.stillborn],
        "noticed": [
            _described(one) | {"by": outcome.verdicts[one].judge, "said": outcome.verdicts[one].said}
            for one in outcome.shown
            if one in outcome.verdicts and one not in outcome.stillborn
        ],
    }


def _described(mutant: Mutant) -> dict[str, object]:
    return {
        "mutant": mutant.name,
        "category": mutant.category,
        "file": mutant.edit.file,
        "line": mutant.edit.line,
        "before": mutant.edit.before,
        "after": mutant.edit.after,
    }


def passed(outcome: MutantOutcome, reasons: Mapping[str, str], *, wanted: float) -> None:
    """Tell how it went.

    Raises:
        HarnessError: Too few were noticed, a mutant is no configuration, or a reason is given for one that was noticed.
    """
    score = outcome.score(reasons)
    unused = [one.name for one in outcome.shown if one.name in reasons and one in outcome.verdicts]
    alive = [one for one in outcome.survivors if one.name not in reasons]
    out.print(
        f"{len(outcome.shown)} mutants, {len(alive)} survivors, {len(outcome.survivors) - len(alive)} equivalent: "
        f"{score:.1%} noticed, {outcome.seconds / max(1, len(outcome.shown)):.1f} s each."
    )
    if outcome.stillborn:
        raise HarnessError(
            f"{len(outcome.stillborn)} mutants are no configuration: {outcome.stillborn[0].name}.",
            remedy="They prove nothing: fix their operator in harness/mutation/operators.py.",
        )
    if unused:
        raise HarnessError(
            f"{EQUIVALENT.name} says that nothing can notice {unused[0]!r}, and something did.",
            remedy="Take it out of that file.",
        )
    if score < wanted:
        raise HarnessError(
            f"{score:.1%} of the mutants were noticed, and it has to be {wanted:.0%}; the first survivor is {alive[0]}",
            remedy="Write the spec or the rule that notices it; all survivors are in build/results/mutate-infra.json.",
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./noxw -s mutate-infra --", description=__doc__, allow_abbrev=False)
    parser.add_argument("--seed", type=int, default=SEED, help=f"which mutants (default: {SEED})")
    parser.add_argument("--each", type=int, default=EACH, help=f"how many of each operator (default: {EACH})")
    parser.add_argument("--all", action="store_true", help="every mutant that can be made")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK} mutants of modules, all of which must be noticed"
    )
    parser.add_argument("--only", default="*", help="mutants whose name fits a pattern of * and ?")
    parser.add_argument("--workers", type=int, default=max(2, os.cpu_count() or 2), help="batches at a time")
    parser.add_argument("--list", action="store_true", help="tell the mutants, and judge none")
    chosen = parser.parse_args(arguments)
    isolate(os.environ)
    with expected_errors():
        origin = copied(FOLDER / "origin")  # what is edited meanwhile is for the next run
        possible = all_mutants(sources(origin))
        reasons = equivalents(possible)
        each = None if chosen.all else 1 if chosen.quick else chosen.each
        mutants = sampled(possible, seed=chosen.seed, each=each, pattern=chosen.only)
        if chosen.quick:
            small = [one for one in mutants if one.module not in {"", "invoice-platform"} and one.name not in reasons]
            mutants = sampled(small, seed=chosen.seed, each=1)[:: max(1, len(small) // QUICK)][:QUICK]
        if chosen.list:
            for mutant in mutants:
                out.print(escape(str(mutant)))
            return
        outcome = run(mutants, origin, workers=chosen.workers)
        session = os.environ.get("HARNESS_SESSION", "mutate-infra")
        record(session, figures(outcome, reasons, seed=chosen.seed, possible=len(possible)))
        passed(outcome, reasons, wanted=1.0 if chosen.quick else WANTED)
