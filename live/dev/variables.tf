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

variable "artifacts_dir" {
  description = "The absolute path of the folder with the functions' zips."
  type        = string
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

variable "region" {
  description = "The AWS region."
  type        = string
  nullable    = false
}

variable "stream_retry_attempts" {
  description = "How often a failing part of a stream batch is tried again."
  type        = number
  nullable    = false
}

variable "table" {
  description = "The table: provisioned capacity, point-in-time recovery, deletion protection."
  type = object({
    deletion_protection    = bool
    max_read_capacity      = number
    max_write_capacity     = number
    point_in_time_recovery = bool
    read_capacity          = number
    write_capacity         = number
  })
  nullable = false
}
