"""The context keys that AWS sends with a service's request: ``localstack/service_contexts.toml``, with its sources.

A request is built from its row and from nothing else, so a policy that demands a key which AWS does not send is found
here as it would be there.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import HarnessError
from harness.paths import ROOT

FILE = ROOT / "localstack" / "service_contexts.toml"
KEYS = ("aws:SourceAccount", "aws:SourceArn", "kms:EncryptionContext:aws:sns:topicArn")
"""The keys that a row may name."""


class ServiceRequest(BaseModel):
    """One row: a kind of request and the keys that AWS sends with it.

    Attributes:
        principal: The service, such as ``events.amazonaws.com``.
        action: The action, such as ``sns:Publish``.
        via: The kind of resource whose encryption key is used; empty for requests to the target itself.
        keys: The context keys besides ``aws:SecureTransport``.
        page: The document of AWS that says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    principal: str = Field(pattern=r"^[a-z0-9.-]+\.amazonaws\.com$")
    action: str = Field(pattern=r"^[a-z0-9-]+:[A-Za-z]+$")
    via: str = ""
    keys: tuple[str, ...]
    page: str = Field(pattern=r"^https://docs\.aws\.amazon\.com/.+")


class ServiceContexts(BaseModel):
    """The whole table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    request: tuple[ServiceRequest, ...] = Field(min_length=1)

    @classmethod
    def read(cls, file: Path = FILE) -> Self:
        """Read the table.

        Raises:
            HarnessError: A row is malformed, names an unknown key, or is there twice.
        """
        try:
            table = cls.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise HarnessError(
                f"{file.name} cannot be read: {error}", remedy="Correct the row that it names."
            ) from None
        kinds = [(row.principal, row.action, row.via) for row in table.request]
        repeated = sorted({kind for kind in kinds if kinds.count(kind) > 1})
        unknown = sorted({key for row in table.request for key in row.keys} - {*KEYS})
        if repeated or unknown:
            raise HarnessError(
                f"{file.name} has {(repeated or unknown)[0]} " + ("twice." if repeated else "among its keys."),
                remedy=f"Keep one row for each request, with keys of {', '.join(KEYS)}.",
            )
        return table

    def context(self, principal: str, action: str, values: Mapping[str, object], via: str = "") -> dict[str, object]:
        """The context of a request, keys in lower case; None for a key that AWS does not send.

        Args:
            principal: The service.
            action: What it does.
            values: A value for each key that AWS may send.
            via: As `ServiceRequest.via`.

        Raises:
            HarnessError: There is no row for such a request.
        """
        for row in self.request:
            if (row.principal, row.action, row.via) == (principal, action, via):
                sent = {key.lower(): values[key] if key in row.keys else None for key in KEYS}
                return {"aws:securetransport": "true", **sent}
        what = f"{action} by {principal}" + (f" for an encrypted target of {via}" if via else "")
        raise HarnessError(
            f"{FILE.name} has no row for {what}.",
            remedy="Look up which context keys AWS sends, and add the row with the page that says so.",
        )


@cache
def service_contexts() -> ServiceContexts:
    """The committed table."""
    return ServiceContexts.read()
