module "api" {
  source = "../api-gateway"

  deployment_triggers      = { preflights = module.cors.fingerprint }
  description              = "Invoices of ${var.environment}."
  gateway_response_headers = module.cors.gateway_response_headers
  manage_account_logging   = var.api.manage_account_logging
  name                     = local._names.api
  permissions_boundary     = var.permissions_boundary
  stage_name               = "v1"
  tags                     = var.tags

  logging = { retention_days = var.logging.retention_days }

  # Generated from the pydantic models (./noxw -s docs).
  models = {
    CreateInvoice  = file("${path.module}/models/create-invoice.json")
    ResolvePayment = file("${path.module}/models/resolve-payment.json")
    UpdateInvoice  = file("${path.module}/models/update-invoice.json")
  }

  # The functions' names, not their outputs: a new deployment is created before the old one is destroyed, and Terraform
  # would apply that order to the functions too, which cannot exist twice under one name.
  routes = {
    create-invoice = {
      alias_arn  = local._alias_arns["create-invoice"]
      method     = "POST"
      model      = "CreateInvoice"
      parameters = { "method.request.header.Idempotency-Key" = false }
      path       = "/invoices"
    }
    get-invoice = {
      alias_arn  = local._alias_arns["get-invoice"]
      method     = "GET"
      parameters = { "method.request.path.id" = true }
      path       = "/invoices/{id}"
    }
    query-invoices = {
      alias_arn = local._alias_arns["query-invoices"]
      method    = "GET"
      path      = "/invoices"
      parameters = {
        for name in ["customerId", "dueBefore", "from", "limit", "nextToken", "order", "overdue", "status", "to"] :
        "method.request.querystring.${name}" => false
      }
    }
    list-payments = {
      alias_arn  = local._alias_arns["query-invoices"]
      method     = "GET"
      path       = "/payments"
      parameters = { for name in ["limit", "nextToken", "status"] : "method.request.querystring.${name}" => false }
    }
    resolve-payment = {
      alias_arn  = local._alias_arns["update-invoice-status"]
      method     = "PATCH"
      model      = "ResolvePayment"
      parameters = { "method.request.path.id" = true }
      path       = "/payments/{id}"
    }
    update-invoice-status = {
      alias_arn  = local._alias_arns["update-invoice-status"]
      method     = "PATCH"
      model      = "UpdateInvoice"
      parameters = { "method.request.header.If-Match" = false, "method.request.path.id" = true }
      path       = "/invoices/{id}"
    }
  }

  usage_plan = {
    burst_limit   = var.api.burst_limit
    quota_per_day = var.api.quota_per_day
    rate_limit    = var.api.rate_limit
  }
}

module "cors" {
  source = "../api-gateway-cors"

  allow_headers = ["Content-Type", "Idempotency-Key", "If-Match", "X-Amzn-Trace-Id", "X-Api-Key"]
  allow_origins = var.allowed_origins
  resources     = module.api.resources
  rest_api_id   = module.api.api_id
}

# The keys of paths leave out the names of parameters since 0.2: a second resource beside the old one would be rejected.
moved {
  from = module.api.aws_api_gateway_resource.level_2["/invoices/{id}"]
  to   = module.api.aws_api_gateway_resource.level_2["/invoices/{}"]
}

moved {
  from = module.cors.aws_api_gateway_integration.preflight["/invoices/{id}"]
  to   = module.cors.aws_api_gateway_integration.preflight["/invoices/{}"]
}

moved {
  from = module.cors.aws_api_gateway_integration_response.preflight["/invoices/{id}"]
  to   = module.cors.aws_api_gateway_integration_response.preflight["/invoices/{}"]
}

moved {
  from = module.cors.aws_api_gateway_method.preflight["/invoices/{id}"]
  to   = module.cors.aws_api_gateway_method.preflight["/invoices/{}"]
}

moved {
  from = module.cors.aws_api_gateway_method_response.preflight["/invoices/{id}"]
  to   = module.cors.aws_api_gateway_method_response.preflight["/invoices/{}"]
}
