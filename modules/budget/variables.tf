variable "account_id" {
  description = "The account whose costs are watched."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account."
  }
}

variable "emails" {
  description = "Addresses that get a mail when a threshold is passed."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "emails is [${join(", ", var.emails)}]: give addresses such as billing@example.com."
  }

  validation {
    condition     = length(var.emails) <= 10
    error_message = "emails has ${length(var.emails)} entries: AWS Budgets takes 10 addresses; use a topic for more."
  }

  validation {
    condition     = length(var.emails) + length(var.topic_arns) > 0
    error_message = "emails and topic_arns are both empty: give at least one, or there are no notifications."
  }
}

variable "environment" {
  description = "The environment whose costs are watched, by the tag Environment (to be activated as a cost allocation tag); the whole account when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.:/=+@-]{0,256}$", var.environment))
    error_message = "environment is \"${var.environment}\": give the value of the tag Environment, or leave it empty for the whole account."
  }
}

variable "monthly_limit_usd" {
  description = "The limit of a month's costs, in US dollars."
  type        = number
  nullable    = false

  validation {
    condition     = var.monthly_limit_usd > 0
    error_message = "monthly_limit_usd is ${var.monthly_limit_usd}: give an amount above 0."
  }
}

variable "name" {
  description = "The budget's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_. -]{1,100}$", var.name))
    error_message = "name is \"${var.name}\": use 1 to 100 letters, digits, spaces, dots, hyphens and underscores."
  }
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "thresholds" {
  description = "Percentages of the limit at which subscribers are notified: of actual costs, and of AWS's forecast for the month."
  type = object({
    actual   = optional(list(number), [80, 100])
    forecast = optional(list(number), [100])
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for per_cent in concat(var.thresholds.actual, var.thresholds.forecast) : per_cent > 0 && per_cent <= 1000])
    error_message = "thresholds is ${jsonencode(var.thresholds)}: give percentages of the limit, above 0 and up to 1000."
  }

  validation {
    condition     = length(var.thresholds.actual) + length(var.thresholds.forecast) >= 1 && length(var.thresholds.actual) + length(var.thresholds.forecast) <= 10
    error_message = "thresholds has ${length(var.thresholds.actual) + length(var.thresholds.forecast)} entries: AWS Budgets takes 1 to 10 notifications per budget."
  }

  validation {
    condition     = length(distinct(var.thresholds.actual)) == length(var.thresholds.actual) && length(distinct(var.thresholds.forecast)) == length(var.thresholds.forecast)
    error_message = "thresholds is ${jsonencode(var.thresholds)}: give each percentage once."
  }
}

variable "topic_arns" {
  description = "The SNS topic that is notified when a threshold is passed, one at most; its policy must admit budgets.amazonaws.com."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))])
    error_message = "topic_arns is [${join(", ", var.topic_arns)}]: give an SNS topic's ARN (arn:aws:sns:<region>:<account>:<name>)."
  }

  validation {
    condition     = length(var.topic_arns) <= 1
    error_message = "topic_arns has ${length(var.topic_arns)} entries: AWS Budgets takes one; subscribe the others to it."
  }
}
