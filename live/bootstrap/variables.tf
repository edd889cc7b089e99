variable "account_id" {
  description = "The account whose state is kept; the provider works in no other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": give the 12 digits of the AWS account (TF_VAR_account_id)."
  }
}
