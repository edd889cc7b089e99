variable "account_id" {
  description = "The account that owns the secret; only its Secrets Manager may call the rotation function."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account."
  }
}

variable "description" {
  description = "The use of the secret, in one line."
  type        = string
  nullable    = false
}

variable "initial_value" {
  description = "The members of the first value, a JSON object (no value when empty). It is written once and is in neither plan nor state; later changes are ignored."
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts the secret; the AWS-managed key aws/secretsmanager when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is \"${var.kms_key_arn}\": give the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>), or leave it empty (AWS-managed key)."
  }
}

variable "name" {
  description = "The secret's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9/_+=.@-]{1,512}$", var.name)) && !can(regex("-[A-Za-z0-9]{6}$", var.name))
    error_message = "name is \"${var.name}\": use 1 to 512 letters, digits and /_+=.@-, but not a hyphen and six characters at the end (as ARNs of secrets have)."
  }
}

variable "recovery_window_days" {
  description = "Days for which a deleted secret can be restored and its name stays taken; 0 deletes at once."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30 && floor(var.recovery_window_days) == var.recovery_window_days)
    error_message = "recovery_window_days is ${var.recovery_window_days}: give 7 to 30 whole days, or 0 (deleted at once)."
  }
}

variable "replica_regions" {
  description = "Regions with a replica: name to the ARN of the key there (the AWS-managed key when empty)."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for region in keys(var.replica_regions) : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "replica_regions names [${join(", ", keys(var.replica_regions))}]: give region names such as us-west-2."
  }

  validation {
    condition     = alltrue([for region, arn in var.replica_regions : arn == "" || can(regex("^arn:aws[a-z-]*:kms:${region}:[0-9]{12}:key/.+$", arn))])
    error_message = "replica_regions is ${jsonencode(var.replica_regions)}: give keys of the replica's region (arn:aws:kms:<region>:<account>:key/<id>), or leave them empty."
  }
}

variable "rotation" {
  description = "Rotation by a function: its alias's ARN (no rotation when empty; known at plan, as alias_arn of the module lambda), the interval in days, and whether the first rotation runs at once."
  type = object({
    after_days   = optional(number, 30)
    function_arn = optional(string, "")
    immediately  = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.rotation.after_days >= 1 && var.rotation.after_days <= 1000 && floor(var.rotation.after_days) == var.rotation.after_days
    error_message = "rotation.after_days is ${var.rotation.after_days}: give 1 to 1000 whole days."
  }

  validation {
    condition     = var.rotation.function_arn == "" || can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$", var.rotation.function_arn))
    error_message = "rotation.function_arn is \"${var.rotation.function_arn}\": end it in an alias (arn:aws:lambda:<region>:<account>:function:<name>:<alias>)."
  }
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
