"""Uploads start their function, and nothing that a function writes does."""

import io
from datetime import UTC, datetime
from typing import Any

from harness.contract import triggers
from harness.contract.mismatch import report, symbol
from harness.contract.triggers import ObjectWrite
from harness.contract.triggers import UploadTrigger as ExampleUpload
from invoicing.api.openapi import EXAMPLE_REQUEST
from invoicing.documents.bucket import DocumentStore
from invoicing.domain.invoice_factory import Origin, issue
from invoicing.domain.models import CreateInvoice
from invoicing.uploads.buckets import UploadStore, archive_key
from invoicing.uploads.report_files import REJECTED
from invoicing.uploads.upload import MAX_KEY, PREFIX, Upload
from tests.contract import sites
from tests.contract.conftest import Environment

NOW = datetime(2026, 11, 22, tzinfo=UTC)

WRITERS = {
    "lambdas/invoicing/documents/bucket.py: DocumentStore.put",
    "lambdas/invoicing/uploads/buckets.py: UploadStore.archive",
    "lambdas/invoicing/uploads/buckets.py: UploadStore.put_part",
    "lambdas/invoicing/uploads/buckets.py: UploadStore.put_report",
}
"""Code that writes to S3; `writes` has each of them write."""

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
"""Names that an upload may have, including hostile ones."""

NO_UPLOADS = ("reports/a.csv", "other/a.csv", "a.csv", "incoming/a.txt", "incoming/a.json")


class _S3:
    """Records the keys that are written."""

    def __init__(self) -> None:
        self.keys: list[tuple[str, str]] = []

    def put_object(self, Bucket: str, Key: str, **_: Any) -> None:  # noqa: N803 - boto3's names
        self.keys.append((Bucket, Key))

    copy_object = put_object


def writes(live: Environment) -> list[ObjectWrite]:
    """The objects that the code writes for uploads with all kinds of names."""
    written: list[ObjectWrite] = []
    uploads, archives = (str(live.outputs[name]) for name in ("uploads_bucket", "archives_bucket"))
    for name in NAMES:
        upload = Upload(uploads, f"{PREFIX}{name}", "e", "0A", "v", 1)
        for writer, arguments in (
            (UploadStore.put_part, ("00001-end", io.BytesIO())),
            (UploadStore.put_report, (".json", b"", "application/json")),
            (UploadStore.put_report, (REJECTED, b"", "text/csv")),
            (UploadStore.archive, (archive_key(upload, NOW),)),
        ):
            s3 = _S3()
            writer(UploadStore(archives, s3), upload, *arguments)  # type: ignore[arg-type]
            written += [ObjectWrite(symbol(writer), bucket, key) for bucket, key in s3.keys]
    s3 = _S3()
    request = CreateInvoice.model_validate(EXAMPLE_REQUEST)
    invoice = issue(request, number="1", origin=Origin(NOW, "api", "api"))
    DocumentStore(str(live.outputs["documents_bucket"]), s3).put(invoice, b"")  # type: ignore[arg-type]
    return [*written, *(ObjectWrite(symbol(DocumentStore.put), bucket, key) for bucket, key in s3.keys)]


def test_every_writer_is_known_here() -> None:
    writers = sites.calls(
        *("put_object", "copy_object", "copy", "upload_file", "upload_fileobj", "create_multipart_upload")
    )

    assert writers == WRITERS, "have these write in `writes`, and name them in WRITERS"


def test_written_objects_start_nothing(live: Environment) -> None:
    mismatches = [*triggers.compare_writes(triggers.triggers_of(live.plan, live.functions), writes(live))]

    assert not mismatches, report(mismatches)
    assert {write.where for write in writes(live)} == WRITERS


def test_uploads_start_create_invoice_and_nothing_else_does(live: Environment) -> None:
    bucket = str(live.outputs["uploads_bucket"])
    planned = triggers.triggers_of(live.plan, live.functions)
    read_name = vars(Upload)["name"].fget
    accepted = [
        ExampleUpload(symbol(read_name), "create-invoice", bucket, f"{PREFIX}{name}")
        for name in ("a.csv", "A.CSV", "a/b.csv.gz")
    ]
    others = [ExampleUpload(symbol(read_name), "create-invoice", bucket, key) for key in NO_UPLOADS]

    mismatches = [*triggers.compare(planned, accepted, others)]

    assert not mismatches, report(mismatches)
    assert planned
    assert {event for trigger in planned for event in trigger.events} == {"s3:ObjectCreated:*"}
