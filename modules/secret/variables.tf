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
  description = "What the secret opens, in one line."
  type        = string
  nullable    = false
}

variable "initial_value" {
  description = "Members of the JSON object that is the first value. Written once, in neither plan nor state; later changes here are ignored. Without members the secret starts without a value."
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts the secret. The AWS-managed key aws/secretsmanager when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is \"${var.kms_key_arn}\": give the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>), or leave it empty for the AWS-managed key."
  }
}

variable "name" {
  description = "The secret's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9/_+=.@-]{1,512}$", var.name)) && !can(regex("-[A-Za-z0-9]{6}$", var.name))
    error_message = "name is \"${var.name}\": use 1 to 512 letters, digits and /_+=.@-, not ending in a hyphen and six characters (Secrets Manager ends its ARNs so, and would take one for the other)."
  }
}

variable "recovery_window_days" {
  description = "Days for which a deleted secret can be restored; its name stays taken for as long. 0 deletes at once."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30 && floor(var.recovery_window_days) == var.recovery_window_days)
    error_message = "recovery_window_days is ${var.recovery_window_days}: give 7 to 30 whole days, or 0 to delete at once."
  }
}

variable "replica_regions" {
  description = "Regions that keep a replica: the region's name to the ARN of the key there (the AWS-managed key when empty)."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for region in keys(var.replica_regions) : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "replica_regions names [${join(", ", keys(var.replica_regions))}]: give region names such as us-west-2."
  }

  validation {
    condition     = alltrue([for region, arn in var.replica_regions : arn == "" || can(regex("^arn:aws[a-z-]*:kms:${region}:[0-9]{12}:key/.+$", arn))])
    error_message = "replica_regions is ${jsonencode(var.replica_regions)}: each key must be in its replica's own region (arn:aws:kms:<region>:<account>:key/<id>), or left empty."
  }
}

variable "rotation" {
  description = "Rotation by a function: its alias's ARN (no rotation when empty), every how many days, and whether the first one runs at once. The ARN must be known at plan, as the alias_arn of the module lambda is."
  type = object({
    after_days   = optional(number, 30)
    function_arn = optional(string, "")
    immediately  = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.rotation.after_days >= 1 && var.rotation.after_days <= 1000 && floor(var.rotation.after_days) == var.rotation.after_days
    error_message = "rotation.after_days is ${var.rotation.after_days}: Secrets Manager takes 1 to 1000 whole days."
  }

  validation {
    condition     = var.rotation.function_arn == "" || can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$", var.rotation.function_arn))
    error_message = "rotation.function_arn is \"${var.rotation.function_arn}\": it must end in an alias (arn:aws:lambda:<region>:<account>:function:<name>:<alias>)."
  }
}

variable "tags" {
  description = "Tags for every resource here, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
