"""Enforcement of execution roles inside the handlers' processes, because the community edition does not enforce IAM.

It works only while tests watch handlers (``HARNESS_WATCH``, see harness/iam/watch.py). Each process gets a file with
the current policies of its function's role. A hook in the process rejects every call that they do not allow, as AWS
does. The content of the function's zip does not change.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends

_FILE = "role.json"


def variables(role: str, region: str, folder: Path) -> dict[str, str]:
    """The environment variables by which a handler's process is watched and held to its role.

    Args:
        role: The execution role's ARN.
        region: The function's region.
        folder: The process's own folder.

    Returns:
        The variables; none while no tests watch.
    """
    hook, watch = os.environ.get("LAMBDA_HOOK"), os.environ.get("HARNESS_WATCH")
    if not hook or not watch:
        return {}
    account = role.split(":")[4]
    keys = sorted({table.hash_key_attr for table in dynamodb_backends[account][region].tables.values()})
    settings = {"policies": str(folder / _FILE), "account": account, "region": region, "hash_keys": keys}
    return {"HARNESS_WATCH": json.dumps({**json.loads(watch), **settings}), "PYTHONPATH": hook}


def refresh(role: str, environment: Mapping[str, str], folder: Path) -> None:
    """Write the current policies of the role, before an invocation.

    Args:
        role: The execution role's ARN.
        environment: The process's environment, with the result of `variables`.
        folder: The process's own folder.
    """
    if "HARNESS_WATCH" not in environment:
        return
    _, partition, _, _, account, name = role.split(":", 5)
    role_record = iam_backends[account][partition].get_role(name.rpartition("/")[2])
    texts = [*role_record.policies.values(), *(policy.document for policy in role_record.managed_policies.values())]
    draft = folder / f"{_FILE}.new"
    draft.write_text(json.dumps([json.loads(text) for text in texts]), encoding="utf-8")
    draft.replace(folder / _FILE)
