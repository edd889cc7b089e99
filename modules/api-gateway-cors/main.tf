locals {
  _any_origin = contains(var.allow_origins, "*")

  # The preflight is a MOCK whose response template sets the headers. Only so can each allowed origin get itself in the
  # response, and a foreign one nothing, without a function. It works on AWS and on the engines.
  _override = "$context.responseOverride.header"
  _granted = {
    for path, resource in var.resources : path => merge(
      {
        "Access-Control-Allow-Headers" = join(",", var.allow_headers)
        "Access-Control-Allow-Methods" = join(",", sort(distinct(concat(resource.methods, ["OPTIONS"]))))
        "Access-Control-Max-Age"       = tostring(var.max_age_seconds)
      },
      var.allow_credentials ? { "Access-Control-Allow-Credentials" = "true" } : {},
    )
  }
  _grants = {
    for path, headers in local._granted : path => [
      for name, value in headers : "#set(${local._override}.${name} = \"${value}\")"
    ]
  }
  _is_allowed = join(" || ", [for origin in var.allow_origins : "$origin == \"${origin}\""])

  _templates = {
    for path, grants in local._grants : path => join("\n", local._any_origin ? concat(
      ["#set(${local._override}.Access-Control-Allow-Origin = \"*\")"],
      grants,
      ) : concat(
      [
        "#set($origin = $input.params().header.get(\"Origin\"))",
        "#if(!$origin)",
        "#set($origin = $input.params().header.get(\"origin\"))",
        "#end",
        "#set(${local._override}.Vary = \"Origin\")",
        "#if(${local._is_allowed})",
        "#set(${local._override}.Access-Control-Allow-Origin = $origin)",
      ],
      grants,
      ["#end"],
    ))
  }

  # Everything that makes up the preflights is written here and hashed by the output fingerprint. The resources only
  # repeat it: what they added themselves would never be deployed.
  _preflights = {
    for path, template in local._templates : path => {
      api_key_required = false # browsers send no key with a preflight
      authorization    = "NONE"
      http_method      = "OPTIONS"
      # With any other value, a body of another content type is passed on and read as the template. It has no statusCode,
      # and the response is a 500.
      passthrough_behavior = "NEVER"
      request_templates    = { "application/json" = jsonencode({ statusCode = 204 }) }
      response_templates   = { "application/json" = template }
      status_code          = "204"
      type                 = "MOCK"
    }
  }
}

resource "aws_api_gateway_method" "preflight" {
  for_each = local._preflights

  api_key_required = each.value.api_key_required
  authorization    = each.value.authorization
  http_method      = each.value.http_method
  resource_id      = var.resources[each.key].id
  rest_api_id      = var.rest_api_id
}

resource "aws_api_gateway_integration" "preflight" {
  for_each = local._preflights

  http_method          = aws_api_gateway_method.preflight[each.key].http_method
  passthrough_behavior = each.value.passthrough_behavior
  request_templates    = each.value.request_templates
  resource_id          = var.resources[each.key].id
  rest_api_id          = var.rest_api_id
  type                 = each.value.type
}

resource "aws_api_gateway_method_response" "preflight" {
  for_each = local._preflights

  http_method = aws_api_gateway_method.preflight[each.key].http_method
  resource_id = var.resources[each.key].id
  rest_api_id = var.rest_api_id
  status_code = each.value.status_code
}

resource "aws_api_gateway_integration_response" "preflight" {
  for_each = local._preflights

  http_method        = aws_api_gateway_method.preflight[each.key].http_method
  resource_id        = var.resources[each.key].id
  response_templates = each.value.response_templates
  rest_api_id        = var.rest_api_id
  status_code        = aws_api_gateway_method_response.preflight[each.key].status_code

  # API Gateway needs the integration first, and nothing here refers to it.
  depends_on = [aws_api_gateway_integration.preflight]
}
