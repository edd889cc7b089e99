"""What no plan shows is right in the repository, and each thing that can be wrong is told."""

from pathlib import Path

import pytest

from harness.mutation.mutants import all_mutants, sources
from harness.mutation.operators import OPERATORS
from harness.policy.unplanned import faults, faults_of

TOLD = {
    "unencrypted-state": "encrypt is false",
    "unlocked-state": "use_lockfile is false",
    "share-state-with-dev": "the state's key is",
    "drop-account-guard": "nothing would stop an apply in another account",
    "unpin-provider": "required_providers has no aws",
    "any-provider-version": "the provider's version is >= 0",
    "any-terraform-version": "no required_version",
    "undo-autoscaling-at-each-apply": "each apply would undo auto-scaling",
    "downtime-at-each-deployment": "no create_before_destroy",
    "live-without-point-in-time-recovery": "table.point_in_time_recovery is False",
    "live-without-deletion-protection": "deletion_protection is False",
    "live-with-force-destroy": "force_destroy is True",
    "live-without-replication": "replication is False",
    "live-with-one-capacity-unit": "_capacity is ",
    "live-with-short-key-deletion-window": "key_deletion_window_days is 7",
    "live-with-no-concurrency": "lambda_settings.reserved_concurrency is 0",
    "live-with-logs-of-a-day": "logging.retention_days is 1,",
    "rotate-once-in-three-years": "api_key_secret.rotation_days is 1000",
    "delete-secrets-at-once": "api_key_secret.recovery_window_days is 0",
    "any-origin-in-prod": "name origins, and not *",
    "nobody-is-told-in-prod": "alert_emails is []",
    "previews-of-prod": "previews is True",
    "prod-in-another-region": "region is eu-west-1",
    "replicas-in-the-same-region": "replica_region is us-east-1",
    "prod-named-dev": "environment is dev",
}
"""What is said of each of the mutator's edits that a plan does not show."""


def test_the_repository_has_no_such_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize("operator", TOLD)
def test_each_fault_is_told_with_its_place(operator: str, tmp_path: Path) -> None:
    mutants = all_mutants(sources(), [one for one in OPERATORS if one.name == operator])

    for number, mutant in enumerate(mutants):
        found = faults_of(mutant.written(tmp_path / str(number)) / mutant.folder)

        assert len(found) == 1, mutant.name
        assert TOLD[operator] in found[0]
        assert mutant.folder.rpartition("/")[2] in found[0]


def test_neither_indexes_nor_capacity_are_ignored_without_a_word(tmp_path: Path) -> None:
    mutants = [
        one
        for one in all_mutants(sources(), [one for one in OPERATORS if one.name == "drop-condition"])
        if "postcondition" in one.edit.place
    ]
    told = [faults_of(mutant.written(tmp_path / str(number)) / mutant.folder) for number, mutant in enumerate(mutants)]

    assert [[one.partition(": a changed ")[2] or one.partition(": ")[2] for one in some] for some in told] == [
        ["changed indexes are ignored without a word: a postcondition has to compare them."],
        [
            "read_capacity is ignored without a word: a postcondition has to compare it.",
            "write_capacity is ignored without a word: a postcondition has to compare it.",
        ],
    ]
