"""The bucket of PDFs. The key of a PDF is computed from its invoice, so it is not stored anywhere."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from invoicing.domain.models import Invoice
from invoicing.domain.status import Status
from invoicing.runtime.aws import client

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

LINK_SECONDS = 900
"""How long a presigned URL is valid."""

WITHHELD = frozenset({Status.HELD, Status.VOID})
"""Statuses of invoices that nobody should receive: there is no link to their PDF."""


def key_of(invoice: Invoice) -> str:
    """The key of the PDF."""
    return key_by(invoice.invoice_id, invoice.created_at)


def key_by(invoice_id: str, created_at: str) -> str:
    """The key of the PDF: ``<yyyy>/<mm>/<invoiceId>.pdf``, by the time of creation."""
    return f"{created_at[:4]}/{created_at[5:7]}/{invoice_id}.pdf"


class DocumentStore:
    """Stores PDFs in one bucket, and creates links to them.

    Args:
        bucket: The bucket's name.
        s3: A client to use instead of a new one.
    """

    def __init__(self, bucket: str, s3: "S3Client | None" = None) -> None:
        self._bucket = bucket
        self._s3 = s3 or client("s3")

    def put(self, invoice: Invoice, pdf: bytes) -> bool:
        """Store the PDF unless the invoice has one: what was issued is never replaced, not even by a later layout.

        Returns:
            Whether it was stored; False if there was one already.

        Source:
            Conditional writes, https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        key = key_of(invoice)
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=pdf, ContentType="application/pdf", IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise  # also a conflict with a simultaneous write (409), after which the event is delivered again
            return False
        return True

    def has(self, key: str) -> bool:
        """Whether there is a PDF under a key."""
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
                return False
            raise
        return True

    def link(self, invoice: Invoice) -> str | None:
        """A presigned URL of the PDF; None while there is none, and for invoices that nobody should receive."""
        key = key_of(invoice)
        if invoice.status in WITHHELD or not self.has(key):
            return None
        parameters = {"Bucket": self._bucket, "Key": key, "ResponseContentType": "application/pdf"}
        return self._s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=LINK_SECONDS)
