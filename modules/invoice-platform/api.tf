module "api" {
  source = "../api-gateway"

  account_id               = var.account_id
  deployment_triggers      = { preflights = module.cors.fingerprint }
  description              = "Invoices of ${var.environment}."
  gateway_response_headers = module.cors.gateway_response_headers
  manage_account_logging   = var.api.manage_account_logging
  name                     = local._names.api
  stage_name               = "v1"
  tags                     = var.tags

  logging = { retention_days = var.logging.retention_days }

  # Generated from the pydantic models (python -m invoicing.schema).
  models = {
    CreateInvoice = file("${path.module}/models/create-invoice.json")
    UpdateInvoice = file("${path.module}/models/update-invoice.json")
  }

  routes = {
    create-invoice = {
      alias_arn  = module.function["create-invoice"].alias_arn
      method     = "POST"
      model      = "CreateInvoice"
      parameters = { "method.request.header.Idempotency-Key" = false }
      path       = "/invoices"
    }
    get-invoice = {
      alias_arn  = module.function["get-invoice"].alias_arn
      method     = "GET"
      parameters = { "method.request.path.id" = true }
      path       = "/invoices/{id}"
    }
    query-invoices = {
      alias_arn = module.function["query-invoices"].alias_arn
      method    = "GET"
      path      = "/invoices"
      parameters = {
        for name in ["customerId", "from", "limit", "nextToken", "order", "status", "to"] :
        "method.request.querystring.${name}" => false
      }
    }
    update-invoice-status = {
      alias_arn  = module.function["update-invoice-status"].alias_arn
      method     = "PATCH"
      model      = "UpdateInvoice"
      parameters = { "method.request.path.id" = true }
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

  allow_origins = var.allowed_origins
  resources     = module.api.resources
  rest_api_id   = module.api.api_id
}
