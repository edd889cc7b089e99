"""docs/openapi.yaml against the deployed API: requests are generated from the page, responses checked against it."""

import uuid
import zlib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

DESCRIPTION = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SECONDS = 30.0
"""The longest that one request may take; API Gateway gives up after 29."""

contract = schemathesis.openapi.from_path(DESCRIPTION, config=SchemathesisConfig.from_dict({"warnings": False}))
examples = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

pytestmark = pytest.mark.xdist_group("contract")


@pytest.fixture(scope="module")
def invoice_id(api: Any) -> str:
    """The id of an existing invoice, so that not every request ends in 404."""
    description = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    media = description["paths"]["/invoices"]["post"]["requestBody"]["content"]["application/json"]
    created = api("POST", "/invoices", media["example"])
    assert created.status in (200, 201), created.text
    schema = {**description, "$ref": "#/components/schemas/InvoiceResponse"}
    jsonschema.Draft202012Validator(schema).validate(created.body)
    return str(created.body["invoiceId"])


@contract.parametrize()
@examples
def test_every_response_fits_the_description(case: Case[Any], api: Any, invoice_id: str) -> None:
    if case.path_parameters and zlib.crc32(str(case.path_parameters).encode()) % 2:
        case.path_parameters["id"] = invoice_id

    case.call_and_validate(
        base_url=api.stack.api_url, headers={"x-api-key": api.stack.api_key}, checks=CHECKS, timeout=SECONDS
    )


def test_a_response_that_is_not_described_is_found(api: Any) -> None:
    description = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    del description["paths"]["/invoices/{id}"]["get"]["responses"]["404"]
    incomplete = schemathesis.openapi.from_dict(description)
    case = incomplete["/invoices/{id}"]["GET"].Case(path_parameters={"id": str(uuid.uuid4())})

    with pytest.raises(FailureGroup, match="Undocumented status code"):
        case.call_and_validate(base_url=api.stack.api_url, headers={"x-api-key": api.stack.api_key}, checks=CHECKS)
