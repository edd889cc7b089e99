locals {
  _bucket = "invoice-terraform-state-${var.account_id}"
}

# The bucket is created empty and by hand, because this folder's own state is in it (README.md). Terraform adopts it here
# and manages it from then on. Once it is in the state, this block does nothing.
import {
  to = module.state.aws_s3_bucket.this
  id = local._bucket
}

# A lost or damaged state is restored from an older version, so replaced versions are kept for a year.
module "state" {
  source = "../../modules/s3-bucket"

  account_id      = var.account_id
  holds           = "latest"
  lifecycle_rules = { versions = { noncurrent_expiration_days = 365 } }
  name            = local._bucket
  request_metrics = false
}
