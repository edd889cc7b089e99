"""The committed list of what each function does on AWS, held against every run that sees functions do it.

``tests/contract/recorded_calls.yaml`` has one row for each kind of request: function, call, action, resource, and what
conditions may ask for. Each row names the run that has to see it again: the unit tests if they do, else the end-to-end
tests. A request that is not on the list makes its run fail; so does a row that the run which it names, run whole, has
not seen. So the list is as fresh as the last green run of both, and needs neither to be read.

``python -m harness.iam record`` writes it from the last runs of both.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.errors import HarnessError
from harness.iam.evaluate import AccessRequest, Value
from harness.paths import BUILD, ROOT

LIST = ROOT / "tests" / "contract" / "recorded_calls.yaml"
RUNS = ("unit", "e2e")
"""The runs that record, the cheapest first."""

_HEAD = """\
# What each function does on AWS, as seen in tests: written by `python -m harness.iam record`; docs/iam.md tells how.
# run: the tests that have to see it again.
"""


@dataclass(frozen=True, order=True)
class RecordedCall:
    """One kind of request of one function.

    Attributes:
        function: Its short name.
        call: The call of boto3 that needs it.
        action: What is needed.
        resource: On what, with ``{environment}``, ``{account}``, ``{region}``.
        keys: What conditions may ask for: (key, value) pairs.
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
        """The request, still without an environment's names; see `harness.iam.kinds.Kinds.filled`."""
        return AccessRequest(self.action, self.resource, dict(self.keys))

    def __str__(self) -> str:
        return f"{self.function}: {self.call} needs {self.request}"

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "RecordedCall":
        """Read a row of the list, or a line of a run."""
        given = dict(body)
        keys = given.pop("context", {})
        pairs = tuple(
            (name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(keys.items())
        )
        return cls(**given, keys=pairs)


def folder(run: str) -> Path:
    """Where a run's processes note their calls."""
    return BUILD / "iam" / run


def whole_mark(run: str) -> Path:
    """The file that says that the last run was whole and green: the list can be made from what it has noted."""
    return folder(run) / "whole"


def load(path: Path = LIST) -> list[RecordedCall]:
    """Read the list.

    Raises:
        HarnessError: It is missing, or something stands in it that does not belong there.
    """
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [RecordedCall.of({"function": function, **row}) for function, rows in body.items() for row in rows]
    except (OSError, yaml.YAMLError, AttributeError, TypeError) as fault:
        raise HarnessError(f"{path.name} cannot be read: {fault}", remedy="python -m harness.iam record") from None


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


def seen(run: str) -> list[RecordedCall]:
    """What a run has noted.

    Raises:
        HarnessError: A call was made of which nobody has written down what it needs.
    """
    found: set[RecordedCall] = set()
    for file in sorted(folder(run).glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            body = json.loads(line)
            if "unmapped" in body:
                raise HarnessError(f"{body['function']} calls {body['call']}.", remedy=body["unmapped"])
            found.add(RecordedCall.of({**body, "run": run}))
    return sorted(found)


def differences(
    listed: Sequence[RecordedCall], found: Sequence[RecordedCall], run: str, *, whole: bool
) -> Iterator[str]:
    """What is wrong with the list, judged by one run.

    Args:
        listed: The list.
        found: What the run has noted.
        run: Which run it was.
        whole: Whether it ran all of its tests, so that what it has not seen is not done any more.
    """
    fix = "python -m harness.iam record"
    for row in sorted(set(found) - set(listed)):
        yield f"new: {row}. Look whether it should ({LIST.name}), grant it, and list it: {fix}"
    for row in listed:
        if whole and row.run == run and row not in set(found):
            yield f"not seen any more: {row}. Take the grant away with it, or test it: {fix}"


def merged(runs: Mapping[str, Sequence[RecordedCall]]) -> list[RecordedCall]:
    """The list that whole runs make: each row with the cheapest run that sees it."""
    found: dict[RecordedCall, RecordedCall] = {}
    for run in RUNS:
        for row in runs[run]:
            found.setdefault(row, row)
    return sorted(found.values())
