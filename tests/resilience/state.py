"""What a run leaves in the account, in a form in which two runs with the same end are equal."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from invoicing.table.items import decode
from tests.resilience.world import World

BUCKETS = ("uploads", "archives", "documents")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
CONTINUED = "upload-continued"
"""What an upload tells itself. One that is delivered again may go on without it, so it is no result of a run."""
_OF_THE_RUN = {"durationSeconds", "duration_seconds", "parts", "expiresAt", "part", "announced"}
"""What a report or an item of an upload says of its own run. It may differ from the undisturbed run's."""


def state(world: World) -> dict[str, Any]:
    """Everything that a run leaves, without what depends on its moments: times, pauses, repetitions of events."""
    items = {name: _plain(decode(item)) for name, item in world.account.items().items()}
    events = {_text(_plain(_without_id(event))) for event in world.bus if event["detail-type"] != CONTINUED}
    waiting = {record["dynamodb"]["Keys"]["invoiceId"]["S"] for record in world.stream}
    return {
        "items": items,
        "objects": {bucket: _objects(world, bucket) for bucket in BUCKETS},
        "events": sorted(events),
        "answers": [_plain(answer) for answer in world.answers],
        "dead letters": sorted({*world.account.letters}),
        "unhandled": sorted(name for name in waiting if not name.startswith("upload#")),
        "keys": _keys(world),
    }


def _objects(world: World, bucket: str) -> dict[str, Any]:
    """The keys with their contents. A report may be written again; what is issued or archived has one version."""
    objects = world.account.objects(bucket).items()
    return {
        name: {"content": _content(name, versions[-1]), "versions": len(versions) if bucket != "uploads" else None}
        for name, versions in objects
    }


def _keys(world: World) -> Any:
    """The API's keys as the secret and the plan know them. Ids and values are random, so labels stand for them."""
    values, keys = world.account.keys()
    described = [
        {
            "name": key["name"],
            "enabled": key["enabled"],
            "planned": key["planned"],
            "labels": sorted(label for label, value in values.items() if value and value["apiKeyId"] == key["id"]),
            "known": any(value and value["apiKey"] == key["value"] for value in values.values()),
        }
        for key in keys
    ]
    return sorted(described, key=_text), sorted(values)


def _without_id(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "id"}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    """A value without the moments of its run."""
    if isinstance(value, Mapping):
        return {name: _plain(_state(name, part)) for name, part in value.items() if name not in _OF_THE_RUN}
    if isinstance(value, str):
        return _MOMENT.sub("<moment>", value)
    if isinstance(value, Sequence | set):
        return [_plain(part) for part in value]
    return value


def _state(name: str, value: Any) -> Any:
    """The state of an upload is JSON inside its item. Batches that run side by side are written in any order."""
    if name == "heldBy":
        return sorted(value)
    return json.loads(value) if name == "state" and value.startswith("{") else value


def _content(name: str, value: bytes) -> Any:
    if name.endswith(".json"):
        return _plain(json.loads(value))
    return hashlib.sha256(value).hexdigest() if name.endswith(".pdf") else value.decode()
