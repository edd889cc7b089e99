# The errors that API Gateway returns by itself, in the same shape as the functions' errors (RFC 9457). Its templates
# support plain substitution only, and the real status cannot be substituted. The two fallbacks cover errors without a
# type (a throttled function, a malformed response), so they set the status that is in their body.
# The validator's message does not name the place of an error, so its pointer is the whole body (RFC 6901: "#").
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
# Retry-After is static: a rate refills within a second; of a daily quota the gateway does not say when it starts anew.
locals {
  _gateway_responses = {
    ACCESS_DENIED                  = { status = "403", title = "Forbidden" }
    API_CONFIGURATION_ERROR        = { status = "500", title = "Internal server error" }
    AUTHORIZER_CONFIGURATION_ERROR = { status = "500", title = "Internal server error" }
    AUTHORIZER_FAILURE             = { status = "500", title = "Internal server error" }
    BAD_REQUEST_BODY               = { status = "400", title = "Invalid request body", errors = "[{\"pointer\":\"#\",\"detail\":\"$context.error.validationErrorString\"}]" }
    BAD_REQUEST_PARAMETERS         = { status = "400", title = "Invalid request parameters" }
    DEFAULT_4XX                    = { status = "400", title = "Request rejected" }
    DEFAULT_5XX                    = { status = "500", title = "Internal server error" }
    EXPIRED_TOKEN                  = { status = "403", title = "Forbidden" }
    INTEGRATION_FAILURE            = { status = "504", title = "No response from the service" }
    INTEGRATION_TIMEOUT            = { status = "504", title = "No response from the service in time" }
    INVALID_API_KEY                = { status = "403", title = "API key missing or invalid" }
    INVALID_SIGNATURE              = { status = "403", title = "Forbidden" }
    MISSING_AUTHENTICATION_TOKEN   = { status = "404", title = "Not found", detail = "\"No such path or method.\"" }
    QUOTA_EXCEEDED                 = { status = "429", title = "Daily quota used up", headers = { "Retry-After" = "'3600'" } }
    REQUEST_TOO_LARGE              = { status = "413", title = "Request too large" }
    RESOURCE_NOT_FOUND             = { status = "404", title = "Not found" }
    THROTTLED                      = { status = "429", title = "Too many requests", headers = { "Retry-After" = "'1'" } }
    UNAUTHORIZED                   = { status = "401", title = "Unauthorized" }
    UNSUPPORTED_MEDIA_TYPE         = { status = "415", title = "Unsupported media type" }
    WAF_FILTERED                   = { status = "403", title = "Forbidden" }
  }

  _gateway_bodies = {
    for type, response in local._gateway_responses : type => join("", [
      "{\"type\":\"about:blank\"",
      ",\"title\":${jsonencode(response.title)}",
      ",\"status\":${response.status}",
      ",\"detail\":${try(response.detail, "$context.error.messageString")}",
      ",\"errors\":${try(response.errors, "[]")}",
      ",\"requestId\":\"$context.requestId\"}",
    ])
  }

  _gateway_headers = {
    for type, response in local._gateway_responses : type => {
      for name, mapping in merge(
        { "Cache-Control" = "'no-store'", "Content-Type" = "'application/problem+json'" },
        try(response.headers, {}),
        var.gateway_response_headers,
      ) : "gatewayresponse.header.${name}" => mapping
    }
  }

  _gateway = {
    for type, response in local._gateway_responses : type => {
      response_parameters = local._gateway_headers[type]
      response_templates  = { "application/json" = local._gateway_bodies[type] }
      status_code         = response.status
    }
  }
}

resource "aws_api_gateway_gateway_response" "this" {
  for_each = local._gateway

  response_parameters = each.value.response_parameters
  response_templates  = each.value.response_templates
  response_type       = each.key
  rest_api_id         = aws_api_gateway_rest_api.this.id
  status_code         = each.value.status_code
}
