"""Execution roles, enforced where the community edition enforces none: inside the handlers, by the hook of tests.

Only while tests watch handlers (``HARNESS_WATCH``, see harness/iam/watch.py): each process gets a file with the
policies of its function's role as they are at that moment, and refuses what they do not allow as AWS would. What a zip
holds is the same as ever.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends

_FILE = "role.json"


def variables(role: str, region: str, folder: Path) -> dict[str, str]:
    """What a handler's process needs in its environment to be watched, and held to its role.

    Args:
        role: The execution role's ARN.
        region: The function's region.
        folder: The process's own folder.

    Returns:
        Nothing while no tests watch.
    """
    hook, watch = os.environ.get("LAMBDA_HOOK"), os.environ.get("HARNESS_WATCH")
    if not hook or not watch:
        return {}
    account = role.split(":")[4]
    keys = sorted({table.hash_key_attr for table in dynamodb_backends[account][region].tables.values()})
    own = {"policies": str(folder / _FILE), "account": account, "region": region, "hash_keys": keys}
    return {"HARNESS_WATCH": json.dumps({**json.loads(watch), **own}), "PYTHONPATH": hook}


def refresh(role: str, environment: Mapping[str, str], folder: Path) -> None:
    """Write the role's policies as they are now, before an invocation.

    Args:
        role: The execution role's ARN.
        environment: The process's, as `variables` made it.
        folder: The process's own folder.
    """
    if "HARNESS_WATCH" not in environment:
        return
    _, partition, _, _, account, name = role.split(":", 5)
    found = iam_backends[account][partition].get_role(name.rpartition("/")[2])
    texts = [*found.policies.values(), *(one.document for one in found.managed_policies.values())]
    draft = folder / f"{_FILE}.new"
    draft.write_text(json.dumps([json.loads(text) for text in texts]), encoding="utf-8")
    draft.replace(folder / _FILE)
