"""Uploads start their function, and nothing that a function writes does."""

import io
from datetime import UTC, datetime
from typing import Any

from harness.contract import triggers
from harness.contract.mismatch import symbol, told
from harness.contract.triggers import Put, Taken
from invoicing.api.openapi import EXAMPLE_REQUEST
from invoicing.documents.bucket import DocumentStore
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import CreateInvoice
from invoicing.uploads.buckets import UploadStore
from invoicing.uploads.report_files import REJECTED
from invoicing.uploads.upload import MAX_KEY, PREFIX, Upload
from tests.contract import sites
from tests.contract.conftest import Environment

NOW = datetime(2026, 11, 22, tzinfo=UTC)

WRITERS = {
    "lambdas/invoicing/documents/bucket.py: DocumentStore.put",
    "lambdas/invoicing/uploads/buckets.py: UploadStore.archive",
    "lambdas/invoicing/uploads/buckets.py: UploadStore.put_rejects",
    "lambdas/invoicing/uploads/buckets.py: UploadStore.put_report",
}
"""What writes to S3; `puts` has each of them write."""

NAMES = (
    "a.csv",
    "folder/b.csv.gz",
    "incoming/c.csv",
    "../incoming/d.csv",
    "/incoming/e.csv",
    "reports/f.csv",
    "ü %2B +.CSV",
    "long/" + "n" * (MAX_KEY - len(PREFIX) - 9) + ".csv",
)
"""What uploads may be called, also by those who mean it ill."""

NO_UPLOADS = ("reports/a.csv", "other/a.csv", "a.csv", "incoming/a.txt", "incoming/a.json")


class _S3:
    """Notes what is written."""

    def __init__(self) -> None:
        self.keys: list[tuple[str, str]] = []

    def put_object(self, Bucket: str, Key: str, **_: Any) -> None:  # noqa: N803 - boto3's names
        self.keys.append((Bucket, Key))

    copy_object = put_object


def puts(live: Environment) -> list[Put]:
    """What the code writes for uploads of all kinds of names."""
    found: list[Put] = []
    uploads, archives = (str(live.outputs[name]) for name in ("uploads_bucket", "archives_bucket"))
    for name in NAMES:
        upload = Upload(uploads, f"{PREFIX}{name}", "e", "0A", "v", 1)
        for writer, arguments in (
            (UploadStore.put_rejects, ("00001-end", io.BytesIO())),
            (UploadStore.put_report, (".json", b"", "application/json")),
            (UploadStore.put_report, (REJECTED, b"", "text/csv")),
            (UploadStore.archive, (NOW,)),
        ):
            s3 = _S3()
            writer(UploadStore(archives, s3), upload, *arguments)  # type: ignore[arg-type, operator]
            found += [Put(symbol(writer), bucket, key) for bucket, key in s3.keys]
    s3 = _S3()
    request = CreateInvoice.model_validate(EXAMPLE_REQUEST)
    invoice = issue(request, number="1", identity="i", origin=Origin(NOW, "api", "api"))
    DocumentStore(str(live.outputs["documents_bucket"]), s3).put(invoice, b"")  # type: ignore[arg-type]
    return [*found, *(Put(symbol(DocumentStore.put), bucket, key) for bucket, key in s3.keys)]


def test_every_writer_is_known_here() -> None:
    writing = sites.calls(
        *("put_object", "copy_object", "copy", "upload_file", "upload_fileobj", "create_multipart_upload")
    )

    assert writing == WRITERS, "have these write in `puts`, and name them in WRITERS"


def test_what_is_written_starts_nothing(live: Environment) -> None:
    found = [*triggers.recursion(triggers.triggers_of(live.plan, live.functions), puts(live))]

    assert not found, told(found)
    assert {put.where for put in puts(live)} == WRITERS


def test_uploads_start_create_invoice_and_nothing_else_does(live: Environment) -> None:
    bucket = str(live.outputs["uploads_bucket"])
    planned = triggers.triggers_of(live.plan, live.functions)
    taken = [
        Taken(symbol(Upload.name.fget), "create-invoice", bucket, f"{PREFIX}{name}")
        for name in ("a.csv", "A.CSV", "a/b.csv.gz")
    ]
    refused = [Taken(symbol(Upload.name.fget), "create-invoice", bucket, key) for key in NO_UPLOADS]

    found = [*triggers.compare(planned, taken, refused)]

    assert not found, told(found)
    assert planned
    assert {event for one in planned for event in one.events} == {"s3:ObjectCreated:*"}
