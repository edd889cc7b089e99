variable "account_id" {
  description = "The account that owns the function; ARNs are built from it, so that a plan shows every policy in full."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account."
  }
}

variable "alias_name" {
  description = "The alias through which the function is called."
  type        = string
  default     = "live"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]*[A-Za-z_-][A-Za-z0-9_-]*$", var.alias_name))
    error_message = "alias_name is \"${var.alias_name}\": use letters, digits, hyphens and underscores, but not only digits (a version)."
  }
}

variable "architecture" {
  description = "The processor that the code is built for: arm64 or x86_64."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is \"${var.architecture}\": use arm64 or x86_64."
  }
}

variable "async" {
  description = "Asynchronous calls: how often a failed one is repeated, and its highest age in seconds, before it goes to the dead-letter queue."
  type = object({
    maximum_event_age_seconds = optional(number, 21600)
    maximum_retry_attempts    = optional(number, 2)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains([0, 1, 2], var.async.maximum_retry_attempts)
    error_message = "async.maximum_retry_attempts is ${var.async.maximum_retry_attempts}: give 0, 1 or 2."
  }

  validation {
    condition     = var.async.maximum_event_age_seconds >= 60 && var.async.maximum_event_age_seconds <= 21600
    error_message = "async.maximum_event_age_seconds is ${var.async.maximum_event_age_seconds}: give 60 to 21600 seconds."
  }
}

variable "code" {
  description = "The deployment package: an object in a bucket, under the SHA-256 of its content. A new key publishes a new function version and moves the alias."
  type = object({
    bucket = string
    key    = string
  })
  nullable = false

  validation {
    condition     = can(regex("(^|/)[0-9a-f]{64}\\.zip$", var.code.key))
    error_message = "code.key is \"${var.code.key}\": end it with the zip's SHA-256 in 64 lower-case hexadecimal digits and .zip, so that other content has another key."
  }
}

variable "dead_letter_retention_days" {
  description = "Days for which the dead-letter queue keeps messages."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.dead_letter_retention_days >= 1 && var.dead_letter_retention_days <= 14
    error_message = "dead_letter_retention_days is ${var.dead_letter_retention_days}: give 1 to 14 days."
  }
}

variable "description" {
  description = "The function's task, in one line."
  type        = string
  default     = ""
  nullable    = false
}

variable "environment" {
  description = "Environment variables of the function."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]+$", name))])
    error_message = "environment names [${join(", ", keys(var.environment))}]: use two or more letters, digits and underscores, starting with a letter."
  }
}

