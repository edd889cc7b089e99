variable "account_id" {
  description = "The account that owns what is watched; ARNs are built from it, so that a plan shows policy and dashboard in full."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account."
  }
}

variable "alarm_actions" {
  description = "ARNs that every alarm notifies, when it starts and when it ends. When empty, the module creates a topic."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_actions : startswith(arn, "arn:")])
    error_message = "alarm_actions is [${join(", ", var.alarm_actions)}]: give ARNs, such as a topic's, or leave it empty (the module then creates a topic)."
  }

  validation {
    condition     = length(var.alarm_actions) <= 5
    error_message = "alarm_actions has ${length(var.alarm_actions)} entries: give 5 at most; subscribe the others to a topic."
  }
}

variable "apis" {
  description = "REST APIs by a name of your choice: the API's name and stage. Alarm: server errors (5xx)."
  type = map(object({
    api_name = string
    stage    = string
  }))
  default  = {}
  nullable = false
}

variable "buckets" {
  description = "Buckets by a name of your choice: the bucket's name and the id of its request metrics, which must be enabled. Alarm: rejected requests (4xx)."
  type = map(object({
    bucket_name    = string
    metrics_filter = optional(string, "EntireBucket")
  }))
  default  = {}
  nullable = false
}

variable "counts" {
  description = "Counters of the code that somebody has to act on, by a name of your choice: namespace, metric, the service that counts, and what to do, as the alarm's description. With statistic = \"Maximum\" it is a number that the code measures every now and then; the period must be longer than that. Alarm: anything counted within a period."
  type = map(object({
    description = string
    metric      = string
    namespace   = string
    period      = optional(number, 300)
    service     = string
    statistic   = optional(string, "Sum")
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for count in values(var.counts) : !startswith(count.namespace, "AWS/")])
    error_message = "counts has the namespaces [${join(", ", [for count in values(var.counts) : count.namespace])}]: metrics in AWS/ are not counted by your code."
  }

  validation {
    condition     = alltrue([for count in values(var.counts) : contains(["Maximum", "Sum"], count.statistic)])
    error_message = "counts has the statistics [${join(", ", values(var.counts)[*].statistic)}]: use Sum for what is counted, Maximum for what is measured."
  }

  validation {
    condition     = alltrue([for count in values(var.counts) : count.period >= 60 && count.period <= 3600 && count.period % 60 == 0])
    error_message = "counts has the periods [${join(", ", values(var.counts)[*].period)}]: give 60 to 3600 seconds, a multiple of 60."
  }
}

variable "emails" {
  description = "Addresses that the alarms' topic notifies; each gets a mail to confirm."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "emails is [${join(", ", var.emails)}]: give addresses such as ops@example.com."
  }

  validation {
    condition     = length(var.emails) == 0 || length(var.alarm_actions) == 0
    error_message = "emails is [${join(", ", var.emails)}] while alarm_actions are set: subscribe the addresses to your own topic, because the module creates none."
  }
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

variable "functions" {
  description = "Functions by a name of your choice: name, time-out in seconds, dead-letter queue (none when empty), and whether it reads a stream. Alarms: errors, throttles, duration, queue depth, age of the stream's records."
  type = map(object({
    dead_letter_queue = optional(string, "")
    function_name     = string
    reads_stream      = optional(bool, false)
    timeout           = number
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for function in values(var.functions) : function.timeout >= 1 && function.timeout <= 900])
    error_message = "functions has the time-outs ${jsonencode({ for name, function in var.functions : name => function.timeout })}: give 1 to 900 seconds."
  }
}

variable "kms_key_arn" {
  description = "Customer-managed key of the alarms' topic; its policy must admit cloudwatch.amazonaws.com. When empty, the topic is not encrypted at rest, because CloudWatch cannot publish to a topic with the AWS-managed key."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is \"${var.kms_key_arn}\": give the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>), or leave it empty."
  }
}

variable "name" {
  description = "The subject: the dashboard is named <name>-<environment>, and the names of alarms and topic start with it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.name))
    error_message = "name is \"${var.name}\": use 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "publishers" {
  description = "AWS services besides CloudWatch that may publish to the alarms' topic for this account: the first part of the principal (\"budgets\")."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.publishers : can(regex("^[a-z0-9]+$", name))])
    error_message = "publishers is [${join(", ", var.publishers)}]: give the first part of each service principal (\"budgets\" for budgets.amazonaws.com)."
  }
}

variable "queues" {
  description = "Dead-letter queues besides those of the functions, by a name of your choice: the queue's name. Alarm: depth."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection(keys(var.queues), [for name, function in var.functions : name if function.dead_letter_queue != ""])) == 0
    error_message = "queues uses the names [${join(", ", keys(var.queues))}], and a function with a dead-letter queue uses one of them too: give each queue another name."
  }
}

variable "stalls" {
  description = "Work that stands still, by a name of your choice: a metric that the code measures of what waits, metrics that it counts of what is done, their namespace and service, and what to do, as the alarm's description. Alarm: something waited within an hour, and nothing was done."
  type = map(object({
    description = string
    done        = list(string)
    namespace   = string
    service     = string
    waiting     = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for stall in values(var.stalls) : length(stall.done) >= 1 && length(stall.done) <= 9])
    error_message = "stalls counts what is done by ${jsonencode(values(var.stalls)[*].done)}: give 1 to 9 metrics each, since an alarm reads ten."
  }

  validation {
    condition     = alltrue([for stall in values(var.stalls) : !startswith(stall.namespace, "AWS/")])
    error_message = "stalls has the namespaces [${join(", ", values(var.stalls)[*].namespace)}]: metrics in AWS/ are not counted by your code."
  }
}

variable "tables" {
  description = "DynamoDB tables by a name of your choice: the table's name. Alarm: throttled requests."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "thresholds" {
  description = "The values above which alarms start: 5xx of an API, 4xx of a bucket and throttles of a function per minute; throttled requests of a table in 5 minutes; minutes since a stream's record was written; failed invocations in per cent; p95 duration in per cent of the time-out; messages in a dead-letter queue."
  type = object({
    api_5xx_per_minute        = optional(number, 0)
    bucket_4xx_per_minute     = optional(number, 10)
    function_duration_percent = optional(number, 80)
    function_error_percent    = optional(number, 1)
    function_throttles        = optional(number, 0)
    queue_depth               = optional(number, 0)
    stream_age_minutes        = optional(number, 30)
    table_throttled_requests  = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for value in values(var.thresholds) : value >= 0])
    error_message = "thresholds is ${jsonencode(var.thresholds)}: give 0 or more."
  }

  validation {
    condition     = var.thresholds.function_duration_percent < 100 && var.thresholds.function_error_percent < 100
    error_message = "thresholds is ${jsonencode(var.thresholds)}: give less than 100 for function_duration_percent and function_error_percent, or their alarms never start."
  }
}
