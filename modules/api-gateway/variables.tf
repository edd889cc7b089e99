variable "deployment_triggers" {
  description = "Fingerprints of what other modules add to this API, such as preflight methods. The API is deployed after they exist, and again when one changes."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "description" {
  description = "What the API is for, in one line."
  type        = string
  default     = ""
  nullable    = false
}

variable "gateway_response_headers" {
  description = "Headers of every error that the gateway itself returns: name to mapping, such as \"'*'\" (quoted text) or \"method.request.header.Origin\"."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for mapping in values(var.gateway_response_headers) : can(regex("^('[^']*'|(method\\.request|context|stageVariables)\\..+)$", mapping))])
    error_message = "gateway_response_headers is ${jsonencode(var.gateway_response_headers)}: give text in single quotes (\"'*'\") or a mapping (method.request.header.Origin)."
  }
}

variable "logging" {
  description = "Access and execution logs: the execution level (OFF, ERROR or INFO) and days of retention."
  type = object({
    level          = optional(string, "INFO")
    retention_days = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["OFF", "ERROR", "INFO"], var.logging.level)
    error_message = "logging.level is \"${var.logging.level}\": use OFF, ERROR or INFO."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logging.retention_days)
    error_message = "logging.retention_days is ${var.logging.retention_days}: CloudWatch Logs takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653, not 0 (forever)."
  }
}

variable "manage_account_logging" {
  description = "Whether this API sets the role with which API Gateway writes logs. An account has one such setting per region: let exactly one API set it."
  type        = bool
  default     = false
  nullable    = false
}

variable "models" {
  description = "Request bodies: a model's name (letters and digits) to its JSON Schema, draft 4."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.models) : can(regex("^[A-Za-z0-9]+$", name))])
    error_message = "models names [${join(", ", keys(var.models))}]: API Gateway takes letters and digits only."
  }

  validation {
    condition     = alltrue([for schema in values(var.models) : can(keys(jsondecode(schema)))])
    error_message = "models has a schema among [${join(", ", keys(var.models))}] that is not a JSON object: give a JSON Schema for each."
  }
}

variable "name" {
  description = "The API's name; its key, usage plan and log groups are named after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,48}$", var.name))
    error_message = "name is \"${var.name}\": use 1 to 48 letters, digits, dots, hyphens and underscores."
  }
}

variable "permissions_boundary" {
  description = "The policy that limits what the role for the account's logs may be granted; none when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.permissions_boundary == "" || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary is \"${var.permissions_boundary}\": give the ARN of a policy (arn:aws:iam::<account>:policy/<name>), or leave it empty (none)."
  }
}

variable "routes" {
  description = "Methods by a name of your choice. parameters map a name (\"method.request.querystring.limit\") to whether it is required, model checks the JSON body, path has up to three segments, and throttle replaces the usage plan's limits."
  type = map(object({
    alias_arn        = string
    api_key_required = optional(bool, true)
    method           = string
    model            = optional(string, "")
    parameters       = optional(map(bool), {})
    path             = string
    throttle = optional(object({
      burst_limit = optional(number, -1)
      rate_limit  = optional(number, -1)
    }), {})
  }))
  nullable = false

  validation {
    condition     = length(var.routes) > 0
    error_message = "routes is empty: give at least one, because API Gateway cannot deploy an API without a method."
  }

  validation {
    condition     = alltrue([for route in values(var.routes) : contains(["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"], route.method)])
    error_message = "routes has the methods [${join(", ", values(var.routes)[*].method)}]: use DELETE, GET, HEAD, PATCH, POST or PUT (OPTIONS: module api-gateway-cors)."
  }

  validation {
    condition     = alltrue([for route in values(var.routes) : can(regex("^(/([A-Za-z0-9._-]+|\\{[A-Za-z0-9._-]+\\+?\\})){1,3}$", route.path))])
    error_message = "routes has the paths [${join(", ", values(var.routes)[*].path)}]: give one to three segments, each a word or a {parameter} (/invoices/{id})."
  }

  validation {
    condition = length(distinct(flatten([
      for route in values(var.routes) : [for index, _ in split("/", route.path) : join("/", slice(split("/", route.path), 0, index + 1))]
      ]))) == length(distinct(flatten([
      for route in values(var.routes) : [for index, _ in split("/", route.path) : replace(join("/", slice(split("/", route.path), 0, index + 1)), "/\\{[^/]*\\}/", "{}")]
    ])))
    error_message = "routes has the paths [${join(", ", values(var.routes)[*].path)}]: give a parameter the same name in all of them, because API Gateway allows one below each parent."
  }

  validation {
    condition     = length(distinct([for route in values(var.routes) : "${route.method} ${route.path}"])) == length(var.routes)
    error_message = "routes repeats a method and path: [${join(", ", [for route in values(var.routes) : "${route.method} ${route.path}"])}]; keep one of each."
  }

  validation {
    condition = alltrue([
      for route in values(var.routes) :
      can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$", route.alias_arn))
    ])
    error_message = "routes calls [${join(", ", values(var.routes)[*].alias_arn)}]: end every alias_arn in an alias (arn:aws:lambda:<region>:<account>:function:<name>:<alias>)."
  }

  validation {
    condition     = alltrue([for route in values(var.routes) : route.model == "" || contains(keys(var.models), route.model)])
    error_message = "routes uses the models [${join(", ", compact(values(var.routes)[*].model))}], but models has [${join(", ", keys(var.models))}]: add what is missing."
  }

  validation {
    condition = alltrue(flatten([
      for route in values(var.routes) :
      [for parameter in keys(route.parameters) : can(regex("^method\\.request\\.(header|multivaluequerystring|path|querystring)\\.[A-Za-z0-9._-]+$", parameter))]
    ]))
    error_message = "routes has the parameters [${join(", ", flatten([for route in values(var.routes) : keys(route.parameters)]))}]: write method.request.<querystring, header or path>.<name>."
  }

  validation {
    condition = alltrue([
      for route in values(var.routes) :
      (route.throttle.burst_limit == -1 || route.throttle.burst_limit >= 0) && (route.throttle.rate_limit == -1 || route.throttle.rate_limit >= 0) && floor(route.throttle.burst_limit) == route.throttle.burst_limit
    ])
    error_message = "routes throttles ${jsonencode({ for name, route in var.routes : name => route.throttle })}: give a whole burst_limit and a rate_limit of 0 (nothing gets through) or more, or -1 (the usage plan's)."
  }
}

variable "stage_name" {
  description = "The stage, the first part of every path."
  type        = string
  default     = "v1"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,128}$", var.stage_name))
    error_message = "stage_name is \"${var.stage_name}\": use 1 to 128 letters, digits, hyphens and underscores."
  }
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "usage_plan" {
  description = "The limits of one API key: requests at once, requests a day, and requests a second over time."
  type = object({
    burst_limit   = optional(number, 100)
    quota_per_day = optional(number, 10000)
    rate_limit    = optional(number, 50)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.usage_plan.burst_limit > 0 && var.usage_plan.quota_per_day > 0 && var.usage_plan.rate_limit > 0
    error_message = "usage_plan is ${jsonencode(var.usage_plan)}: give each limit a value above 0."
  }
}
