"""A damaged table is put back by the commands of the runbook, on a running stack with everything that prod has."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from harness.deploy.smoke_access import PlatformAccess
from harness.docs.runbooks import BlockRun
from harness.stack.snapshot import clone_source
from tests.apply.stage import group
from tests.apply.test_recovery import Recovery, checkout_beside, full_second, wait

pytestmark = [group("restore"), pytest.mark.drill]

INVOICES = 20


@dataclass(frozen=True)
class Restored:
    """What became of a table that was damaged and restored as the runbook says.

    Attributes:
        platform: The platform, with the table as it is now.
        before: The invoices before the damage, as the API returns them.
        damaged: The statuses of the API's responses about them while the table was damaged.
        after: The invoices at the end.
        runs: What the commands have printed.
        figures: What the last restore has written.
        moment: The time that was restored.
    """

    platform: Recovery
    before: list[dict[str, Any]]
    damaged: list[int]
    after: list[dict[str, Any]]
    runs: list[BlockRun]
    figures: dict[str, Any]
    moment: datetime


def damage(platform: Recovery, identities: list[str]) -> None:
    """Delete every second invoice, and overwrite the others, as a bad release would."""
    dynamodb, table = platform.client("dynamodb"), platform.stack.table_name
    for position, identity in enumerate(identities):
        key = {"invoiceId": {"S": identity}}
        if position % 2:
            dynamodb.delete_item(TableName=table, Key=key)
        else:
            dynamodb.put_item(TableName=table, Item={**key, "customerId": {"S": "nobody"}})


def content(platform: Recovery, identities: list[str]) -> list[dict[str, Any]]:
    """The invoices as the API returns them, without the links, which are signed anew each time."""
    return [
        {name: value for name, value in platform.invoice(identity).items() if name != "documentUrl"}
        for identity in identities
    ]


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    with clone_source("prod").clone("restore") as (stack, engine):
        checkout = checkout_beside(engine, stack, tmp_path_factory.mktemp("restore"))
        platform = Recovery(stack, checkout)
        identities = [platform.new_invoice() for _ in range(INVOICES)]
        for identity in identities:
            wait(partial(platform.is_complete, identity), "a decided invoice with its PDF")
        before, moment = content(platform, identities), full_second()
        damage(platform, identities)
        access = PlatformAccess.on_engine(stack)
        damaged = [access.request("GET", f"/invoices/{each}", stack.api_key).status for each in identities]

        runs = replace(checkout, variables={"MOMENT": moment.isoformat()}).types("restore.md")

        figures = json.loads((checkout.root / "build" / "results" / "restore.json").read_text(encoding="utf-8"))
        yield Restored(platform, before, damaged, content(platform, identities), runs, figures, moment)


def test_the_invoices_are_as_they_were_at_that_second(restored: Restored) -> None:
    assert set(restored.damaged) != {200}
    assert restored.after == restored.before


def test_the_table_has_its_own_name_and_terraform_nothing_to_change(restored: Restored) -> None:
    there, _, back, _ = [run.output for run in restored.runs]
    name = f"invoices-{restored.moment:%Y%m%dt%H%M%S}-prod"

    assert f"{name} is in use, and Terraform has nothing to change." in there
    assert "invoices-prod is in use, and Terraform has nothing to change." in back
    assert (restored.figures["source"], restored.figures["target"]) == (name, "invoices-prod")
    assert restored.figures["plan_is_empty"]


def test_what_a_restore_loses_is_put_back(restored: Restored) -> None:
    lost = ["tags", "stream", "time_to_live", "recovery", "deletion_protection", "scaling", "alarms", "readers"]

    assert restored.figures["lost"] == lost
    assert restored.figures["differing"] == []


def test_the_table_in_between_is_left_and_protected(restored: Restored) -> None:
    tables = restored.platform.client("dynamodb")

    table = tables.describe_table(TableName=restored.figures["source"])["Table"]

    assert table["DeletionProtectionEnabled"]
    assert len(tables.list_tables()["TableNames"]) == 2


def test_new_invoices_are_decided_and_drawn_from_the_new_stream(restored: Restored) -> None:
    restored.platform.complete_invoice()


def is_there(s3: Any, bucket: str, key: str) -> bool | None:
    return s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1 or None


def test_documents_are_put_back_from_versions_and_from_the_second_region(restored: Restored) -> None:
    """GIVEN a PDF deleted, one overwritten, one without a version WHEN the runbook is followed THEN all are back."""
    platform = restored.platform
    s3, bucket = platform.client("s3"), platform.stack.documents_bucket
    keys = [platform.key_of(platform.complete_invoice()) for _ in range(3)]
    copy = platform.stack.replica_buckets["documents"]
    for key in keys:
        wait(partial(is_there, s3, copy, key), "the copy")
    before = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
    moment = full_second()
    deleted, overwritten, lost = keys
    s3.delete_object(Bucket=bucket, Key=deleted)
    s3.put_object(Bucket=bucket, Key=overwritten, Body=b"%PDF- of somebody else")
    for version in s3.list_object_versions(Bucket=bucket, Prefix=lost)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=lost, VersionId=version["VersionId"])

    checkout = replace(platform.checkout, variables={"MOMENT": moment.isoformat()})
    listed, _, over = [run.output for run in checkout.types("objects.md")]

    assert "3 differ" in listed
    assert [word for word in ("deleted", "overwritten", "lost") if word not in listed] == []
    assert "Every object is as it was." in over
    assert {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys} == before
