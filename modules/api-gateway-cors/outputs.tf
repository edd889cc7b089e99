output "fingerprint" {
  description = "A digest of the preflights, for deployment_triggers of the module api-gateway: the deployment then follows them, and is renewed when they change."
  value       = sha1(jsonencode([local._templates, local._passthrough_behavior]))

  depends_on = [aws_api_gateway_integration_response.preflight]
}

output "gateway_response_headers" {
  description = "CORS headers for the errors that the gateway itself answers, for gateway_response_headers of the module api-gateway. Made from the variables alone. With several origins they echo the caller's origin: such answers hold no data, and no credentials are allowed on them."
  value = merge(
    {
      "Access-Control-Allow-Origin"   = length(var.allow_origins) == 1 ? "'${var.allow_origins[0]}'" : "method.request.header.Origin"
      "Access-Control-Expose-Headers" = "'${join(",", var.expose_headers)}'"
    },
    local._any_origin ? {} : { Vary = "'Origin'" },
    var.allow_credentials && length(var.allow_origins) == 1 ? { "Access-Control-Allow-Credentials" = "'true'" } : {},
  )
}
