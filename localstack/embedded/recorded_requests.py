"""IAM: the requests that the engine authorizes, written down for the proof of who needs which permission."""

import json
import os
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator

from emulation.patch import patches

FILE = os.environ.get("EMBEDDED_REQUESTS", "")
"""The file to append to, one JSON object per line; nothing is recorded without it."""


@patches(iam_evaluator, "enforce", needed=None)
def recorded_requests(original: Any) -> Any:
    """With `EMBEDDED_REQUESTS`, every request that IAM authorizes is recorded: who, action, resource, condition keys.

    AWS: CloudTrail records calls, without the resources and the condition keys that IAM evaluated.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
    MiniStack: evaluates a request, also one of the root user, by one function for each of its actions and resources.
    """
    if not FILE:
        return original

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        rejection = original(access_key_id, iam_action, service, region, resource_arn, service_context)
        row = {
            "key": "root" if iam_evaluator.is_root_access_key(access_key_id) else access_key_id,
            "action": iam_action,
            "resource": resource_arn,
            "region": region,
            "context": {name.lower(): value for name, value in (service_context or {}).items() if value},
            "allowed": rejection is None,
        }
        with Path(FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, default=sorted) + "\n")
        return rejection

    return enforce
