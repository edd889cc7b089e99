variable "account_id" {
  description = "The account that owns the key. Its IAM policies may grant the key's use, and services may use the key for its resources only."
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
    error_message = "alias is \"${var.alias}\": use 1 to 250 letters, digits, hyphens, underscores and slashes, not starting with \"alias/\" (added here) or \"aws/\" (reserved)."
  }
}

variable "deletion_window_days" {
  description = "Days from the request to delete the key to its deletion, after which nothing that it encrypted can be read."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30 && floor(var.deletion_window_days) == var.deletion_window_days
    error_message = "deletion_window_days is ${var.deletion_window_days}: give a whole number from 7 to 30."
  }
}

variable "description" {
  description = "The use of the key, in one line."
  type        = string
  nullable    = false
}

variable "multi_region" {
  description = "Whether the key can have replicas in other regions; this cannot be changed later."
  type        = bool
  default     = false
  nullable    = false
}

variable "rotation" {
  description = "Whether the key's material is rotated, and after how many days. What older material encrypted stays readable."
  type = object({
    enabled     = optional(bool, true)
    period_days = optional(number, 365)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.rotation.period_days >= 90 && var.rotation.period_days <= 2560 && floor(var.rotation.period_days) == var.rotation.period_days
    error_message = "rotation.period_days is ${var.rotation.period_days}: give a whole number from 90 to 2560."
  }
}

variable "services" {
  description = "AWS services that use the key, by the first part of the principal (\"sns\" for sns.amazonaws.com): the actions, for resources of this account or, if given, for these values of the encryption context."
  type = map(object({
    actions            = list(string)
    encryption_context = optional(map(list(string)), {})
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.services) : can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)?$", name)) && !endswith(name, ".amazonaws")])
    error_message = "services names [${join(", ", keys(var.services))}]: give the first part of each service principal (\"sns\" for sns.amazonaws.com)."
  }

  validation {
    condition = alltrue(flatten([
      for service in values(var.services) :
      [for action in service.actions : contains(["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"], action)]
    ]))
    error_message = "services grants [${join(", ", flatten(values(var.services)[*].actions))}]: name in full CreateGrant, Decrypt, DescribeKey, Encrypt, GenerateDataKey[WithoutPlaintext], ReEncryptFrom or ReEncryptTo."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : length(service.actions) > 0])
    error_message = "services is ${jsonencode(var.services)}: give every service at least one action."
  }

  validation {
    condition = alltrue(flatten([
      for service in values(var.services) :
      [for name, values in service.encryption_context : length(values) > 0 && can(regex("^[A-Za-z0-9:/_-]+$", name))]
    ]))
    error_message = "services is ${jsonencode(var.services)}: name each key of an encryption context as it is sent (\"aws:sns:topicArn\"), with at least one value."
  }
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
