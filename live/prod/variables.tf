# The first two come from outside (TF_VAR_account_id, TF_VAR_artifacts_dir); all the others from terraform.tfvars.

variable "account_id" {
  description = "The account that this environment lives in; the provider refuses any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account (TF_VAR_account_id)."
  }
}

variable "alert_emails" {
  description = "Addresses that are told of alarms and of costs."
  type        = list(string)
  nullable    = false
}

variable "allowed_origins" {
  description = "Web origins whose scripts may call the API."
  type        = list(string)
  nullable    = false
}

variable "api" {
  description = "The API's usage plan, and whether this environment sets the account's role for API Gateway's logs."
  type = object({
    burst_limit            = number
    manage_account_logging = bool
    quota_per_day          = number
    rate_limit             = number
  })
  nullable = false
}

variable "api_key_secret" {
  description = "The secret with the API's key: days after which the key is changed, and days for which the deleted secret can be restored."
  type = object({
    recovery_window_days = number
    rotation_days        = number
  })
  nullable = false
}

variable "artifacts_dir" {
  description = "The absolute path of the folder with the functions' zips."
  type        = string
  nullable    = false
}

variable "brand" {
  description = "Who sends the invoices, as the PDF shows it."
  type = object({
    address = optional(string, "")
    email   = optional(string, "")
    iban    = optional(string, "")
    name    = string
    vat_id  = optional(string, "")
  })
  nullable = false
}

variable "deletion_protection" {
  description = "Whether DynamoDB refuses to delete the table."
  type        = bool
  nullable    = false
}

variable "downstream_queue" {
  description = "Whether a queue stands in for the systems downstream."
  type        = bool
  nullable    = false
}

variable "environment" {
  description = "The environment's name."
  type        = string
  nullable    = false
}

variable "force_destroy" {
  description = "Whether destroying the environment also deletes what its buckets hold."
  type        = bool
  nullable    = false
}

variable "key_deletion_window_days" {
  description = "Days between the environment's destruction and the end of its key."
  type        = number
  nullable    = false
}

variable "lambda_settings" {
  description = "What every function gets: memory in MB, time-out in seconds, reserved concurrent executions."
  type = object({
    memory_size          = number
    reserved_concurrency = number
    timeout              = number
  })
  nullable = false
}

variable "logging" {
  description = "Lowest level that the functions log, and days for which logs are kept."
  type = object({
    level          = string
    retention_days = number
  })
  nullable = false
}

variable "monthly_budget_usd" {
  description = "What the environment may cost a month, in US dollars."
  type        = number
  nullable    = false
}

variable "previews" {
  description = "Whether workspaces other than default are preview copies of this environment; where not, they are refused."
  type        = bool
  nullable    = false

  validation {
    condition     = var.previews || terraform.workspace == "default"
    error_message = "The workspace is \"${terraform.workspace}\", and ${var.environment} has no preview copies: terraform workspace select default. (Previews are copies of dev.)"
  }
}

variable "region" {
  description = "The AWS region."
  type        = string
  nullable    = false
}

variable "replica_region" {
  description = "The second AWS region, where replicas lie."
  type        = string
  nullable    = false
}

variable "replication" {
  description = "Whether documents and archives are copied to the second region."
  type        = bool
  nullable    = false
}

variable "stream_retry_attempts" {
  description = "How often a failing part of a stream batch is tried again."
  type        = number
  nullable    = false
}

variable "table" {
  description = "The table: provisioned capacity, point-in-time recovery."
  type = object({
    max_read_capacity      = number
    max_write_capacity     = number
    point_in_time_recovery = bool
    read_capacity          = number
    write_capacity         = number
  })
  nullable = false
}
