locals {
  # Other workspaces than default are preview copies: their own names, their own state.
  _preview     = terraform.workspace != "default"
  _environment = local._preview ? "${var.environment}-${terraform.workspace}" : var.environment

  # The role with which API Gateway logs is one per account: a preview that came and went would leave it dangling.
  _api = merge(var.api, { manage_account_logging = var.api.manage_account_logging && !local._preview })
}

module "invoice_platform" {
  source = "../../modules/invoice-platform"

  account_id            = var.account_id
  allowed_origins       = var.allowed_origins
  api                   = local._api
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
