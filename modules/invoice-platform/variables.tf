variable "account_id" {
  description = "The account of the environment."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account (TF_VAR_account_id)."
  }
}

variable "alert_emails" {
  description = "Who gets a mail of alarms and of costs; each address gets a mail to confirm first."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "allowed_origins" {
  description = "Web origins whose scripts may call the API, or only \"*\" for any."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.allowed_origins) > 0
    error_message = "allowed_origins is empty: name at least one origin (https://app.example.com)."
  }
}

variable "api" {
  description = "The limits of one API key (requests at once, a day, a second), and whether this environment sets the account's role for API Gateway's logs (one API per account and region does)."
  type = object({
    burst_limit            = optional(number, 100)
    manage_account_logging = optional(bool, false)
    quota_per_day          = optional(number, 10000)
    rate_limit             = optional(number, 50)
  })
  default  = {}
  nullable = false
}

variable "api_key_secret" {
  description = "The secret with the API's key: days until the key is rotated (the previous key works until the next rotation), and days for which the deleted secret can be restored (0: deleted at once)."
  type = object({
    recovery_window_days = optional(number, 30)
    rotation_days        = optional(number, 90)
  })
  default  = {}
  nullable = false
}

variable "archive_after_days" {
  description = "Days after which archived uploads move to Glacier storage."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.archive_after_days >= 1 && floor(var.archive_after_days) == var.archive_after_days
    error_message = "archive_after_days is ${var.archive_after_days}: give a whole number of days, 1 or more."
  }
}

variable "artifacts_dir" {
  description = "The absolute path of the folder with one zip per function, named after it (create-invoice.zip)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^(/|[A-Za-z]:)", var.artifacts_dir))
    error_message = "artifacts_dir is \"${var.artifacts_dir}\": give an absolute path."
  }
}

variable "brand" {
  description = "The seller, as the PDF documents show it; empty values are left out."
  type = object({
    address = optional(string, "")
    email   = optional(string, "")
    iban    = optional(string, "")
    name    = string
    vat_id  = optional(string, "")
  })
  nullable = false

  validation {
    condition     = trimspace(var.brand.name) != ""
    error_message = "brand.name is \"${var.brand.name}\": give the seller's name, which every invoice must have (EN 16931, BT-27)."
  }

  validation {
    condition     = var.brand.email == "" || can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[A-Za-z]{2,}$", var.brand.email))
    error_message = "brand.email is \"${var.brand.email}\": give an address such as billing@example.com, or leave it empty."
  }

  validation {
    condition     = var.brand.iban == "" || can(regex("^[A-Z]{2}[0-9]{2}( ?[A-Z0-9]){11,30}$", var.brand.iban))
    error_message = "brand.iban is \"${var.brand.iban}\": give an IBAN such as DE89 3704 0044 0532 0130 00, or leave it empty."
  }
}

variable "closed_until" {
  description = "The last day of the closed accounting periods (2026-09-30): no invoice is issued on or before it; \"\" closes none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.closed_until == "" || can(formatdate("YYYY-MM-DD", "${var.closed_until}T00:00:00Z"))
    error_message = "closed_until is \"${var.closed_until}\": give a date such as 2026-09-30, or \"\"."
  }
}

variable "deletion_protection" {
  description = "Whether DynamoDB rejects the deletion of the table."
  type        = bool
  default     = true
  nullable    = false
}

variable "downstream_queue" {
  description = "Whether a queue subscribes to the downstream topic, in place of the systems downstream."
  type        = bool
  default     = false
  nullable    = false
}

variable "environment" {
  description = "The environment's name, with which every name ends."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}$", var.environment))
    error_message = "environment is \"${var.environment}\" (${length(var.environment)} characters): use 2 to 24 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "force_destroy" {
  description = "Whether destroying the environment also deletes the content of its buckets. For temporary environments only."
  type        = bool
  default     = false
  nullable    = false
}

variable "key_deletion_window_days" {
  description = "Days from the environment's destruction to the deletion of its key, after which nothing that the key encrypted can be read."
  type        = number
  default     = 30
  nullable    = false
}

variable "lambda_settings" {
  description = "Memory in MB, reserved concurrent executions and time-out in seconds of every function."
  type = object({
    memory_size          = number
    reserved_concurrency = number
    timeout              = number
  })
  nullable = false
}

variable "logging" {
  description = "The lowest level that the functions log, and the days for which every log group keeps its logs."
  type = object({
    level          = optional(string, "INFO")
    retention_days = optional(number, 30)
  })
  default  = {}
  nullable = false
}

