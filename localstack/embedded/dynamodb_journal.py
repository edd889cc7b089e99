"""The changes of DynamoDB tables since their point-in-time recovery was enabled, in one file for each table.

A line of a file is one change: its time, the item's key, and the item before it (null if there was none). From the
items as they are and the lines after a time follow the items at that time. Nothing is kept in memory; a write appends
one line.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

Item = dict[str, object]
Items = dict[str, dict[str, Item]]
"""The items of a table: hash key, sort key, item."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Journal:
    """The files of all tables.

    Args:
        folder: Where they are. It is part of the engine's state, so a snapshot has them too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}

    def append(self, table: str, time_ns: int, key: tuple[str, str], before: Item | None) -> None:
        """Record one change.

        Args:
            table: The table's id.
            time_ns: When, in nanoseconds since the epoch.
            key: The item's hash key and sort key.
            before: The item before the change; None if there was none.
        """
        self._file(table).write(_encode([time_ns, *key, before]).encode() + b"\n")

    def before_images(self, table: str, time_ns: int) -> dict[tuple[str, str], Item | None]:
        """The items at a time that have changed since: for each, the item before its first change after that time."""
        images: dict[tuple[str, str], Item | None] = {}
        for changed, hash_key, sort_key, before in self._lines(table):
            if changed > time_ns:
                images.setdefault((hash_key, sort_key), before)
        return images

    def drop(self, table: str) -> None:
        """Forget a table's changes."""
        if file := self._files.pop(table, None):
            file.close()
        self._path(table).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everything."""
        for path in self._folder.glob("*.jsonl"):
            self.drop(path.stem)

    def _path(self, table: str) -> Path:
        return self._folder / f"{table}.jsonl"

    def _file(self, table: str) -> BinaryIO:
        if table not in self._files:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Unbuffered: a change is one write, and a copy of the folder has every change.
            self._files[table] = self._path(table).open("ab", buffering=0)
        return self._files[table]

    def _lines(self, table: str) -> Iterator[tuple[int, str, str, Item | None]]:
        if not self._path(table).exists():
            return
        with self._path(table).open("rb") as lines:
            for line in lines:
                time_ns, hash_key, sort_key, before = json.loads(line)
                yield time_ns, hash_key, sort_key, before


def items_at(current: Mapping[str, Mapping[str, Item]], images: Mapping[tuple[str, str], Item | None]) -> Items:
    """The items at an earlier time.

    Args:
        current: The items as they are. They are shared and not changed, since DynamoDB replaces an item that changes.
        images: What `Journal.before_images` returns for that time.
    """
    items = {hash_key: dict(members) for hash_key, members in current.items()}
    for (hash_key, sort_key), before in images.items():
        if before is not None:
            items.setdefault(hash_key, {})[sort_key] = before
        elif hash_key in items:
            items[hash_key].pop(sort_key, None)
            if not items[hash_key]:
                del items[hash_key]
    return items
