variable "account_id" {
  description = "The account that owns the key; its IAM policies may grant the key's use, and services may use it for this account's resources only."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account."
  }
}

variable "alias" {
  description = "The key's alias, without \"alias/\"."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9/_-]{1,250}$", var.alias)) && !startswith(var.alias, "aws/") && !startswith(var.alias, "alias/")
    error_message = "alias is \"${var.alias}\": use 1 to 250 letters, digits, hyphens, underscores and slashes, starting with neither \"alias/\" (added here) nor \"aws/\" (AWS's own)."
  }
}

variable "deletion_window_days" {
  description = "Days between the request to delete the key and its end, after which nothing that it encrypted can be read."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30 && floor(var.deletion_window_days) == var.deletion_window_days
    error_message = "deletion_window_days is ${var.deletion_window_days}: KMS takes a whole number from 7 to 30."
  }
}

variable "description" {
  description = "What the key encrypts, in one line."
  type        = string
  nullable    = false
}

variable "multi_region" {
  description = "Whether replicas of the key can be made in other regions; this cannot be changed later."
  type        = bool
  default     = false
  nullable    = false
}

variable "rotation" {
  description = "Rotation of the key's material: whether, and every how many days. What older material encrypted stays readable."
  type = object({
    enabled     = optional(bool, true)
    period_days = optional(number, 365)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.rotation.period_days >= 90 && var.rotation.period_days <= 2560 && floor(var.rotation.period_days) == var.rotation.period_days
    error_message = "rotation.period_days is ${var.rotation.period_days}: KMS takes a whole number from 90 to 2560."
  }
}

variable "services" {
  description = "AWS services that use the key for resources of this account: the service's name, the first part of its principal (\"sns\" for sns.amazonaws.com), to the actions that it needs."
  type        = map(list(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.services) : can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)?$", name)) && !endswith(name, ".amazonaws")])
    error_message = "services names [${join(", ", keys(var.services))}]: give the first part of a service principal, such as \"sns\" for sns.amazonaws.com."
  }

  validation {
    condition = alltrue(flatten([
      for actions in values(var.services) :
      [for action in actions : contains(["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"], action)]
    ]))
    error_message = "services grants [${join(", ", flatten(values(var.services)))}]: a service needs no more than kms:CreateGrant, Decrypt, DescribeKey, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, ReEncryptFrom and ReEncryptTo, each named in full."
  }

  validation {
    condition     = alltrue([for actions in values(var.services) : length(actions) > 0])
    error_message = "services is ${jsonencode(var.services)}: give every service at least one action."
  }
}

variable "tags" {
  description = "Tags for every resource here, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