variable "monthly_budget_usd" {
  description = "The monthly budget, in US dollars: notified at 80 and 100 per cent, and when 100 is forecast."
  type        = number
  nullable    = false
}

variable "payment_sources" {
  description = "Event sources whose invoice-paid events are recorded as payments; those of any other source reach nothing."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.payment_sources) > 0 && alltrue([for source in var.payment_sources : can(regex("^[A-Za-z0-9_./-]{1,256}$", source))])
    error_message = "payment_sources is ${jsonencode(var.payment_sources)}: name at least one source, each of letters, digits and _ . / -."
  }

  validation {
    condition     = !contains(var.payment_sources, "invoice.platform")
    error_message = "payment_sources is ${jsonencode(var.payment_sources)}: leave out invoice.platform, the platform's own source; its events would be recorded as payments again."
  }
}

variable "permissions_boundary" {
  description = "The policy that limits what any role of the environment may be granted; none when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.permissions_boundary == "" || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary is \"${var.permissions_boundary}\": give the ARN of a policy (arn:aws:iam::<account>:policy/<name>), or leave it empty (none)."
  }
}

variable "release" {
  description = "A release in stages, which the deploy writes: the published version that callers of a function keep, by its short name, and the share of their calls that the newest versions get. Other functions are on their newest version."
  type = object({
    stable = optional(map(string), {})
    weight = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.release.stable), keys(local._functions))) == 0
    error_message = "release.stable names ${join(", ", setsubtract(keys(var.release.stable), keys(local._functions)))}: give short names of functions (${join(", ", keys(local._functions))})."
  }
}

variable "replication" {
  description = "Whether documents and archives are copied to buckets in the region of the provider aws.replica."
  type        = bool
  default     = false
  nullable    = false
}

variable "reserved_concurrency" {
  description = "Reserved concurrent executions of single functions, in place of those in lambda_settings. create-invoice has a number of its own: the files that may arrive at the same time, and the requests that must not wait for them."
  type        = map(number)
  nullable    = false

  validation {
    condition     = lookup(var.reserved_concurrency, "create-invoice", 0) >= 2
    error_message = "reserved_concurrency is ${jsonencode(var.reserved_concurrency)}: give create-invoice 2 or more, one for an import and one for a request (docs/decisions/0011-imports-and-requests.md)."
  }

  validation {
    condition     = length(setsubtract(keys(var.reserved_concurrency), keys(local._functions))) == 0
    error_message = "reserved_concurrency names ${join(", ", setsubtract(keys(var.reserved_concurrency), keys(local._functions)))}: give short names of functions (${join(", ", keys(local._functions))})."
  }
}

variable "rules" {
  description = "What happens to an invoice that differs from its customer's others: \"accept\" or \"hold\", until an operator releases or voids it. For a second currency, a changed VAT id, and the content of another invoice under a new number."
  type = object({
    changed_vat_id      = optional(string, "hold")
    second_currency     = optional(string, "accept")
    suspected_duplicate = optional(string, "hold")
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for verdict in values(var.rules) : contains(["accept", "hold"], verdict)])
    error_message = "rules has the values ${join(", ", distinct(values(var.rules)))}: give \"accept\" or \"hold\"."
  }
}

variable "stream_record_age_hours" {
  description = "For how long a failing change of an invoice is tried again before its position goes to the dead-letter queue. The stream itself forgets it after 24 hours."
  type        = number
  default     = 6
  nullable    = false

  validation {
    condition     = var.stream_record_age_hours >= 1 && var.stream_record_age_hours <= 12 && floor(var.stream_record_age_hours) == var.stream_record_age_hours
    error_message = "stream_record_age_hours is ${var.stream_record_age_hours}: give 1 to 12 whole hours, so that half a day is left to read the record from the stream."
  }
}

variable "table" {
  description = "Provisioned capacity of the table and of every index, the limits of its auto-scaling, and point-in-time recovery."
  type = object({
    max_read_capacity      = optional(number, 100)
    max_write_capacity     = optional(number, 100)
    point_in_time_recovery = optional(bool, true)
    read_capacity          = number
    write_capacity         = number
  })
  nullable = false
}

variable "table_name" {
  description = "The table's name, while a restored table takes the place of the environment's own (docs/runbooks/restore.md); \"\" for invoices-<environment>."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.table_name == "" || can(regex("^invoices-([a-z0-9]+-)?${var.environment}$", var.table_name))
    error_message = "table_name is \"${var.table_name}\": use invoices-<lower-case letters and digits>-${var.environment}, or leave it empty. Policies and people find the environment's tables by such names."
  }
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
