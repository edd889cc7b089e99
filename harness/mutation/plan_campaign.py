"""The generated mutants of production's plan: the run, its score and its page, docs/mutation.md.

``python -m harness.mutation --generated``. The plan is made once; each mutant is a change of its document, which takes
some hundredths of a second to judge.
"""

import random
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rich.markup import escape

from harness.console import ProgressStep, out
from harness.errors import HarnessError
from harness.mutation import harmless, provider_schema
from harness.mutation.generated import GeneratedMutant, generate
from harness.mutation.plan_judge import By, Judgement, PlanJudge
from harness.paths import ROOT
from harness.plan.graph import PlanGraph
from harness.policy.plans import stored_plan

REQUIRED = 0.95
"""The share of mutants that a rule or a written value must notice; harmless and invalid ones do not count."""

BY_RULES = 0.95
"""The share that the rules alone must notice."""

SAMPLE = 100
"""The mutants of the default run."""

SEED = 20261129
PAGE = ROOT / "docs" / "mutation.md"
_LIVE = ROOT / "live" / "prod"


@dataclass(frozen=True)
class PlanScore:
    """The outcome of a run.

    Attributes:
        judgements: What became of each mutant.
        seconds: The processor time of the run; a busy machine takes longer.
    """

    judgements: Mapping[GeneratedMutant, Judgement]
    seconds: float = 0.0

    def number(self, by: By) -> int:
        """How many mutants came to an end."""
        return sum(judgement.by is by for judgement in self.judgements.values())

    def of(self, by: By) -> list[GeneratedMutant]:
        """The mutants that came to an end."""
        return [mutant for mutant, judgement in self.judgements.items() if judgement.by is by]

    @property
    def harmful(self) -> int:
        """The mutants that something should notice."""
        return self.number(By.RULE) + self.number(By.WRITTEN) + self.number(By.SURVIVED)

    @property
    def by_rules(self) -> float:
        """The share that rules notice."""
        return self.number(By.RULE) / self.harmful if self.harmful else 0.0

    @property
    def noticed(self) -> float:
        """The share that rules or written values notice."""
        return 1 - self.number(By.SURVIVED) / self.harmful if self.harmful else 0.0

    @property
    def unused(self) -> list[str]:
        """Rows of the harmless that excuse none of these mutants."""
        used = {id(harmless.row_for(mutant)) for mutant in self.of(By.HARMLESS)}
        rows = [row for entries in harmless.table().values() for row in entries]
        return [f"{row.type} {row.argument}" for row in rows if id(row) not in used]

    def figures(self) -> dict[str, object]:
        """For ``build/results/``."""
        return {
            "mutants": len(self.judgements),
            **{by.value.replace(" ", "_"): self.number(by) for by in By},
            "rules_alone": round(self.by_rules, 4),
            "rules_or_written_values": round(self.noticed, 4),
            "survivors": [mutant.name for mutant in self.of(By.SURVIVED)],
            "seconds": round(self.seconds, 1),
        }

    def __str__(self) -> str:
        return (
            f"{len(self.judgements)} generated mutants: {self.number(By.INVALID)} that AWS would reject, "
            f"{self.number(By.HARMLESS)} harmless, {self.harmful} others. Rules notice {self.number(By.RULE)} of these "
            f"({self.by_rules:.1%}), written values {self.number(By.WRITTEN)} more ({self.noticed:.1%}), "
            f"nothing {self.number(By.SURVIVED)}; {self.seconds:.0f} s of processor time."
        )


def production() -> PlanGraph:
    """Production's plan, stored until its sources change."""
    return stored_plan(_LIVE).planned


def mutants_of(plan: PlanGraph, *, seed: int = SEED) -> list[GeneratedMutant]:
    """All mutants of a plan."""
    types = {resource.type for resource in plan.resources if not resource.data}
    return generate(plan, provider_schema.schemas(types), seed=seed)


def judged(plan: PlanGraph, mutants: Sequence[GeneratedMutant], *, without: Collection[str] = ()) -> PlanScore:
    """Judge mutants.

    Args:
        plan: The plan that they are of.
        mutants: The mutants.
        without: Rules that do not judge, to show that they are missed.
    """
    started = time.process_time()
    judge = PlanJudge(plan, without)
    with ProgressStep(f"Judge {len(mutants)} generated mutants") as step:
        judgements = {}
        for number, mutant in enumerate(mutants, 1):
            judgements[mutant] = judge.judge(mutant)
            step.advance_to(number, len(mutants))
    return PlanScore(judgements, time.process_time() - started)


