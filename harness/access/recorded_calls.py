"""The committed list of what each function does on AWS, compared with every run of tests that records it.

``tests/contract/recorded_calls.yaml`` has one row for each kind of request: function, call, action, resource, and the
condition keys that a policy may check. Each row names the run that has to see it again: the unit tests if they do, else
the end-to-end tests. A request that is not on the list makes its run fail. So does a row that its run, if complete, has
not seen. The list is therefore as current as the last green run of both, and contract tests can use it without them.

``./noxw -s docs`` writes the list from the last runs of both, once these are complete and green.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.plan.evaluate import AccessRequest, Value

LIST = ROOT / "tests" / "contract" / "recorded_calls.yaml"
RUNS = ("unit", "e2e")
"""The runs that record, the cheapest first."""

_HEAD = """\
# What each function does on AWS, as seen in tests: written by `./noxw -s unit e2e docs`; see docs/iam.md.
# run: the tests that have to see it again.
"""


@dataclass(frozen=True, order=True)
class RecordedCall:
    """One kind of request of one function.

    Attributes:
        function: Its short name.
        call: The call of boto3 that needs it.
        action: The action that it needs.
        resource: The action's resource, with ``{environment}``, ``{account}``, ``{region}``.
        keys: The condition keys that a policy may check: (key, value) pairs.
        run: The run that has to see it.
    """

    function: str
    call: str
    action: str
    resource: str
    keys: tuple[tuple[str, Value], ...] = ()
    run: str = field(default="", compare=False)

    @property
    def request(self) -> AccessRequest:
        """The request, with placeholders for an environment's names; see `harness.access.kinds.Kinds.filled`."""
        return AccessRequest(self.action, self.resource, dict(self.keys))

    def __str__(self) -> str:
        return f"{self.function}: {self.call} needs {self.request}"

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "RecordedCall":
        """Read a row of the list, or a line that a run wrote."""
        fields = dict(body)
        keys = fields.pop("context", {})
        pairs = tuple(
            (name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(keys.items())
        )
        return cls(**fields, keys=pairs)


def folder(run: str) -> Path:
    """The folder in which a run's processes record their calls."""
    return BUILD / "iam" / run


def complete_mark(run: str) -> Path:
    """The file that marks the last run as complete and green, so that the list can be written from its calls."""
    return folder(run) / "complete"


def load(path: Path = LIST) -> list[RecordedCall]:
    """Read the list.

    Raises:
        HarnessError: It is missing or invalid.
    """
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [RecordedCall.of({"function": function, **row}) for function, rows in body.items() for row in rows]
    except (OSError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise HarnessError(
            f"{path.name} cannot be read: {error}", remedy="To write it again: ./noxw -s unit e2e docs"
        ) from None


def save(rows: Iterable[RecordedCall], path: Path = LIST) -> None:
    """Write the list."""
    lines, last = [_HEAD], ""
    for row in sorted(rows):
        if row.function != last:
            lines.append(f"\n{row.function}:")
            last = row.function
        body: dict[str, Any] = {"call": row.call, "action": row.action, "resource": row.resource}
        if row.keys:
            body["context"] = {name: list(value) if isinstance(value, tuple) else value for name, value in row.keys}
        lines.append(f"  - {json.dumps({**body, 'run': row.run})}")
    path.write_text("\n".join(lines).replace("\n\n\n", "\n\n") + "\n", encoding="utf-8")


def seen_calls(run: str) -> list[RecordedCall]:
    """The calls that a run recorded.

    Raises:
        HarnessError: The permissions of a call are not in the table.
    """
    calls: set[RecordedCall] = set()
    for file in sorted(folder(run).glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            body = json.loads(line)
            if "unmapped" in body:
                raise HarnessError(f"{body['function']} calls {body['call']}.", remedy=body["unmapped"])
            calls.add(RecordedCall.of({**body, "run": run}))
    return sorted(calls)


def seen_elsewhere(run: str) -> dict[RecordedCall, str]:
    """The calls that the last runs of the other tests recorded, complete or not, each with its run."""
    return {call: other for other in RUNS if other != run for call in seen_calls(other)}


def differences(
    listed: Sequence[RecordedCall],
    seen: Sequence[RecordedCall],
    run: str,
    *,
    complete: bool,
    elsewhere: Mapping[RecordedCall, str],
) -> Iterator[str]:
    """The differences between the list and one run.

    Args:
        listed: The list.
        seen: The calls that the run recorded.
        run: Which run it was.
        complete: Whether it ran all of its tests, so that a call which it has not seen is not made there any more.
        elsewhere: The calls that other runs have recorded, each with its run: their grants have to stay.
    """
    fix = "./noxw -s unit e2e docs"
    for row in sorted(set(seen) - set(listed)):
        yield f"new: {row}. Check that it should be made ({LIST.name}), grant it, and record it: {fix}"
    for row in listed:
        if complete and row.run == run and row not in set(seen):
            others = " or ".join(f"`{other}`" for other in RUNS if other != run)
            advice = (
                f"`{elsewhere[row]}` still makes it: keep its grant, and record where it is made"
                if row in elsewhere
                else f"Unless a whole run of {others} makes it, remove its grant too, or test it"
            )
            yield f"not seen any more: {row} (in `{run}`). {advice}: {fix}"


def merged(runs: Mapping[str, Sequence[RecordedCall]]) -> list[RecordedCall]:
    """The list as complete runs see it: each row with the cheapest run that sees it."""
    rows: dict[RecordedCall, RecordedCall] = {}
    for run in RUNS:
        for row in runs[run]:
            rows.setdefault(row, row)
    return sorted(rows.values())
