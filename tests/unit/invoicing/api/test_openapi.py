"""docs/openapi.yaml: up to date, sound, complete, and true of what the handlers answer."""

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


def holds(answer: Any, path: str, verb: str) -> None:
    """Whether an answer of a handler is one that the description knows, headers and all."""
    known = DESCRIPTION["paths"][path][verb]["responses"]
    assert str(answer.status) in known
    response = resolved(known[str(answer.status)])
    (media,) = response["content"]
    assert answer.headers["Content-Type"] == media
    needed = {name for name, header in response["headers"].items() if resolved(header).get("required")}
    assert needed <= answer.headers.keys()
    schema = {**DESCRIPTION, **response["content"][media]["schema"]}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(answer.body)
    known_members = resolved(response["content"][media]["schema"])["properties"]
    assert answer.body.keys() <= known_members.keys()


def resolved(part: dict[str, Any]) -> Any:
    found: Any = part
    while "$ref" in found:
        names = found["$ref"].removeprefix("#/").split("/")
        found = DESCRIPTION
        for name in names:
            found = found[name]
    return found


def test_the_committed_description_is_what_the_models_make(capsys: pytest.CaptureFixture[str]) -> None:
    assert openapi.main(["--check"]) == 0, capsys.readouterr().err


def test_an_outdated_description_is_noticed_and_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "openapi.yaml"
    assert openapi.main(["--check"], target) == 1
    assert "out of date" in capsys.readouterr().err
    target.write_text("openapi: 3.1.0\n")
    assert openapi.main(["--check"], target) == 1
    assert openapi.main([], target) == 0
    assert openapi.main(["--check"], target) == 0


def test_the_description_is_sound() -> None:
    openapi_spec_validator.validate(DESCRIPTION)


@pytest.mark.parametrize(("path", "verb", "operation"), OPERATIONS)
def test_every_operation_tells_what_the_gateway_answers_by_itself(
    path: str, verb: str, operation: dict[str, Any]
) -> None:
    expected = {"429", "500"} if verb == "options" else {"403", "429", "500", "504"}
    assert expected <= operation["responses"].keys(), f"{verb} {path}"
    for status, response in operation["responses"].items():
        found = resolved(response)
        assert found["description"]
        assert {"Access-Control-Allow-Origin"} <= found["headers"].keys(), f"{verb} {path} {status}"
        if status >= "400":
            assert list(found["content"]) == ["application/problem+json"]


def test_every_refusal_of_the_domain_has_its_status() -> None:
    statuses = {refusal.status for refusal in InvoiceError.__subclasses__()}
    assert {str(status) for status in statuses} <= DESCRIPTION["components"]["responses"].keys()
    told = {
        name
        for _, _, operation in OPERATIONS
        for answer in operation["responses"].values()
        for name in resolved(answer)["headers"]
    }
    assert {*EXPOSED.split(", ")} <= told


def test_the_methods_are_those_of_the_deployed_routes() -> None:
    routes = (ROOT / "modules" / "invoice-platform" / "api.tf").read_text(encoding="utf-8")
    described = {(path, verb.upper()) for path, verb, _ in OPERATIONS if verb != "options"}
    for path, verb in described:
        assert f'"{verb}"' in routes
        assert f'"{path}"' in routes
    assert routes.count("alias_arn ") == len(described)


def test_answers_are_described_member_by_member() -> None:
    stored = {Invoice.model_fields[name].alias for name in Invoice.model_fields if name != "content_hash"}
    answered = {InvoiceResponse.model_fields[name].alias for name in InvoiceResponse.model_fields}
    assert answered == stored | {"overdue"}
    summary = {InvoiceSummary.model_fields[name].alias for name in InvoiceSummary.model_fields}
    assert summary == {*SUMMARY_FIELDS} - {"customer"} | {"customerName", "overdue"}


@pytest.mark.usefixtures("table", "s3")
def test_what_the_handlers_answer_is_as_described(load: Callable[..., ModuleType], call: Any) -> None:
    create, get, query = load("create_invoice"), load("get_invoice"), load("query_invoices")
    made = call(create, "POST", "/invoices", body=BODY | {"customer": {"name": "A", "email": "a@b.example"}})
    holds(made, "/invoices", "post")
    for changes in ({"currency": "USD"}, {"lines": []}, {}):
        holds(call(create, "POST", "/invoices", body=BODY | changes), "/invoices", "post")
    holds(call(query, "GET", "/invoices", query={"limit": "1"}), "/invoices", "get")
    holds(call(query, "GET", "/invoices", query={"limit": "0"}), "/invoices", "get")
    path = f"/invoices/{made.body['invoiceId']}"
    holds(call(get, "GET", path), "/invoices/{id}", "get")
    holds(call(get, "GET", "/invoices/x"), "/invoices/{id}", "get")
    update = load("update_invoice_status", ALLOWED_ORIGINS="*")
    for body, headers in (
        ({"status": "paid"}, {}),
        ({"status": "void"}, {"If-Match": '"7"'}),
        ({"status": "void", "expectedVersion": 7}, {}),
        ({"status": "void"}, {"If-Match": "7"}),
        ({"status": "void"}, {"If-Match": '"1"'}),
    ):
        holds(call(update, "PATCH", path, body=body, headers=headers), "/invoices/{id}", "patch")


def test_examples_are_what_they_are_examples_of() -> None:
    found = []
    for path, verb, operation in OPERATIONS:
        contents = [resolved(response).get("content", {}) for response in operation["responses"].values()]
        contents.append(operation.get("requestBody", {}).get("content", {}))
        for media in (media for content in contents for media in content.values() if "example" in media):
            jsonschema.Draft202012Validator({**DESCRIPTION, **media["schema"]}).validate(media["example"])
            found.append((verb, path))
    assert set(found) == {
        ("post", "/invoices"),
        ("get", "/invoices"),
        ("get", "/invoices/{id}"),
        ("patch", "/invoices/{id}"),
    }
