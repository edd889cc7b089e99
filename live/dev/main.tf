locals {
  # Other workspaces than default are preview copies: their own names, their own state.
  _environment = terraform.workspace == "default" ? var.environment : "${var.environment}-${terraform.workspace}"
}

module "invoice_platform" {
  source = "../../modules/invoice-platform"

  account_id            = var.account_id
  allowed_origins       = var.allowed_origins
  api                   = var.api
  artifacts_dir         = var.artifacts_dir
  brand                 = var.brand
  downstream_queue      = var.downstream_queue
  environment           = local._environment
  force_destroy         = var.force_destroy
  lambda_settings       = var.lambda_settings
  logging               = var.logging
  stream_retry_attempts = var.stream_retry_attempts
  table                 = var.table
}
