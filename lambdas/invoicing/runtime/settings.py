"""What each function reads from its environment, as small models that are combined.

A function declares only what it needs. A test compares the declarations with what Terraform sets for the function.
"""

import os
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Settings(BaseModel):
    """Base: each field is read from the environment variable of the same name in capitals."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings; an empty variable counts as absent.

        Raises:
            pydantic.ValidationError: names every variable that is missing or malformed.
        """
        source = os.environ if environment is None else environment
        values = {name: source.get(name.upper(), "") for name in cls.model_fields}
        return cls.model_validate({name: value for name, value in values.items() if value})


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class TableSettings(Settings):
    """The invoices table."""

    table_name: str = Field(min_length=3)


class ApiSettings(Settings):
    """The origins whose scripts may read the API's responses in a browser, comma-separated; ``*`` allows any."""

    allowed_origins: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(min_length=1)


class DocumentsSettings(Settings):
    """The bucket of PDFs."""

    documents_bucket: str = Field(min_length=3)


class UploadsSettings(Settings):
    """The bucket that files are uploaded to."""

    uploads_bucket: str = Field(min_length=3)


class ArchivesSettings(Settings):
    """The bucket that keeps processed uploads."""

    archives_bucket: str = Field(min_length=3)


class BusSettings(Settings):
    """The event bus."""

    event_bus_name: str = Field(min_length=1)


class DeadLetterSettings(Settings):
    """The function's own dead-letter queue; the module lambda sets it for functions that read streams."""

    dead_letter_queue_url: str = Field(min_length=1)


class DoorSettings(Settings):
    """The last day of the closed periods, in which no invoice is issued any more."""

    closed_until: date | None = None


class RulesSettings(Settings):
    """Whether an invoice that differs from its customer's others is accepted or held."""

    second_currency: Literal["accept", "hold"]
    changed_vat_id: Literal["accept", "hold"]
    suspected_duplicate: Literal["accept", "hold"]


class BrandSettings(Settings):
    """The issuer of the invoices, as printed in the header and footer of the PDF."""

    brand_name: str = Field(min_length=1)
    brand_address: str = ""
    brand_vat_id: str = ""
    brand_email: str = ""
    brand_iban: str = ""


class ApiKeySettings(Settings):
    """The API, the usage plan that its keys belong to, and the prefix of the names of keys that rotations create."""

    api_name: str = Field(min_length=1)
    usage_plan_id: str = Field(min_length=1)
    api_key_prefix: str = Field(min_length=1)


class CreateInvoiceSettings(TableSettings, ApiSettings, ArchivesSettings, BusSettings, DoorSettings):
    """create-invoice."""


class ProcessInvoiceSettings(
    TableSettings, BusSettings, RulesSettings, DeadLetterSettings, DocumentsSettings, UploadsSettings
):
    """process-invoice."""


class GeneratePdfSettings(TableSettings, DocumentsSettings, BrandSettings):
    """generate-pdf."""


class QueryInvoicesSettings(TableSettings, ApiSettings):
    """query-invoices."""


class GetInvoiceSettings(TableSettings, ApiSettings, DocumentsSettings):
    """get-invoice."""


class UpdateInvoiceStatusSettings(TableSettings, ApiSettings):
    """update-invoice-status."""


class RotateApiKeySettings(ApiKeySettings):
    """rotate-api-key."""
