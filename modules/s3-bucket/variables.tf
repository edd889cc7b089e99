variable "access_log_sources" {
  description = "Buckets whose access logs S3 may deliver here: a label to the bucket's name. For log buckets only."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "access_logging" {
  description = "The destination of this bucket's access logs: the log bucket (no logging without one) and the key prefix (this bucket's name by default)."
  type = object({
    bucket = optional(string)
    prefix = optional(string)
  })
  default  = {}
  nullable = false
}

variable "account_id" {
  description = "The account that owns the bucket, to which grants to AWS services are bound."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account."
  }
}

variable "force_destroy" {
  description = "Whether destroying the bucket also deletes its content. For temporary environments only."
  type        = bool
  default     = false
  nullable    = false
}

variable "holds" {
  description = "What the bucket holds: originals (each version is an only copy: no rule deletes one within ten years), latest (the latest version is), or scratch (nothing is). The tag Holds says so to the policy gate."
  type        = string
  default     = "originals"
  nullable    = false

  validation {
    condition     = contains(["latest", "originals", "scratch"], var.holds)
    error_message = "holds is \"${var.holds}\": use originals, latest or scratch."
  }
}

variable "kms_key_arn" {
  description = "Customer-managed key for SSE-KMS; SSE-S3 (AES256) when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is \"${var.kms_key_arn}\": give the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>), or leave it empty (SSE-S3)."
  }
}

variable "lambda_notifications" {
  description = "Functions that are notified of objects, by a name of your choice: alias ARN, S3 events, and key prefix and suffix."
  type = map(object({
    function_arn  = string
    events        = optional(list(string), ["s3:ObjectCreated:*"])
    filter_prefix = optional(string, "")
    filter_suffix = optional(string, "")
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for notification in values(var.lambda_notifications) :
      can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$", notification.function_arn))
    ])
    error_message = "lambda_notifications sends to [${join(", ", [for notification in values(var.lambda_notifications) : notification.function_arn])}]: end every function_arn in an alias (arn:aws:lambda:<region>:<account>:function:<name>:<alias>)."
  }

  validation {
    condition     = alltrue(flatten([for notification in values(var.lambda_notifications) : [for event in notification.events : startswith(event, "s3:")]]))
    error_message = "lambda_notifications lists the events [${join(", ", flatten([for notification in values(var.lambda_notifications) : notification.events]))}]: give S3 event names, which start with \"s3:\" (s3:ObjectCreated:*)."
  }
}

variable "lifecycle_rules" {
  description = "Rules by name, each for a key prefix (all keys when empty). Days count from creation, or from replacement for noncurrent versions (3653 by default for originals, otherwise 90); 0 means never. transitions map a storage class to days."
  type = map(object({
    abort_multipart_days       = optional(number, 7)
    expiration_days            = optional(number, 0)
    noncurrent_expiration_days = optional(number)
    prefix                     = optional(string, "")
    transitions                = optional(map(number), {})
  }))
  default  = { default = {} }
  nullable = false

  validation {
    condition = alltrue(flatten([
      for rule in values(var.lifecycle_rules) :
      [for days in concat([rule.abort_multipart_days, rule.expiration_days, coalesce(rule.noncurrent_expiration_days, 0)], values(rule.transitions)) : days >= 0 && floor(days) == days]
    ]))
    error_message = "lifecycle_rules is ${jsonencode(var.lifecycle_rules)}: give whole days, 0 (never) or more."
  }

  validation {
    condition = alltrue(flatten([
      for rule in values(var.lifecycle_rules) : [
        for days in concat(
          var.holds == "scratch" ? [] : [rule.expiration_days],
          var.holds == "originals" ? [coalesce(rule.noncurrent_expiration_days, 0)] : []
        ) : days <= 0 || days >= 3653
      ]
    ]))
    error_message = "lifecycle_rules is ${jsonencode(var.lifecycle_rules)}, and the bucket holds ${var.holds}: delete no only copy within ten years (0 days or at least 3653), or say what else it holds."
  }

  validation {
    condition = alltrue(flatten([
      for rule in values(var.lifecycle_rules) :
      [for class in keys(rule.transitions) : contains(["DEEP_ARCHIVE", "GLACIER", "GLACIER_IR", "INTELLIGENT_TIERING", "ONEZONE_IA", "STANDARD_IA"], class)]
    ]))
    error_message = "lifecycle_rules moves objects to [${join(", ", flatten([for rule in values(var.lifecycle_rules) : keys(rule.transitions)]))}]: use DEEP_ARCHIVE, GLACIER, GLACIER_IR, INTELLIGENT_TIERING, ONEZONE_IA or STANDARD_IA."
  }
}

variable "name" {
  description = "The bucket's name, globally unique."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name is \"${var.name}\" (${length(var.name)} characters): use 3 to 63 lower-case letters, digits and (not first or last) hyphens; dots break TLS."
  }
}

variable "permissions_boundary" {
  description = "The policy that limits what the role of the replication may be granted; none when empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.permissions_boundary == "" || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary is \"${var.permissions_boundary}\": give the ARN of a policy (arn:aws:iam::<account>:policy/<name>), or leave it empty (none)."
  }
}

variable "replication" {
  description = "Replication to another bucket, usually in another region: its name (no replication without one; it must have versioning), the key there if this bucket has a customer-managed key, the copies' storage class, and whether deletions are copied too."
  type = object({
    bucket         = optional(string)
    delete_markers = optional(bool, false)
    kms_key_arn    = optional(string, "")
    storage_class  = optional(string, "STANDARD")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.replication.bucket == null || try(can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.replication.bucket)) && var.replication.bucket != var.name, false)
    error_message = "replication.bucket is \"${coalesce(var.replication.bucket, "null")}\": give the name of a bucket other than ${var.name}."
  }

  validation {
    condition     = var.replication.bucket == null || var.versioning
    error_message = "replication.bucket is \"${coalesce(var.replication.bucket, "null")}\" while versioning is false: enable versioning, because S3 replicates versions."
  }

  validation {
    condition     = (var.replication.kms_key_arn == "" && var.kms_key_arn == "") || var.replication.bucket == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.replication.kms_key_arn))
    error_message = "replication.kms_key_arn is \"${var.replication.kms_key_arn}\": give the ARN of a key in the replica's region (arn:aws:kms:<region>:<account>:key/<id>), because kms_key_arn is set here."
  }

  validation {
    condition     = contains(["DEEP_ARCHIVE", "GLACIER", "GLACIER_IR", "INTELLIGENT_TIERING", "ONEZONE_IA", "STANDARD", "STANDARD_IA"], var.replication.storage_class)
    error_message = "replication.storage_class is \"${var.replication.storage_class}\": use DEEP_ARCHIVE, GLACIER, GLACIER_IR, INTELLIGENT_TIERING, ONEZONE_IA, STANDARD or STANDARD_IA."
  }
}

variable "request_metrics" {
  description = "Whether CloudWatch gets request metrics (4xx, 5xx, latency) for the whole bucket."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "versioning" {
  description = "Whether replaced and deleted objects are kept as versions."
  type        = bool
  default     = true
  nullable    = false
}