variable "event_sources" {
  description = "Streams that Lambda reads for the function, by name. Records that keep failing are repeated until they are too old; then their positions go to the dead-letter queue, whose URL the function finds in DEAD_LETTER_QUEUE_URL. Grant the reading in statements."
  type = map(object({
    arn                          = string
    batch_size                   = optional(number, 25)
    bisect_batch                 = optional(bool, true)
    maximum_batching_window      = optional(number, 0)
    maximum_record_age_seconds   = optional(number, 21600)
    maximum_retry_attempts       = optional(number, -1)
    parallelization_factor       = optional(number, 1)
    report_batch_item_failures   = optional(bool, true)
    starting_position            = optional(string, "TRIM_HORIZON")
    tumbling_window_size_seconds = optional(number, 0)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for source in values(var.event_sources) : can(regex("^arn:aws[a-z-]*:(dynamodb|kinesis):[a-z0-9-]+:[0-9]{12}:(table/[^/]+/stream/.+|stream/.+)$", source.arn))])
    error_message = "event_sources reads [${join(", ", values(var.event_sources)[*].arn)}]: give the ARN of a DynamoDB or Kinesis stream."
  }

  validation {
    condition = alltrue([
      for source in values(var.event_sources) :
      source.parallelization_factor >= 1 && source.parallelization_factor <= 10 &&
      source.maximum_batching_window >= 0 && source.maximum_batching_window <= 300 &&
      source.tumbling_window_size_seconds >= 0 && source.tumbling_window_size_seconds <= 900
    ])
    error_message = "event_sources is ${jsonencode(var.event_sources)}: give parallelization_factor 1 to 10, maximum_batching_window 0 to 300 s, tumbling_window_size_seconds 0 to 900."
  }

  validation {
    condition     = alltrue([for source in values(var.event_sources) : source.maximum_record_age_seconds == -1 || (source.maximum_record_age_seconds >= 60 && source.maximum_record_age_seconds <= 604800)])
    error_message = "event_sources drops records after [${join(", ", values(var.event_sources)[*].maximum_record_age_seconds)}] seconds: give 60 to 604800, or -1 (as long as the stream keeps them)."
  }

  validation {
    condition     = alltrue([for source in values(var.event_sources) : contains(["LATEST", "TRIM_HORIZON"], source.starting_position)])
    error_message = "event_sources starts at [${join(", ", values(var.event_sources)[*].starting_position)}]: use TRIM_HORIZON or LATEST."
  }

  validation {
    condition     = alltrue([for source in values(var.event_sources) : source.batch_size >= 1 && source.batch_size <= 10000])
    error_message = "event_sources has the batch sizes [${join(", ", values(var.event_sources)[*].batch_size)}]: give 1 to 10000 records."
  }

  validation {
    condition     = alltrue([for source in values(var.event_sources) : source.maximum_retry_attempts >= -1 && source.maximum_retry_attempts <= 10000])
    error_message = "event_sources retries [${join(", ", values(var.event_sources)[*].maximum_retry_attempts)}] times: give 0 to 10000, or -1 (until a record is too old)."
  }

  validation {
    condition     = alltrue([for source in values(var.event_sources) : source.maximum_retry_attempts >= 0 || source.maximum_record_age_seconds >= 0])
    error_message = "event_sources has maximum_retry_attempts = -1 and maximum_record_age_seconds = -1 together: one bad record would block its shard for a day, so limit one of them."
  }
}

variable "handler" {
  description = "The Python function that Lambda calls: <module path>.<function>."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z_][A-Za-z0-9_]*([./][A-Za-z_][A-Za-z0-9_]*)+$", var.handler))
    error_message = "handler is \"${var.handler}\": give module path and function (\"create_invoice.handler.lambda_handler\")."
  }
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts the environment variables; Lambda's AWS-managed key when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is \"${var.kms_key_arn}\": give the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>), or leave it empty (AWS-managed key)."
  }
}

variable "logging" {
  description = "JSON logs: the lowest level kept of the code and of Lambda itself, and days of retention."
  type = object({
    application_level = optional(string, "INFO")
    retention_days    = optional(number, 30)
    system_level      = optional(string, "INFO")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"], var.logging.application_level)
    error_message = "logging.application_level is \"${var.logging.application_level}\": use TRACE, DEBUG, INFO, WARN, ERROR or FATAL."
  }

  validation {
    condition     = contains(["DEBUG", "INFO", "WARN"], var.logging.system_level)
    error_message = "logging.system_level is \"${var.logging.system_level}\": use DEBUG, INFO or WARN."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logging.retention_days)
    error_message = "logging.retention_days is ${var.logging.retention_days}: CloudWatch Logs takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653, not 0 (forever)."
  }
}

variable "memory_size" {
  description = "Memory in MB, which also sets the share of processor time."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "memory_size is ${var.memory_size}: give 128 to 10240 MB."
  }
}

variable "name" {
  description = "The name of the function, its role, its log group and its dead-letter queue (with -dlq)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,60}$", var.name))
    error_message = "name is \"${var.name}\" (${length(var.name)} characters): use 1 to 60 letters, digits, hyphens and underscores."
  }
}

variable "permissions" {
  description = "Who may call the alias, by statement id: the service's principal, and the ARN of the calling resource."
  type = map(object({
    principal  = string
    source_arn = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for permission in values(var.permissions) : can(regex("^[a-z0-9.-]+\\.amazonaws\\.com$", permission.principal))])
    error_message = "permissions names the principals [${join(", ", values(var.permissions)[*].principal)}]: give AWS service principals (events.amazonaws.com), not \"*\"."
  }

  validation {
    condition     = alltrue([for permission in values(var.permissions) : startswith(permission.source_arn, "arn:")])
    error_message = "permissions has the sources [${join(", ", values(var.permissions)[*].source_arn)}]: give the ARN of each calling rule, bucket or API, so that no other can."
  }
}

