"""The matrix of updates in place: which arguments can be updated, and what a running stack makes of it.

1. *Which.* One plan without refresh has a copy of the resource for each candidate. It shows which candidates the
   provider rejects, which would replace the resource, and which update it.
2. *What of it.* Step by step each resource gets the next of its updates, and those before are changed back. A step is
   one apply of all resources. After it a plan from the state *before* the step shows whether the changes are on the
   engine: its refresh has to bring the new values, and then nothing is left to do.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from harness.console import ProgressStep
from harness.terraform.plan import TerraformPlan
from harness.terraform.run import Terraform, TerraformError
from tests.updates.candidates import Candidate
from tests.updates.literal import FlatRoot, LiteralResource

_AT_ONCE = 6
"""Arguments of a resource that are changed at once."""

_PARALLEL = ("-parallelism=30",)


class Outcome(Enum):
    """What became of an update."""

    UPDATED = "updated, and read back"
    UNREAD = "updated; the provider does not read it back"
    FAILED = "failed"
    NOT_STORED = "the engine has another value afterwards"
    NOT_CHANGED_BACK = "could not be changed back"


@dataclass
class Result:
    """The result of an update.

    Attributes:
        update: The update.
        outcome: What became of it.
        message: More about a failure.
    """

    update: Candidate
    outcome: Outcome
    message: str = ""

    @property
    def works(self) -> bool:
        """Whether the engine did what AWS does."""
        return self.outcome in (Outcome.UPDATED, Outcome.UNREAD)

    def __str__(self) -> str:
        return f"{self.update.name} = {json.dumps(self.update.value)[:200]}: {self.outcome.value}. {self.message}"


def updates_in_place(terraform: Terraform, root: FlatRoot, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that update a resource; of each argument and resource the first such value.

    Raises:
        TerraformError: A plan failed for another reason than a candidate.
    """
    copies = {f"c{number}": candidate for number, candidate in enumerate(candidates)}
    plan = _accepted(terraform, root, copies)
    found: dict[tuple[str, str], Candidate] = {}
    for change in plan.resources:
        candidate = copies[change.name]
        expected = {candidate.path[0], "tags_all", *_computed(change.after_unknown)}
        if change.actions == ("update",) and set(change.changed()) <= expected:
            found.setdefault((candidate.resource.name, candidate.argument), candidate)
    return [*found.values()]


def _computed(unknown: Any) -> set[str]:
    return {name for name, value in unknown.items() if value} if isinstance(unknown, Mapping) else set()


def _accepted(terraform: Terraform, root: FlatRoot, copies: dict[str, Candidate]) -> TerraformPlan:
    """The plan of all copies that the provider accepts; the others are removed."""
    while True:
        root.write(candidate.changed.named(name) for name, candidate in copies.items())
        root.adopt(candidate.resource.named(name) for name, candidate in copies.items())
        try:
            return terraform.plan(["-refresh=false", *_PARALLEL])
        except TerraformError as error:
            rejected = {root.name_of(each) for each in error.diagnostics if each.severity == "error"}
            if not rejected & copies.keys():
                raise
            for name in rejected:
                copies.pop(name, None)


