"""Source shows a route that a deployment's triggers leave out."""

from pathlib import Path

import pytest

from harness.policy import deployment_source, rules

assert rules

MODULE = """
locals {
  _fingerprint = sha1(jsonencode({ %s }))
  _headers     = { for name, value in var.headers : "gatewayresponse.header.${name}" => value }
}

resource "aws_api_gateway_method" "this" {
  for_each    = var.routes
  http_method = each.value.method
}

resource "aws_api_gateway_gateway_response" "this" {
  response_parameters = local._headers
}

resource "aws_api_gateway_deployment" "this" {
  triggers = { %s }
}
"""


def messages(tmp_path: Path, hashed: str, triggers: str = "fingerprint = local._fingerprint") -> list[str]:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "main.tf").write_text(MODULE % (hashed, triggers), encoding="utf-8")
    return [finding.message for finding in deployment_source.findings(tmp_path)]


def test_triggers_that_hash_every_input_pass(tmp_path: Path) -> None:
    assert messages(tmp_path, "headers = local._headers, routes = var.routes") == []


@pytest.mark.parametrize(
    ("hashed", "missing"), [("headers = local._headers", "routes"), ("routes = var.routes", "headers")]
)
def test_a_missing_input_is_named(tmp_path: Path, hashed: str, missing: str) -> None:
    (message,) = messages(tmp_path, hashed)

    assert f"leave out var.{missing}, " in message


@pytest.mark.parametrize(
    "routes",
    [
        '{ for name, route in var.routes : name => route if name != "get" }',
        '[for route in var.routes : route if route.path != "/orders"]',
        '{ for name, route in var.routes : name => { for key, value in route : key => value } if name != "get" }',
        '{ for name, route in var.routes : name => { for key, value in route : key => value if key != "method" } }',
        'var.routes["get"]',
    ],
)
def test_triggers_that_hash_part_of_an_input_are_a_violation(tmp_path: Path, routes: str) -> None:
    (message,) = messages(tmp_path, f"headers = local._headers, routes = {routes}")

    assert "hash only part: var.routes" in message or 'hash only part: route … ifkey!="method"' in message


def test_attributes_that_no_resource_uses_may_be_left_out(tmp_path: Path) -> None:
    kept = '{ for name, route in var.routes : name => { for key, value in route : key => value if key != "throttle" } }'

    assert messages(tmp_path, f"headers = local._headers, routes = {kept}") == []


def test_a_deployment_without_triggers_leaves_out_everything(tmp_path: Path) -> None:
    assert len(messages(tmp_path, "routes = var.routes", "")) == 2


@pytest.mark.parametrize(
    "argument",
    [
        'authorization = "NONE"',
        "api_key_required = true",
        'request_parameters = { "method.request.path.id" = each.value.required }',
        'operation_name = "${each.key}-x"',
        'http_method = "GET"',
    ],
)
def test_a_literal_argument_is_a_violation(tmp_path: Path, argument: str) -> None:
    module = MODULE.replace("  http_method = each.value.method\n", f"  {argument}\n")
    (tmp_path / "api").mkdir()
    hashed = "headers = local._headers, routes = var.routes"
    (tmp_path / "api" / "main.tf").write_text(module % (hashed, "f = local._fingerprint"), encoding="utf-8")

    (finding,) = deployment_source.findings(tmp_path)

    assert finding.address == "aws_api_gateway_method.this"
    assert f"It sets {argument.partition(' = ')[0]} to " in finding.message


def test_triggers_may_name_the_resources_themselves(tmp_path: Path) -> None:
    triggers = "all = sha1(jsonencode([aws_api_gateway_method.this, aws_api_gateway_gateway_response.this]))"

    assert messages(tmp_path, "", triggers) == []


def test_our_deployments_leave_out_nothing() -> None:
    assert deployment_source.findings() == []
