variable "attribute_types" {
  description = "Types of the key attributes that are not strings: name to S, N or B."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for type in values(var.attribute_types) : contains(["S", "N", "B"], type)])
    error_message = "attribute_types is ${jsonencode(var.attribute_types)}: use S (string), N (number) or B (binary)."
  }
}

variable "autoscaling" {
  description = "Auto-scaling of the table and every index: upper bounds in capacity units (read_capacity and write_capacity are the lower ones), and the target utilization in per cent."
  type = object({
    enabled            = optional(bool, true)
    max_read_capacity  = optional(number, 100)
    max_write_capacity = optional(number, 100)
    target_utilization = optional(number, 70)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.autoscaling.target_utilization >= 20 && var.autoscaling.target_utilization <= 90
    error_message = "autoscaling.target_utilization is ${var.autoscaling.target_utilization}: DynamoDB takes 20 to 90 per cent."
  }
}

variable "billing_mode" {
  description = "PROVISIONED (with auto-scaling) or PAY_PER_REQUEST."
  type        = string
  default     = "PROVISIONED"
  nullable    = false

  validation {
    condition     = contains(["PROVISIONED", "PAY_PER_REQUEST"], var.billing_mode)
    error_message = "billing_mode is \"${var.billing_mode}\": use PROVISIONED or PAY_PER_REQUEST."
  }
}

variable "deletion_protection" {
  description = "Whether DynamoDB rejects the deletion of the table."
  type        = bool
  default     = true
  nullable    = false
}

variable "global_secondary_indexes" {
  description = "Global secondary indexes. Key attributes are strings by default (see attribute_types)."
  type = list(object({
    name               = string
    hash_key           = string
    range_key          = optional(string)
    projection_type    = optional(string, "ALL")
    non_key_attributes = optional(list(string), [])
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for index in var.global_secondary_indexes : contains(["ALL", "INCLUDE", "KEYS_ONLY"], index.projection_type)])
    error_message = "global_secondary_indexes projects [${join(", ", var.global_secondary_indexes[*].projection_type)}]: use ALL, INCLUDE or KEYS_ONLY."
  }

  validation {
    condition     = alltrue([for index in var.global_secondary_indexes : (index.projection_type == "INCLUDE") == (length(index.non_key_attributes) > 0)])
    error_message = "global_secondary_indexes is ${jsonencode(var.global_secondary_indexes)}: give non_key_attributes with projection_type INCLUDE, and only with it."
  }

  validation {
    condition     = length(distinct(var.global_secondary_indexes[*].name)) == length(var.global_secondary_indexes)
    error_message = "global_secondary_indexes names [${join(", ", var.global_secondary_indexes[*].name)}]: give each index another name."
  }

  validation {
    condition     = length(var.global_secondary_indexes) <= 20
    error_message = "global_secondary_indexes has ${length(var.global_secondary_indexes)} entries: a DynamoDB table takes 20 at most."
  }
}

variable "hash_key" {
  description = "The partition key's attribute."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.hash_key) >= 1 && length(var.hash_key) <= 255
    error_message = "hash_key is \"${var.hash_key}\": name an attribute, 1 to 255 characters."
  }
}

variable "kms_key_arn" {
  description = "Customer-managed key for encryption at rest; DynamoDB's AWS-managed key when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is \"${var.kms_key_arn}\": give the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>), or leave it empty (AWS-managed key)."
  }
}

variable "point_in_time_recovery" {
  description = "Whether the table can be restored to any second of the last 35 days."
  type        = bool
  default     = true
  nullable    = false
}

variable "range_key" {
  description = "The sort key's attribute; none when empty."
  type        = string
  default     = ""
  nullable    = false
}

variable "read_capacity" {
  description = "Provisioned read capacity units of the table and of every index; the lower bound of auto-scaling."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.read_capacity >= 1 && floor(var.read_capacity) == var.read_capacity
    error_message = "read_capacity is ${var.read_capacity}: give a whole number of units, 1 or more."
  }

  validation {
    condition     = !var.autoscaling.enabled || var.read_capacity <= var.autoscaling.max_read_capacity
    error_message = "read_capacity is ${var.read_capacity}, above autoscaling.max_read_capacity (${var.autoscaling.max_read_capacity}): raise that or lower this."
  }
}

variable "stream_view_type" {
  description = "The content of the table's stream: KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES; no stream when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = contains(["", "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"], var.stream_view_type)
    error_message = "stream_view_type is \"${var.stream_view_type}\": use KEYS_ONLY, NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES or \"\" (no stream)."
  }
}

variable "table_name" {
  description = "The table's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{3,255}$", var.table_name))
    error_message = "table_name is \"${var.table_name}\": use 3 to 255 letters, digits, hyphens, underscores and dots."
  }
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "ttl_attribute" {
  description = "The attribute with the time (epoch seconds) after which DynamoDB deletes an item; items never expire when empty."
  type        = string
  default     = ""
  nullable    = false
}

variable "write_capacity" {
  description = "Provisioned write capacity units of the table and of every index; the lower bound of auto-scaling."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.write_capacity >= 1 && floor(var.write_capacity) == var.write_capacity
    error_message = "write_capacity is ${var.write_capacity}: give a whole number of units, 1 or more."
  }

  validation {
    condition     = !var.autoscaling.enabled || var.write_capacity <= var.autoscaling.max_write_capacity
    error_message = "write_capacity is ${var.write_capacity}, above autoscaling.max_write_capacity (${var.autoscaling.max_write_capacity}): raise that or lower this."
  }
}
