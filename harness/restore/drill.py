"""The restore drill: a table on a local engine is filled, damaged as by a bad release, restored, and brought back.

The restores are those of ``./noxw -s restore``. The figures are in ``build/results/restore-drill.json``.
"""

import itertools
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.table import Table

from harness.console import ProgressStep, out
from harness.deploy import smoke
from harness.deploy.deployed import Deployed
from harness.deploy.smoke_access import PlatformAccess
from harness.engine import engine_name
from harness.errors import HarnessError
from harness.restore import run as restoring
from harness.restore.checksum import TableChecksum
from harness.restore.freeze import Freeze
from harness.restore.restoration import Restoration, RestoreRequest, new_name, own_name
from harness.results import record
from harness.stack.deployment import Stack
from harness.stack.ownership import orderly_end, sole_owner

ITEMS = 100_000
"""Items that the table gets."""

DAMAGED = 0.1
"""The share of them that is damaged: half is deleted, half is overwritten."""

_BATCH = 25
"""Writes of one request. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""

_WRITERS = 4

Item = dict[str, Any]


@dataclass
class DrillFigures:
    """What the drill has found.

    Attributes:
        items: Items that it has written.
        checksums: The table's content at each stage.
        restores: The figures of both restores.
        seconds: What each stage took.
        failures: What was not as it should be.
    """

    items: int
    checksums: dict[str, TableChecksum] = field(default_factory=dict)
    restores: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def expect(self, stage: str, other: str, *, equal: bool = True) -> None:
        """Note a failure unless the content of two stages is equal, or differs."""
        if (self.checksums[stage] == self.checksums[other]) != equal:
            verb = "differs from" if equal else "is the same as"
            self.failures.append(
                f"the table {stage} ({self.checksums[stage]}) {verb} the table {other} ({self.checksums[other]})"
            )


class Drill:
    """A drill on one environment.

    Args:
        environment: The live folder's name.
        items: How many items the table gets.
    """

    def __init__(self, environment: str, items: int) -> None:
        self.environment = environment
        self.deployed = Deployed.opened(environment)
        self.dynamodb = self.deployed.client("dynamodb")
        self.figures = DrillFigures(items)

    def run(self) -> None:
        """Fill, damage, restore, and go back."""
        outputs = self.deployed.terraform.output()["stack"]
        original = own_name(self.environment)
        if outputs["table_name"] != original:
            raise HarnessError(
                f"{self.environment} uses {outputs['table_name']}: an earlier restore has not been brought back.",
                remedy=f"Bring it back first: ./noxw -s restore -- {self.environment} --back",
            )
        freeze = Freeze.of(self.deployed.client("lambda"), outputs)
        freeze.begin()
        try:
            moment = self._fill_and_damage(original)
        except BaseException:
            freeze.end()
            raise
        restored = new_name(self.environment, moment)
        self._restore(RestoreRequest(self.environment, moment, restored, "", lambda: True), "restored", "filled")
        self._restore(
            RestoreRequest(self.environment, None, original, original, lambda: True), "brought back", "filled"
        )
        with self._timed("smoke"):
            smoke.run(PlatformAccess.on_engine(Stack.load(self.environment)))

    def _fill_and_damage(self, table: str) -> datetime:
        """Fill the table, wait for the end of the second, and damage it; return the moment between."""
        keys = [key["AttributeName"] for key in self.dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]]
        templates = self._templates(table, keys)
        with self._timed("fill"):
            self._write(table, "Fill the table", seeds(templates, keys[0], self.figures.items))
        self._sum("filled", table)
        moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        time.sleep((moment - datetime.now(UTC)).total_seconds() + 0.01)
        with self._timed("damage"):
            damaged = seeds(templates, keys[0], round(self.figures.items * DAMAGED))
            self._write(table, "Damage it as a bad release would", damages(damaged, keys))
        self._sum("damaged", table)
        self.figures.expect("damaged", "filled", equal=False)
        return moment

    def _templates(self, table: str, keys: list[str]) -> list[Item]:
        """Items that are in every index: what people see."""
        described = self.dynamodb.describe_table(TableName=table)["Table"]
        indexed = {
            key["AttributeName"] for index in described.get("GlobalSecondaryIndexes", []) for key in index["KeySchema"]
        }
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table)
        found = (item for page in pages for item in page["Items"] if item.keys() >= indexed | {*keys})
        templates = list(itertools.islice(found, 100))
        if not templates:
            raise HarnessError(
                f"{table} has nothing that the drill could copy.",
                remedy=f"Let it import the sample first: ./noxw -s up -- --env {self.environment} --detach",
            )
        return templates

    def _restore(self, request: RestoreRequest, stage: str, expected: str) -> None:
        """Restore, and compare what was restored before anything uses it."""
        out.rule(f"{stage}: {request.name}")
        with self._timed(stage):
            restoration = Restoration(request, self.deployed)
            self.figures.restores.append(
                restoring.carry_out(
                    restoration, lambda: self._sum(stage, request.name), settled=bool(self.figures.restores)
                )
            )
        self.figures.expect(stage, expected)

    def _write(self, table: str, title: str, requests: Iterable[Item]) -> None:
        """Write everything, some requests at a time, in the order of the items."""
        done = 0
        with ProgressStep(title) as step, ThreadPoolExecutor(_WRITERS) as pool:
            for group in _batches(_batches(requests, _BATCH), 10 * _WRITERS):
                for _ in pool.map(lambda batch: self._write_batch(table, batch), group):
                    pass
                done += sum(map(len, group))
                step.advance_to(done, note="items")
            step.conclude(f"{done} items")

    def _write_batch(self, table: str, batch: list[Item]) -> None:
        left: dict[str, list[Item]] = {table: batch}
        while left:
            left = self.dynamodb.batch_write_item(RequestItems=left).get("UnprocessedItems", {})

    def _sum(self, stage: str, table: str) -> None:
        with self._timed(f"checksum {stage}"), ProgressStep(f"Checksum of {table}") as step:
            checksum = TableChecksum.of(self.dynamodb, table, lambda items: step.advance_to(items, note="items"))
            self.figures.checksums[stage] = checksum
            step.conclude(str(checksum))

    def _timed(self, stage: str) -> "_Timed":
        return _Timed(self.figures.seconds, stage)


class _Timed:
    def __init__(self, seconds: dict[str, float], stage: str) -> None:
        self._seconds, self._stage, self._started = seconds, stage, 0.0

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._stage] = round(time.monotonic() - self._started, 1)


def seeds(templates: list[Item], key: str, number: int) -> Iterator[Item]:
    """Requests that put copies of the templates under keys of their own, the same ones in each drill."""
    for position, template in zip(range(number), itertools.cycle(templates), strict=False):
        yield {"PutRequest": {"Item": {**template, key: {"S": f"restore-drill-{position:07d}"}}}}


def damages(requests: Iterable[Item], keys: list[str]) -> Iterator[Item]:
    """Requests that delete every second item, and leave nothing of the others but their keys and a wrong attribute."""
    for position, request in enumerate(requests):
        key = {name: request["PutRequest"]["Item"][name] for name in keys}
        if position % 2:
            yield {"DeleteRequest": {"Key": key}}
        else:
            yield {"PutRequest": {"Item": {**key, "damagedBy": {"S": "restore-drill"}}}}


def _batches(members: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(members)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def run(environment: str, items: int) -> None:
    """Run the drill.

    Raises:
        HarnessError: It is not on the embedded engine, a step failed, or the content differs.
    """
    if engine_name() != "embedded":
        raise HarnessError(
            f"The drill damages a table on purpose, and HARNESS_ENGINE is {engine_name()!r}.",
            remedy="Unset it: the drill runs on the embedded engine only.",
        )
    started = time.monotonic()
    with orderly_end(), sole_owner():
        drill = Drill(environment, items)
        try:
            drill.run()
        except HarnessError as error:
            drill.figures.failures.append(error.what)
            raise
        finally:
            _record(drill, time.monotonic() - started)
    show(drill.figures)
    if drill.figures.failures:
        raise HarnessError(f"The drill failed: {drill.figures.failures[0]}.", remedy="Keep the stack, and compare.")
    out.print(f"The table keeps the drill's {items} items: ./noxw -s down deletes them with the engine.")


def _record(drill: Drill, seconds: float) -> None:
    figures = drill.figures
    record(
        "restore-drill",
        {
            "environment": drill.environment,
            "items": figures.items,
            "checksums": {stage: vars(checksum) for stage, checksum in figures.checksums.items()},
            "restores": figures.restores,
            "stages": figures.seconds,
            "failures": figures.failures,
            "seconds": round(seconds, 1),
        },
    )


def show(figures: DrillFigures) -> None:
    """Print the content of the table at each stage."""
    table = Table("The table", "Items", "Checksum")
    for stage, checksum in figures.checksums.items():
        table.add_row(stage, str(checksum.items), checksum.sha256[:16])
    out.print(table)
