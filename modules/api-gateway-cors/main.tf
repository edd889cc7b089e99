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

  # With any other value, a body of another content type is passed on and read as the template. It has no statusCode, and
  # the response is a 500.
  _passthrough_behavior = "NEVER"
}

resource "aws_api_gateway_method" "preflight" {
  for_each = var.resources

  api_key_required = false # browsers send no key with a preflight
  authorization    = "NONE"
  http_method      = "OPTIONS"
  resource_id      = each.value.id
  rest_api_id      = var.rest_api_id
}

resource "aws_api_gateway_integration" "preflight" {
  for_each = var.resources

  http_method          = aws_api_gateway_method.preflight[each.key].http_method
  passthrough_behavior = local._passthrough_behavior
  request_templates    = { "application/json" = jsonencode({ statusCode = 204 }) }
  resource_id          = each.value.id
  rest_api_id          = var.rest_api_id
  type                 = "MOCK"
}

resource "aws_api_gateway_method_response" "preflight" {
  for_each = var.resources

  http_method = aws_api_gateway_method.preflight[each.key].http_method
  resource_id = each.value.id
  rest_api_id = var.rest_api_id
  status_code = "204"
}

resource "aws_api_gateway_integration_response" "preflight" {
  for_each = var.resources

  http_method        = aws_api_gateway_method.preflight[each.key].http_method
  resource_id        = each.value.id
  response_templates = { "application/json" = local._templates[each.key] }
  rest_api_id        = var.rest_api_id
  status_code        = aws_api_gateway_method_response.preflight[each.key].status_code

  # API Gateway needs the integration first, and nothing here refers to it.
  depends_on = [aws_api_gateway_integration.preflight]
}
