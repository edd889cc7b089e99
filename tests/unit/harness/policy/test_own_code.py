"""A zip that is uploaded has the digest in its key; of one that was uploaded before, the file may have changed."""

from pathlib import Path

import pytest

from harness.plan.graph import PlanGraph
from harness.policy.own_code import own_code


@pytest.mark.parametrize(("action", "found"), [("create", True), ("no-op", False)])
def test_only_what_is_uploaded_now_is_compared_with_its_file(tmp_path: Path, action: str, *, found: bool) -> None:
    file = tmp_path / "get-invoice.zip"
    file.write_bytes(b"other content")
    values = {"key": f"functions/get-invoice/{'0' * 64}.zip", "source": str(file)}
    change = {"actions": [action], "before": None if action == "create" else values, "after": values}
    uploaded = {"address": "aws_s3_object.code", "mode": "managed", "type": "aws_s3_object", "name": "code"}
    plan = PlanGraph({"format_version": "1.2", "resource_changes": [{**uploaded, "change": change}]}, "dev")

    messages = [message for _, message in own_code(plan)]

    assert any("does not have the digest" in message for message in messages) is found
