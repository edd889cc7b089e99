variable "allow_credentials" {
  description = "Whether browsers may send cookies and authorization."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.allow_credentials || !contains(var.allow_origins, "*")
    error_message = "allow_credentials is true and allow_origins has \"*\": name the origins, because browsers reject that pair."
  }
}

variable "allow_headers" {
  description = "Request headers that scripts of the allowed origins may send."
  type        = list(string)
  default     = ["Content-Type", "Idempotency-Key", "X-Amzn-Trace-Id", "X-Api-Key"]
  nullable    = false

  validation {
    condition     = alltrue([for header in var.allow_headers : can(regex("^[A-Za-z0-9-]+$", header))])
    error_message = "allow_headers is [${join(", ", var.allow_headers)}]: give header names of letters, digits and hyphens."
  }
}

variable "allow_origins" {
  description = "Origins whose scripts may call the API (scheme, host, port, no path), or only \"*\" for any."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.allow_origins) > 0
    error_message = "allow_origins is empty: name at least one origin, or leave this module out."
  }

  validation {
    condition     = alltrue([for origin in var.allow_origins : origin == "*" || can(regex("^https?://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "allow_origins is [${join(", ", var.allow_origins)}]: give scheme, host and port in lower case, without a path or a slash at the end (https://app.example.com)."
  }

  validation {
    condition     = !contains(var.allow_origins, "*") || length(var.allow_origins) == 1
    error_message = "allow_origins is [${join(", ", var.allow_origins)}]: \"*\" already allows every origin, so remove it, or all others."
  }
}

variable "expose_headers" {
  description = "Response headers that scripts may read."
  type        = list(string)
  default     = ["Location", "X-Amzn-RequestId"]
  nullable    = false

  validation {
    condition     = alltrue([for header in var.expose_headers : can(regex("^[A-Za-z0-9-]+$", header))])
    error_message = "expose_headers is [${join(", ", var.expose_headers)}]: give header names of letters, digits and hyphens."
  }
}

variable "max_age_seconds" {
  description = "Seconds for which a browser may cache the response to a preflight."
  type        = number
  default     = 600
  nullable    = false

  validation {
    condition     = var.max_age_seconds >= 0 && var.max_age_seconds <= 86400
    error_message = "max_age_seconds is ${var.max_age_seconds}: give 0 to 86400 (a day, the longest that any browser keeps it)."
  }
}

variable "resources" {
  description = "Resources that get a preflight, by path: the resource's id and its methods."
  type = map(object({
    id      = string
    methods = list(string)
  }))
  nullable = false
}

variable "rest_api_id" {
  description = "The REST API that the resources belong to."
  type        = string
  nullable    = false
}