def check(score: PlanScore, *, whole: bool) -> None:
    """Print a score, and compare it with the required ones.

    Args:
        score: The score.
        whole: Whether all mutants were judged; a sample is too small for the share of the rules.

    Raises:
        HarnessError: Too few were noticed, or a row of the harmless is not needed.
    """
    out.print(escape(str(score)))
    for mutant in score.of(By.SURVIVED):
        out.print(f"[red]survived[/]  {escape(mutant.name)}")
    if score.noticed < REQUIRED:
        raise HarnessError(
            f"Only {score.noticed:.1%} of the harmful mutants were noticed, {REQUIRED:.0%} are required.",
            remedy="Add a row to policy/values.toml, a rule or a spec; or a row to harness/mutation/harmless.toml.",
        )
    if whole and score.by_rules < BY_RULES:
        raise HarnessError(
            f"The rules alone noticed {score.by_rules:.1%} of the harmful mutants, {BY_RULES:.0%} are required.",
            remedy="Add a row to policy/values.toml, or a rule: specs do not see what a live folder says.",
        )
    if whole and score.unused:
        raise HarnessError(
            f"{harmless.TABLE.name} has rows that excuse nothing: {', '.join(score.unused)}.", remedy="Delete them."
        )


def run(*, sample: int = 0, seed: int = SEED, write: bool = False) -> PlanScore:
    """Judge the mutants of production's plan.

    Args:
        sample: How many of them; 0 for all.
        seed: Decides which instances are changed, and which mutants a sample has.
        write: Whether to write the page.

    Raises:
        HarnessError: The score is too low, or Terraform cannot plan production.
    """
    plan = production()
    mutants = mutants_of(plan, seed=seed)
    chosen = random.Random(seed).sample(mutants, min(sample, len(mutants))) if sample else mutants  # noqa: S311
    score = judged(plan, chosen)
    if write:
        PAGE.write_text(page(score), encoding="utf-8")
    check(score, whole=not sample)
    return score


_HEAD = """# Mutants of the plan

Written by `./noxw -s mutate-infra -- --generated --page`, with that run's figures.

Production's plan is changed in one argument at a time, and the policy gate has to notice. The changes are generated
from the provider's schema, for one instance of each planned block: every boolean turned round, every enumeration
given each of its other values (as AWS's models have them), every number made 0, 1, ten times as much and a tenth,
every list and map emptied, every optional argument and block taken away, and each that is not set, set. Values known
only after the apply are taken away, too.

Each argument that is known, and each block, is left open until the apply once (`harness/mutation/open_values.py`), as
an expression leaves it that reads an id which AWS has not chosen yet: `CKV_INV_904` has to notice, or a rule that
misses the value. Blocks that the provider leaves open anyway are not changed: of them `CKV_INV_009` accepts no
`dynamic` block.

Texts are changed as what they are (`harness/mutation/texts.py`): of each policy a statement, action, resource,
principal or condition is dropped, widened, reversed or given to a stranger; of each event pattern a field is dropped,
opened or narrowed; preflights let in everybody or nobody, and access logs hold the key. A policy whose text is known
only after the apply is not changed. Other texts, such as descriptions, are not either.

What becomes of a mutant:

| outcome | means | mutants |
|---|---|---|
"""

_MEANINGS = {
    By.INVALID: "only `CKV_INV_901` finds it: AWS rejects the value, so it proves nothing. Not in the score",
    By.HARMLESS: "no rule finds it, and `harness/mutation/harmless.toml` says why it does no harm. Not in the score",
    By.RULE: "a rule of the gate finds it in the plan",
    By.WRITTEN: "no rule finds it, but a spec in `tests/plan` expects a value of this argument of this block. So the "
    "edit of the module fails `plan`; an edit of a live folder's values would not",
    By.SURVIVED: "nothing notices it",
}


def page(score: PlanScore) -> str:
    """The page."""
    rows = "".join(f"| {by.value} | {meaning} | {score.number(by)} |\n" for by, meaning in _MEANINGS.items())
    shares = (
        f"\n**Rules alone: {score.by_rules:.1%}** of the {score.harmful} that are neither invalid nor harmless "
        f"({BY_RULES:.0%} required). **Rules or written values: {score.noticed:.1%}** ({REQUIRED:.0%} required).\n"
        f"The default run judges {SAMPLE} of all. All of them take {score.seconds:.0f} s of one processor.\n"
    )
    return (
        _HEAD + rows + shares + _listed("Survivors", score, By.SURVIVED) + _listed("By specs only", score, By.WRITTEN)
    )


def _listed(title: str, score: PlanScore, by: By) -> str:
    counts = Counter((mutant.type, mutant.argument) for mutant in score.of(by))
    names = [f"- `{kind}` `{argument}`: {number}" for (kind, argument), number in sorted(counts.items())]
    return f"\n## {title}\n\n" + ("\n".join(names) or "None.") + "\n"
