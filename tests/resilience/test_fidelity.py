"""The account in memory answers as moto does under the whole of botocore: without faults, and with some.

The two differ in ids alone: versions of objects have other names, and what is computed from them differs, too.
"""

import random
import re
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from moto import mock_aws

from tests.resilience.faults import Fault
from tests.resilience.memory.account import Memory
from tests.resilience.on_moto import Moto
from tests.resilience.runs import Run, differences, run
from tests.resilience.scenarios import SCENARIOS
from tests.resilience.world import SEED, world

IDS = re.compile(r"[0-9a-f]{64}|\b[0-9a-f]{32}\b|(?<=\.)[0-9a-f]{12}(?=\.csv)|(?<=@)[\w-]+$")
VERSION = re.compile(r', "versionId": "[^"]*"')  # in an event, which is a text
FAULTY = 10
"""Runs with one fault each; moto takes a third of a second for one."""


def without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        parts = {name: part for name, part in value.items() if not _names_a_version(name, part)}
        pairs = sorted((str(without_ids(name)), repr(part), part) for name, part in parts.items())
        return {f"{number} {name}": without_ids(part) for number, (name, _, part) in enumerate(pairs)}
    if isinstance(value, list | tuple):
        return sorted(map(without_ids, value), key=repr)
    return IDS.sub("<id>", VERSION.sub("", value)) if isinstance(value, str) else value


def _names_a_version(name: str, part: Any) -> bool:
    return name == "versionId" or (name == "version" and isinstance(part, str))


def cases() -> Iterator[tuple[str, dict[int, Fault]]]:
    """Every scenario without a fault, and some with one of an early call."""
    yield from ((name, {}) for name in SCENARIOS)
    chance = random.Random(SEED)  # noqa: S311 -- the same cases in each run
    for name in chance.choices([*SCENARIOS], k=FAULTY):
        yield name, {chance.randrange(2 if "upload" not in name else 12): chance.choice([*Fault])}


def runs(kind: type[Memory] | type[Moto]) -> list[Run]:
    with mock_aws() if kind is Moto else nullcontext(), world(kind) as made:
        return [run(made, SCENARIOS[name], faults) for name, faults in cases()]


def test_the_account_in_memory_answers_as_moto_does(figures: dict[str, Any]) -> None:
    in_memory, on_moto = runs(Memory), runs(Moto)

    for (name, faults), one, other in zip(cases(), in_memory, on_moto, strict=True):
        assert [*map(str, one.calls)] == [*map(str, other.calls)], (name, faults)
        assert one.met == other.met, (name, faults)
        assert not [*differences(without_ids(one.state), without_ids(other.state))], (name, faults)
    figures["compared_with_moto"] = len(in_memory)
