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

    # What follows is measured every five minutes (local._schedules).
    undecided-invoices = {
      description = "Invoices wait for a decision for more than 10 minutes. The sweep heals them within the hour, or now: docs/runbooks/sweep.md."
      metric      = "InvoicesUndecided"
      namespace   = local._namespace
      period      = 900
      service     = "process-invoice"
      statistic   = "Maximum"
    }

    unresolved-payments = {
      description = "Money that no invoice takes waits for more than a day: list it with GET /payments, and apply or return each payment with PATCH /payments/{key}."
      metric      = "PaymentsUnresolved"
      namespace   = local._namespace
      period      = 900
      service     = "process-invoice"
      statistic   = "Maximum"
    }

    sweep-failures = {
      description = "The sweep has found invoices that it cannot heal; their ids and the reasons are in the log of process-invoice: docs/runbooks/sweep.md."
      metric      = "SweepFailures"
      namespace   = local._namespace
      service     = "process-invoice"
    }
  }

  stalls = {
    uploads = {
      description = "Files wait in the uploads bucket for more than an hour, and within an hour no invoice was decided on: docs/runbooks/sweep.md."
      done        = ["InvoicesHeld", "InvoicesProcessed"]
      namespace   = local._namespace
      service     = "process-invoice"
      waiting     = "UploadsWaiting"
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