def spread(updates: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    """Each argument of a type once: the updates of each resource, spread over as few steps as possible."""
    choices: dict[str, list[Candidate]] = defaultdict(list)
    for update in updates:
        choices[update.name].append(update)
    queues: dict[str, list[Candidate]] = defaultdict(list)
    for equal in sorted(choices.values(), key=len):
        chosen = min(equal, key=lambda each: len(queues[each.resource.address]))
        queues[chosen.resource.address].append(chosen)
    return dict(queues)


@dataclass
class Run:
    """The updates of a stack, step by step.

    Attributes:
        terraform: Terraform on the flat root.
        root: The flat root; its state has the resources.
        resources: The resources as they are, by address.
        unread: Arguments that the provider is known not to read back.
        results: The results so far, by argument.
    """

    terraform: Terraform
    root: FlatRoot
    resources: Mapping[str, LiteralResource]
    unread: Container[str] = ()
    results: dict[str, Result] = field(default_factory=dict)

    def begin(self) -> TerraformPlan:
        """Adopt the resources as they are; the plan should be empty."""
        self.root.adopt(self.resources.values())
        return self.base()

    def base(self) -> TerraformPlan:
        """The plan of the root without any update."""
        self.root.write(self.resources.values())
        return self.terraform.plan(_PARALLEL)

    def all(self, queues: Mapping[str, Sequence[Candidate]]) -> dict[str, Result]:
        """Make all updates, and change each back with the next ones.

        Several arguments of a resource are changed at once. If that fails, each of them is tried alone.
        """
        left = {address: list(queue) for address, queue in queues.items()}
        alone: dict[str, list[Candidate]] = defaultdict(list)
        total, back = sum(map(len, left.values())), Step()
        with ProgressStep(f"Update {total} arguments in place") as progress:
            while any(left.values()) or any(alone.values()) or back:
                step = Step({address: taken for address in left if (taken := _next(left[address], alone[address]))})
                for update in self.make(step, back):
                    alone[update.resource.address].append(update)
                back = step
                progress.advance_to(len(self.results), total)
        return self.results

    def make(self, step: "Step", back: "Step") -> list[Candidate]:
        """Make some updates, change the previous ones back, and return those that have to be tried alone."""
        old = self.root.folder / "old.tfstate"
        shutil.copyfile(self.root.state, old)
        errors, dropped = self._apply(step)
        unread = _left(self.terraform.plan([f"-state={old}", *_PARALLEL]))
        surprises = {
            address: names for address, names in unread.items() if self._unexpected(step, back, address, names)
        }
        missing = _left(self.terraform.plan(_PARALLEL)) if surprises else {}
        for address, updates in step.items():
            if address in errors and (len(updates) > 1 or self._failed(back.get(address, ()))):
                dropped += updates  # another of them may be the cause
                continue
            for update in updates:
                self._judge(update, errors.get(address, ""), unread.get(address, ()), missing.get(address, ()))
        for address, updates in back.items():
            again = {update.path[0] for update in step.get(address, ())}
            for update in updates:
                stays = update.path[0] in missing.get(address, ()) or (address in errors and address not in step)
                if stays and update.path[0] not in again:
                    self.results[update.name] = Result(update, Outcome.NOT_CHANGED_BACK, errors.get(address, ""))
        return dropped

    def _failed(self, updates: Iterable[Candidate]) -> bool:
        return any(update.name in self.results and not self.results[update.name].works for update in updates)

    def _unexpected(self, step: "Step", back: "Step", address: str, names: Iterable[str]) -> bool:
        """Whether the refresh did not bring something that the provider should read back."""
        changed = [*step.get(address, ()), *back.get(address, ())]
        known = {update.path[0] for update in changed if update.name in self.unread}
        return bool(set(names) - known)

    def _judge(self, update: Candidate, error: str, unread: Container[str], missing: Container[str]) -> None:
        argument = str(update.path[0])
        if error:
            outcome = Outcome.FAILED
        elif argument in missing:
            outcome = Outcome.NOT_STORED
        else:
            outcome = Outcome.UNREAD if argument in unread else Outcome.UPDATED
        self.results[update.name] = Result(update, outcome, error)

    def _apply(self, step: "Step") -> tuple[dict[str, str], list[Candidate]]:
        """Apply a step.

        Returns:
            The errors by resource, and the updates that cannot even be planned together; the step no longer has them.
        """
        dropped: list[Candidate] = []
        while True:
            self.root.write(step.applied_to(self.resources).values())
            errors, planned = self._try()
            together = [address for address in errors if not planned and len(step.get(address, ())) > 1]
            if not together:
                return errors, dropped
            for address in together:
                dropped += step.pop(address)

    def _try(self) -> tuple[dict[str, str], bool]:
        """Apply once; the errors by resource, and whether there was a plan."""
        begun: set[str] = set()
        try:
            self.terraform.apply(
                options=["-refresh=false", *_PARALLEL],
                deadline_s=900,
                on_event=lambda event: begun.add(event.type),
            )
        except TerraformError as error:
            errors = [each for each in error.diagnostics if each.severity == "error"]
            if not errors or not all(each.address for each in errors):
                raise
            texts = {each.address: f"{each.summary} {each.detail}".replace("\n", " ")[:600] for each in errors}
            return texts, "apply_start" in begun
        return {}, True


class Step(dict[str, list[Candidate]]):
    """The updates of one apply, by resource."""

    def applied_to(self, resources: Mapping[str, LiteralResource]) -> dict[str, LiteralResource]:
        """The resources with these updates."""
        changed = dict(resources)
        for address, updates in self.items():
            for update in updates:
                changed[address] = changed[address].with_value(update.path, update.value)
        return changed


def _next(queue: list[Candidate], alone: list[Candidate]) -> list[Candidate]:
    """Take the next updates of a resource: of several arguments, or one that has to be tried alone."""
    if not queue:
        return [alone.pop(0)] if alone else []
    taken: list[Candidate] = []
    for update in list(queue):
        if len(taken) < _AT_ONCE and update.path[0] not in {each.path[0] for each in taken}:
            taken.append(update)
            queue.remove(update)
    return taken


def _left(plan: TerraformPlan) -> dict[str, list[str]]:
    """The arguments that a plan changes, by resource."""
    return {change.address: change.changed() for change in plan.resources if change.is_change}
