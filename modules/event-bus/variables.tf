variable "account_id" {
  description = "The account that owns the bus; ARNs are built from it, so that a plan shows every policy in full."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account."
  }
}

variable "archive_retention_days" {
  description = "Days for which the archive keeps every event of the bus for replay; 0 keeps them forever."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.archive_retention_days >= 0 && floor(var.archive_retention_days) == var.archive_retention_days
    error_message = "archive_retention_days is ${var.archive_retention_days}: give a whole number of days, or 0 (forever)."
  }
}

variable "description" {
  description = "The bus's content, in one line."
  type        = string
  default     = ""
  nullable    = false
}

variable "name" {
  description = "The name of the bus and of its archive."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{1,48}$", var.name)) && var.name != "default"
    error_message = "name is \"${var.name}\": use 1 to 48 letters, digits, dots, hyphens and underscores, and not \"default\"."
  }
}

variable "rules" {
  description = "Rules by name. An event matches if its source is in sources, its detail-type is in detail_types, and its detail fits the JSON pattern detail. Each target has its own retry policy and dead-letter queue."
  type = map(object({
    description  = optional(string, "")
    detail       = optional(string, "")
    detail_types = optional(list(string), [])
    sources      = list(string)
    targets = map(object({
      arn                       = string
      maximum_event_age_seconds = optional(number, 86400)
      maximum_retry_attempts    = optional(number, 185)
      type                      = string
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.rules) : can(regex("^[A-Za-z0-9_.-]{1,64}$", name))])
    error_message = "rules names [${join(", ", keys(var.rules))}]: use 1 to 64 letters, digits, dots, hyphens and underscores."
  }

  # Whoever may publish on the bus names any source but AWS's own: a rule for every source would trust all of them.
  validation {
    condition     = alltrue([for rule in values(var.rules) : length(rule.sources) > 0])
    error_message = "rules has the sources ${jsonencode({ for name, rule in var.rules : name => rule.sources })}: name at least one source for each rule."
  }

  validation {
    condition     = alltrue([for rule in values(var.rules) : rule.detail == "" || can(keys(jsondecode(rule.detail)))])
    error_message = "rules has the details [${join(", ", [for rule in values(var.rules) : rule.detail])}]: give a JSON object (jsonencode({ status = [\"paid\"] }))."
  }

  validation {
    condition     = alltrue([for rule in values(var.rules) : length(rule.targets) >= 1 && length(rule.targets) <= 5])
    error_message = "rules has the target counts ${jsonencode({ for name, rule in var.rules : name => length(rule.targets) })}: give 1 to 5 targets for each rule."
  }

  validation {
    condition = alltrue(flatten([
      for name, rule in var.rules : [
        for target in keys(rule.targets) :
        !can(regex("^[A-Za-z0-9_.-]{1,64}$", name)) || can(regex("^[A-Za-z0-9_-]{1,80}$", "${name}-${target}-dlq"))
      ]
    ]))
    error_message = "rules creates the dead-letter queues [${join(", ", flatten([for name, rule in var.rules : [for target in keys(rule.targets) : "${name}-${target}-dlq"]]))}]: shorten the name of rule or target and use no dots (SQS: 1 to 80 letters, digits, hyphens and underscores)."
  }

  validation {
    condition     = alltrue(flatten([for rule in values(var.rules) : [for target in values(rule.targets) : contains(["lambda", "sns", "sqs"], target.type)]]))
    error_message = "rules has the target types [${join(", ", flatten([for rule in values(var.rules) : values(rule.targets)[*].type]))}]: use lambda, sns or sqs."
  }

  validation {
    condition = alltrue(flatten([
      for rule in values(var.rules) : [
        for target in values(rule.targets) :
        target.type != "lambda" || can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$", target.arn))
      ]
    ]))
    error_message = "rules has the lambda targets [${join(", ", flatten([for name, rule in var.rules : [for key, target in rule.targets : "${name}/${key}" if target.type == "lambda"]]))}]: end the ARN in an alias (arn:aws:lambda:<region>:<account>:function:<name>:<alias>)."
  }

  validation {
    condition = alltrue(flatten([
      for rule in values(var.rules) : [
        for target in values(rule.targets) :
        target.maximum_retry_attempts >= 0 && target.maximum_retry_attempts <= 185 && target.maximum_event_age_seconds >= 60 && target.maximum_event_age_seconds <= 86400
      ]
    ]))
    error_message = "rules has the retry policies ${jsonencode(flatten([for rule in values(var.rules) : [for target in values(rule.targets) : { attempts = target.maximum_retry_attempts, age = target.maximum_event_age_seconds }]]))}: give 0 to 185 attempts and an age of 60 to 86400 seconds."
  }
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
