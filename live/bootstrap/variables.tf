variable "account_id" {
  description = "The account whose state is kept; the provider works in no other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account (TF_VAR_account_id)."
  }
}

variable "repository" {
  description = "The GitHub repository whose workflows plan and deploy this account's environments, as OWNER/NAME; none without it."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.repository == "" || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository is \"${var.repository}\": give OWNER/NAME (TF_VAR_repository), or leave it out to create no roles."
  }
}
