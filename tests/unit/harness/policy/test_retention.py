"""Rules on what buckets delete, of a plan that leaves a part of that open."""

from harness.plan.graph import PlanGraph
from harness.policy.judge import RULES
from harness.policy.rule import violations


def test_replaced_versions_that_may_be_deleted_may_leave_delete_markers() -> None:
    """It is open until the apply whether the rule deletes them at all: that is no reason to let it pass."""
    rule = {"id": "versions", "status": "Enabled", "noncurrent_version_expiration": [None]}
    change = {
        "actions": ["create"],
        "before": None,
        "after": {"bucket": "b", "rule": [rule]},
        "after_unknown": {"rule": [{"noncurrent_version_expiration": [True]}]},
    }
    entry = {"mode": "managed", "type": "aws_s3_bucket_lifecycle_configuration", "name": "this", "change": change}
    address = "aws_s3_bucket_lifecycle_configuration.this"
    document = {"format_version": "1.2", "configuration": {"root_module": {}}}
    plan = PlanGraph({**document, "resource_changes": [{**entry, "address": address}]})

    (finding,) = violations(RULES["CKV_INV_632"], plan)

    assert finding.message == 'Its rule "versions" deletes replaced versions and leaves delete markers.'
