output "fingerprint" {
  description = "A digest of the preflights, for deployment_triggers of the module api-gateway: the API is then deployed after them, and again when they change."
  value       = sha1(jsonencode(local._preflights))

  depends_on = [aws_api_gateway_integration_response.preflight]
}

output "gateway_response_headers" {
  description = "CORS headers of the errors that the gateway itself returns, for gateway_response_headers of the module api-gateway. With several origins they echo the caller's origin and allow no credentials; such responses hold no data. Known at plan."
  value = merge(
    {
      "Access-Control-Allow-Origin"   = length(var.allow_origins) == 1 ? "'${var.allow_origins[0]}'" : "method.request.header.Origin"
      "Access-Control-Expose-Headers" = "'${join(",", var.expose_headers)}'"
    },
    local._any_origin ? {} : { Vary = "'Origin'" },
    var.allow_credentials && length(var.allow_origins) == 1 ? { "Access-Control-Allow-Credentials" = "'true'" } : {},
  )
}
