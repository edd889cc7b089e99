"""What each function reads from its environment, as small models that are put together.

A function declares only what it needs; a test compares the declarations with what Terraform gives the function.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Settings(BaseModel):
    """Base: each field is read from the environment variable of the same name in capitals."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings; an empty variable counts as absent.

        Raises:
            pydantic.ValidationError: naming every variable that is missing or malformed.
        """
        source = os.environ if environment is None else environment
        values = {name: source.get(name.upper(), "") for name in cls.model_fields}
        return cls.model_validate({name: value for name, value in values.items() if value})


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class Table(Settings):
    """The invoices table."""

    table_name: str = Field(min_length=3)


class Api(Settings):
    """The API's browsers: origins that may read its answers, comma separated; ``*`` is any."""

    allowed_origins: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(min_length=1)


class Documents(Settings):
    """The bucket that holds the PDFs."""

    documents_bucket: str = Field(min_length=3)


class Archives(Settings):
    """The bucket that keeps handled uploads."""

    archives_bucket: str = Field(min_length=3)


class Bus(Settings):
    """The event bus."""

    event_bus_name: str = Field(min_length=1)


class Brand(Settings):
    """Who issues the invoices, as the PDF's head and foot say it."""

    brand_name: str = Field(min_length=1)
    brand_address: str = ""
    brand_vat_id: str = ""
    brand_email: str = ""
    brand_iban: str = ""


class Keys(Settings):
    """The API's keys: the usage plan that they need, and what the names of those begin with that rotations make."""

    usage_plan_id: str = Field(min_length=1)
    api_key_prefix: str = Field(min_length=1)


class CreateInvoice(Table, Api, Archives, Bus):
    """create-invoice."""


class ProcessInvoice(Table, Bus):
    """process-invoice."""


class GeneratePdf(Table, Documents, Brand):
    """generate-pdf."""


class QueryInvoices(Table, Api):
    """query-invoices."""


class GetInvoice(Table, Api, Documents):
    """get-invoice."""


class UpdateInvoiceStatus(Table, Api):
    """update-invoice-status."""


class RotateApiKey(Keys):
    """rotate-api-key."""
