locals {
  _bucket = "invoice-terraform-state-${var.account_id}"
}

# The bucket is made by hand, empty, for this folder's own state lies in it (README.md); Terraform adopts it here and
# from then on keeps it as it should be. Once it is in the state, this block does nothing.
import {
  to = module.state.aws_s3_bucket.this
  id = local._bucket
}

# Versions are what brings a lost or damaged state back, so replaced ones are kept for a year.
module "state" {
  source = "../../modules/s3-bucket"

  account_id      = var.account_id
  lifecycle_rules = { versions = { noncurrent_expiration_days = 365 } }
  name            = local._bucket
  request_metrics = false
}
