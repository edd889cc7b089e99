"""docs/openapi.yaml: up to date, valid, complete, and true for the responses of the handlers."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest

from invoicing.api import openapi
from invoicing.api.resolver import EXPOSED
from invoicing.api.response_models import InvoiceResponse, InvoiceSummary
from invoicing.domain.errors import InvoiceError
from invoicing.domain.models import SUMMARY_FIELDS, Invoice

DESCRIPTION = json.loads(json.dumps(openapi.describe()))
OPERATIONS = [
    (path, verb, operation)
    for path, item in DESCRIPTION["paths"].items()
    for verb, operation in item.items()
    if verb != "parameters"
]
ROOT = Path(__file__).resolve().parents[4]
LINE = {"description": "Widget", "quantity": 1, "unitPrice": "100.00", "taxRate": "19"}
BODY = {"invoiceNumber": "1", "customerId": "C", "issueDate": "2026-11-01", "currency": "EUR", "lines": [LINE]}


def check(result: Any, path: str, verb: str) -> None:
    """Check that a handler's response matches the description, including its headers."""
    responses = DESCRIPTION["paths"][path][verb]["responses"]
    assert str(result.status) in responses
    response = resolve(responses[str(result.status)])
    (media,) = response["content"]
    assert result.headers["Content-Type"] == media
    required = {name for name, header in response["headers"].items() if resolve(header).get("required")}
    assert required <= result.headers.keys()
    schema = {**DESCRIPTION, **response["content"][media]["schema"]}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(result.body)
    members = resolve(response["content"][media]["schema"])["properties"]
    assert result.body.keys() <= members.keys()


def resolve(part: dict[str, Any]) -> Any:
    target: Any = part
    while "$ref" in target:
        names = target["$ref"].removeprefix("#/").split("/")
        target = DESCRIPTION
        for name in names:
            target = target[name]
    return target


def test_the_committed_description_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert openapi.main(["--check"]) == 0, capsys.readouterr().err


def test_an_outdated_description_is_detected_and_rewritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "openapi.yaml"
    assert openapi.main(["--check"], target) == 1
    assert "out of date" in capsys.readouterr().err
    target.write_text("openapi: 3.1.0\n")
    assert openapi.main(["--check"], target) == 1
    assert openapi.main([], target) == 0
    assert openapi.main(["--check"], target) == 0


def test_the_description_is_valid() -> None:
    openapi_spec_validator.validate(DESCRIPTION)


@pytest.mark.parametrize(("path", "verb", "operation"), OPERATIONS)
def test_every_operation_describes_the_errors_of_the_gateway(path: str, verb: str, operation: dict[str, Any]) -> None:
    expected = {"429", "500"} if verb == "options" else {"403", "429", "500", "504"}
    assert expected <= operation["responses"].keys(), f"{verb} {path}"
    for status, response in operation["responses"].items():
        described = resolve(response)
        assert described["description"]
        assert {"Access-Control-Allow-Origin"} <= described["headers"].keys(), f"{verb} {path} {status}"
        if status >= "400":
            assert list(described["content"]) == ["application/problem+json"]


def test_every_error_of_the_domain_has_a_described_status() -> None:
    statuses = {error.status for error in InvoiceError.__subclasses__()}
    assert {str(status) for status in statuses} <= DESCRIPTION["components"]["responses"].keys()
    described = {
        name
        for _, _, operation in OPERATIONS
        for response in operation["responses"].values()
        for name in resolve(response)["headers"]
    }
    assert {*EXPOSED.split(", ")} <= described


def test_the_methods_are_those_of_the_deployed_routes() -> None:
    routes = (ROOT / "modules" / "invoice-platform" / "api.tf").read_text(encoding="utf-8")
    described = {(path, verb.upper()) for path, verb, _ in OPERATIONS if verb != "options"}
    for path, verb in described:
        assert f'"{verb}"' in routes, f"modules/invoice-platform/api.tf: module.api.routes has no {verb} {path}"
        assert f'"{path}"' in routes, f"modules/invoice-platform/api.tf: module.api.routes has no {verb} {path}"
    assert routes.count("alias_arn ") == len(described), (
        "lambdas/invoicing/api/openapi.py: describe and modules/invoice-platform/api.tf: module.api.routes differ"
    )


def test_responses_are_described_member_by_member() -> None:
    stored = {Invoice.model_fields[name].alias for name in Invoice.model_fields if name != "content_hash"}
    described = {InvoiceResponse.model_fields[name].alias for name in InvoiceResponse.model_fields}
    assert described == stored | {"overdue"}
    summary = {InvoiceSummary.model_fields[name].alias for name in InvoiceSummary.model_fields}
    assert summary == {*SUMMARY_FIELDS} - {"customer"} | {"customerName", "overdue"}


@pytest.mark.usefixtures("table", "s3")
def test_the_responses_of_the_handlers_match_the_description(load: Callable[..., ModuleType], call: Any) -> None:
    create, get, query = load("create_invoice"), load("get_invoice"), load("query_invoices")
    created = call(create, "POST", "/invoices", body=BODY | {"customer": {"name": "A", "email": "a@b.example"}})
    check(created, "/invoices", "post")
    for changes in ({"currency": "USD"}, {"lines": []}, {}):
        check(call(create, "POST", "/invoices", body=BODY | changes), "/invoices", "post")
    check(call(query, "GET", "/invoices", query={"limit": "1"}), "/invoices", "get")
    check(call(query, "GET", "/invoices", query={"limit": "0"}), "/invoices", "get")
    path = f"/invoices/{created.body['invoiceId']}"
    check(call(get, "GET", path), "/invoices/{id}", "get")
    check(call(get, "GET", "/invoices/x"), "/invoices/{id}", "get")
    update = load("update_invoice_status", ALLOWED_ORIGINS="*")
    for body, headers in (
        ({"status": "paid"}, {}),
        ({"status": "void"}, {"If-Match": '"7"'}),
        ({"status": "void", "expectedVersion": 7}, {}),
        ({"status": "void"}, {"If-Match": "7"}),
        ({"status": "void"}, {"If-Match": '"1"'}),
    ):
        check(call(update, "PATCH", path, body=body, headers=headers), "/invoices/{id}", "patch")


def test_examples_match_their_schemas() -> None:
    operations = []
    for path, verb, operation in OPERATIONS:
        contents = [resolve(response).get("content", {}) for response in operation["responses"].values()]
        contents.append(operation.get("requestBody", {}).get("content", {}))
        for media in (media for content in contents for media in content.values() if "example" in media):
            jsonschema.Draft202012Validator({**DESCRIPTION, **media["schema"]}).validate(media["example"])
            operations.append((verb, path))
    described = {(verb, path) for path, verb, _ in OPERATIONS if verb != "options"}
    assert set(operations) == described, (
        "give each of these operations an example in lambdas/invoicing/api/openapi.py: describe"
    )