variable "permissions_boundary" {
  description = "The policy that limits what the function's role may be granted; none when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.permissions_boundary == "" || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary is \"${var.permissions_boundary}\": give the ARN of a policy (arn:aws:iam::<account>:policy/<name>), or leave it empty (none)."
  }
}

variable "release" {
  description = "A release in stages: the published version that callers keep, and the share of the calls that the newest version gets, from 0 (none) to less than 1. Without a stable version the newest version gets all calls."
  type = object({
    stable_version = optional(string, "")
    weight         = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.release.stable_version == "" || can(regex("^[1-9][0-9]*$", var.release.stable_version))
    error_message = "release.stable_version is \"${var.release.stable_version}\": give the number of a published version, or \"\" (all calls to the newest)."
  }

  validation {
    condition     = var.release.weight >= 0 && var.release.weight < 1
    error_message = "release.weight is ${var.release.weight}: give a share of the calls from 0 to less than 1, or leave out stable_version (all calls to the newest)."
  }
}

variable "reserved_concurrency" {
  description = "Concurrent executions that are reserved for the function, and its limit."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "reserved_concurrency is ${var.reserved_concurrency}: give a whole number, 1 or more (0 stops the function; -1 lets it take the others' share)."
  }
}

variable "runtime" {
  description = "The Lambda runtime."
  type        = string
  default     = "python3.13"
  nullable    = false

  validation {
    condition     = contains(["python3.11", "python3.12", "python3.13"], var.runtime)
    error_message = "runtime is \"${var.runtime}\": use python3.11, python3.12 or python3.13."
  }
}

variable "schedules" {
  description = "When the clock starts the function, by name: the expression (rate(1 hour), or cron(0 4 * * ? *) in UTC), and the event in JSON."
  type = map(object({
    description = optional(string, "")
    event       = string
    expression  = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.schedules) : can(regex("^[a-z][a-z0-9-]{0,19}$", name))])
    error_message = "schedules has the names [${join(", ", keys(var.schedules))}]: use 1 to 20 lower-case letters, digits and hyphens, starting with a letter."
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\(([^ ]+ ){5}[^ ]+\\))$", schedule.expression))])
    error_message = "schedules has the expressions [${join(", ", values(var.schedules)[*].expression)}]: give rate(1 hour), rate(5 minutes) or cron() with six fields."
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : can(keys(jsondecode(schedule.event)))])
    error_message = "schedules has the events [${join(", ", values(var.schedules)[*].event)}]: give JSON objects."
  }
}

variable "statements" {
  description = "The function's grants, by statement id: actions on resources, under conditions. Its log group, queue and traces are granted by the module."
  type = map(object({
    actions = list(string)
    conditions = optional(map(object({
      test   = string
      values = list(string)
    })), {})
    resources = list(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue(flatten([for statement in values(var.statements) : [for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Za-z0-9]+$", action))]]))
    error_message = "statements grants [${join(", ", flatten(values(var.statements)[*].actions))}]: name each action in full (service:Action), without wildcards."
  }

  validation {
    condition     = alltrue(flatten([for statement in values(var.statements) : [for resource in statement.resources : startswith(resource, "arn:")]]))
    error_message = "statements names the resources [${join(", ", flatten(values(var.statements)[*].resources))}]: give each resource's ARN, not \"*\"."
  }

  validation {
    condition     = alltrue([for statement in values(var.statements) : length(statement.actions) > 0 && length(statement.resources) > 0])
    error_message = "statements is ${jsonencode(var.statements)}: give each statement at least one action and one resource."
  }

  validation {
    condition     = alltrue([for sid in keys(var.statements) : can(regex("^[A-Za-z0-9]+$", sid))])
    error_message = "statements has the ids [${join(", ", keys(var.statements))}]: use letters and digits only."
  }
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "timeout" {
  description = "Seconds after which Lambda stops one execution."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 900 && floor(var.timeout) == var.timeout
    error_message = "timeout is ${var.timeout}: give 1 to 900 seconds."
  }
}
