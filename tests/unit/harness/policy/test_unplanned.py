"""What no plan shows is right in the repository, and each mutant that breaks it is found."""

from pathlib import Path

import pytest

from harness.mutation.mutants import all_mutants, sources
from harness.mutation.operators import OPERATORS
from harness.policy.unplanned import problems, problems_of

MESSAGES = {
    "unencrypted-state": "encrypt is false",
    "unlocked-state": "use_lockfile is false",
    "share-state-with-dev": "the state's key is",
    "drop-account-guard": "nothing would stop an apply in another account",
    "unpin-provider": "required_providers has no aws",
    "any-provider-version": "the provider's version is >= 0",
    "any-terraform-version": "no required_version",
    "undo-autoscaling-at-each-apply": "each apply would undo auto-scaling",
    "downtime-at-each-deployment": "no create_before_destroy",
    "live-without-point-in-time-recovery": "table.point_in_time_recovery is false",
    "live-without-deletion-protection": "deletion_protection is false",
    "live-with-force-destroy": "force_destroy is true",
    "live-without-replication": "replication is false",
    "live-with-one-capacity-unit": "_capacity is ",
    "live-with-short-key-deletion-window": "key_deletion_window_days is 7",
    "live-with-no-concurrency": "lambda_settings.reserved_concurrency is 0",
    "live-with-logs-of-a-day": "logging.retention_days is 1,",
    "rotate-once-in-three-years": "api_key_secret.rotation_days is 1000",
    "delete-secrets-at-once": "api_key_secret.recovery_window_days is 0",
    "any-origin-in-prod": "allowed_origins is",
    "nobody-is-told-in-prod": "alert_emails is []",
    "previews-of-prod": "previews is true",
    "prod-in-another-region": 'region is "eu-west-1"',
    "replicas-in-the-same-region": 'replica_region is "us-east-1"',
    "prod-named-dev": 'environment is "dev"',
}
"""Part of the message for each of the mutator's edits that a plan does not show, by operator."""


def test_the_repository_has_no_such_problem() -> None:
    assert problems() == []


@pytest.mark.parametrize("operator", MESSAGES)
def test_each_problem_is_reported_with_its_place(operator: str, tmp_path: Path) -> None:
    mutants = all_mutants(sources(), [candidate for candidate in OPERATORS if candidate.name == operator])

    for number, mutant in enumerate(mutants):
        messages = problems_of(mutant.write(tmp_path / str(number)) / mutant.folder)

        assert len(messages) == 1, mutant.name
        assert MESSAGES[operator] in messages[0]
        assert mutant.folder.rpartition("/")[2] in messages[0]


def test_neither_indexes_nor_capacity_are_ignored_silently(tmp_path: Path) -> None:
    operators = [operator for operator in OPERATORS if operator.name == "drop-condition"]
    mutants = [mutant for mutant in all_mutants(sources(), operators) if "postcondition" in mutant.edit.place]

    found = [problems_of(mutant.write(tmp_path / str(number)) / mutant.folder) for number, mutant in enumerate(mutants)]

    assert [[text.partition(": a changed ")[2] or text.partition(": ")[2] for text in texts] for texts in found] == [
        ["changed indexes are ignored silently: add a postcondition that compares them."],
        [
            "read_capacity is ignored silently: add a postcondition that compares it.",
            "write_capacity is ignored silently: add a postcondition that compares it.",
        ],
    ]


@pytest.mark.parametrize("key", ["Principal", "NotPrincipal"])
def test_the_key_of_a_principal_in_a_policy_is_no_variable(key: str, tmp_path: Path) -> None:
    folder = tmp_path / "modules" / "queue"
    folder.mkdir(parents=True)
    policy = f'policy = jsonencode({{ Statement = [{{ {key} = {{ AWS = "x" }}, Action = "sqs:*" }}] }})'
    (folder / "main.tf").write_text(f'resource "aws_sqs_queue" "q" {{\n  {policy}\n}}\n', encoding="utf-8")
    (folder / "other.tf").write_text('locals {\n  environment = { AWS = "x" }\n}\n', encoding="utf-8")

    found = [problem for problem in problems_of(folder) if "is not a variable that the code reads" in problem]

    assert [problem.partition(": ")[0] for problem in found] == ["queue/other.tf:2"]
