locals {
  # Workspaces other than default are preview copies, with their own names and state.
  _preview     = terraform.workspace != "default"
  _environment = local._preview ? "${var.environment}-${terraform.workspace}" : var.environment

  # An account has one role with which API Gateway logs. A preview must not set it: it would be gone with the preview.
  _api = merge(var.api, { manage_account_logging = var.api.manage_account_logging && !local._preview })
}

module "invoice_platform" {
  source = "../../modules/invoice-platform"

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  account_id               = var.account_id
  alert_emails             = var.alert_emails
  allowed_origins          = var.allowed_origins
  api                      = local._api
  api_key_secret           = var.api_key_secret
  artifacts_dir            = var.artifacts_dir
  brand                    = var.brand
  closed_until             = var.closed_until
  deletion_protection      = var.deletion_protection
  downstream_queue         = var.downstream_queue
  environment              = local._environment
  force_destroy            = var.force_destroy
  key_deletion_window_days = var.key_deletion_window_days
  lambda_settings          = var.lambda_settings
  logging                  = var.logging
  monthly_budget_usd       = var.monthly_budget_usd
  payment_sources          = var.payment_sources
  permissions_boundary     = var.permissions_boundary
  release                  = var.release
  replication              = var.replication
  reserved_concurrency     = var.reserved_concurrency
  rules                    = var.rules
  stream_record_age_hours  = var.stream_record_age_hours
  table                    = var.table
  table_name               = local._preview ? "" : var.table_name
}
