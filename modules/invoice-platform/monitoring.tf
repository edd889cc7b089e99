module "monitoring" {
  source = "../monitoring"

  account_id  = var.account_id
  emails      = var.alert_emails
  environment = var.environment
  kms_key_arn = module.key.key_arn
  name        = "InvoiceProcessing"
  publishers  = ["budgets"]
  tags        = var.tags

  apis    = { invoices = { api_name = local._names.api, stage = module.api.stage_name } }
  buckets = { for purpose in ["archives", "documents", "uploads"] : purpose => { bucket_name = local._buckets[purpose] } }
  queues  = { for key, queue in module.event_bus.dead_letter_queues : key => queue.name }
  tables  = { invoices = module.table.table_name }

  counts = {
    unapplied-payments = {
      description = "Money was received that no invoice takes: list it with GET /payments, and apply or return each payment with PATCH /payments/{key}."
      metric      = "PaymentsUnapplied"
      namespace   = local._namespace
      service     = "process-invoice"
    }
  }

  functions = {
    for name, function in module.function : name => {
      dead_letter_queue = function.dead_letter_queue.name
      function_name     = function.function_name
      reads_stream      = contains(keys(local._event_sources), name)
      timeout           = var.lambda_settings.timeout
    }
  }
}

module "budget" {
  source = "../budget"

  account_id        = var.account_id
  environment       = var.environment
  monthly_limit_usd = var.monthly_budget_usd
  name              = "invoice-platform-${var.environment}"
  tags              = var.tags
  topic_arns        = [module.monitoring.topic_arn]
}
