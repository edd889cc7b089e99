# What is set in terraform.tfvars, and the two values from outside: names and types, nothing else. Terraform cannot borrow a
# type from a module, and `any` would accept a misspelled key in silence. Meaning, defaults and validations are in
# modules/invoice-platform/variables.tf.

variable "account_id" {
  description = "The account of this environment (TF_VAR_account_id); the provider works in no other."
  type        = string
  nullable    = false
}

variable "alert_emails" {
  description = "Who gets a mail of alarms and of costs."
  type        = list(string)
  nullable    = false
}

variable "allowed_origins" {
  description = "Web origins whose scripts may call the API."
  type        = list(string)
  nullable    = false
}

variable "api" {
  description = "The API's limits for one key, and whether it sets the account's role for API Gateway's logs."
  type        = object({ burst_limit = number, manage_account_logging = bool, quota_per_day = number, rate_limit = number })
  nullable    = false
}

variable "api_key_secret" {
  description = "The secret with the API's key: rotation and recovery, in days."
  type        = object({ recovery_window_days = number, rotation_days = number })
  nullable    = false
}

variable "artifacts_dir" {
  description = "The absolute path of the folder with the functions' zips (TF_VAR_artifacts_dir)."
  type        = string
  nullable    = false
}

variable "brand" {
  description = "The seller, as the PDF documents show it."
  type        = object({ address = string, email = string, iban = string, name = string, vat_id = string })
  nullable    = false
}

variable "closed_until" {
  description = "The last day of the closed accounting periods; \"\" closes none."
  type        = string
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether DynamoDB rejects the deletion of the table."
  type        = bool
  nullable    = false
}

variable "downstream_queue" {
  description = "Whether a queue takes the place of the systems downstream."
  type        = bool
  nullable    = false
}

variable "environment" {
  description = "The environment's name."
  type        = string
  nullable    = false
}

variable "force_destroy" {
  description = "Whether destroying the environment also deletes the content of its buckets."
  type        = bool
  nullable    = false
}

variable "key_deletion_window_days" {
  description = "Days from the environment's destruction to the deletion of its key."
  type        = number
  nullable    = false
}

variable "lambda_settings" {
  description = "Memory in MB, reserved concurrent executions and time-out in seconds of every function."
  type        = object({ memory_size = number, reserved_concurrency = number, timeout = number })
  nullable    = false
}

variable "logging" {
  description = "The lowest level that the functions log, and the days for which logs are kept."
  type        = object({ level = string, retention_days = number })
  nullable    = false
}

variable "monthly_budget_usd" {
  description = "The monthly budget, in US dollars."
  type        = number
  nullable    = false
}

variable "payment_sources" {
  description = "Event sources whose invoice-paid events are recorded as payments."
  type        = list(string)
  nullable    = false
}

variable "permissions_boundary" {
  description = "The policy that limits what any role may be granted (TF_VAR_permissions_boundary, which a deploy sets where live/bootstrap has created one)."
  type        = string
  default     = ""
  nullable    = false
}

variable "previews" {
  description = "Whether workspaces other than default are preview copies of this environment; if not, they cannot be planned."
  type        = bool
  nullable    = false

  validation {
    condition     = var.previews || terraform.workspace == "default"
    error_message = "The workspace is \"${terraform.workspace}\", but ${var.environment} has no previews (dev has): terraform workspace select default."
  }
}

variable "region" {
  description = "The AWS region."
  type        = string
  nullable    = false
}

variable "release" {
  description = "A release in stages, which the deploy writes: the published version that callers of a function keep, by its short name, and the share of their calls that the newest versions get. Other functions are on their newest version."
  type = object({
    stable = optional(map(string), {})
    weight = optional(number, 0)
  })
  default  = {}
  nullable = false
}

variable "replica_region" {
  description = "The second AWS region, for the replicas."
  type        = string
  nullable    = false
}

variable "replication" {
  description = "Whether documents and archives are copied to the second region."
  type        = bool
  nullable    = false
}

variable "reserved_concurrency" {
  description = "Reserved concurrent executions of single functions, in place of those in lambda_settings."
  type        = map(number)
  nullable    = false
}

variable "rules" {
  description = "Whether an invoice that differs from its customer's others is accepted or held."
  type        = object({ changed_vat_id = string, second_currency = string, suspected_duplicate = string })
  nullable    = false
}

variable "stream_record_age_hours" {
  description = "For how long a failing change of an invoice is tried again."
  type        = number
  nullable    = false
}

variable "table" {
  description = "The table's provisioned capacity, the limits of its auto-scaling, and its point-in-time recovery."
  type = object({
    max_read_capacity      = number
    max_write_capacity     = number
    point_in_time_recovery = bool
    read_capacity          = number
    write_capacity         = number
  })
  nullable = false
}

variable "table_name" {
  description = "The table's name, which `./noxw -s restore` sets while a restored table takes the place of the environment's own."
  type        = string
  default     = ""
  nullable    = false
}
