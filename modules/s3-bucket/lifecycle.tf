locals {
  # Ten years, with up to three leap days: replaced versions of originals are only copies too.
  _noncurrent_expiration_days = var.holds == "originals" ? 3653 : 90
}

# The provider reads a lifecycle back ten times before it accepts it (55 s, on AWS too). So this resource depends only on
# the bucket: it starts at once, and the rest of the apply runs meanwhile.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = length(var.lifecycle_rules) == 0 ? 0 : 1

  bucket = aws_s3_bucket.this.id

  # Objects below 128 KB stay where they are: in Glacier they would cost more than they save.
  transition_default_minimum_object_size = "all_storage_classes_128K"

  dynamic "rule" {
    for_each = var.lifecycle_rules

    content {
      id     = rule.key
      status = "Enabled"

      # No filter on the size: it would take precedence over the default above.
      filter {
        prefix = rule.value.prefix
      }

      dynamic "abort_incomplete_multipart_upload" {
        for_each = rule.value.abort_multipart_days > 0 ? [rule.value.abort_multipart_days] : []

        content {
          days_after_initiation = abort_incomplete_multipart_upload.value
        }
      }

      # A delete marker without older versions holds nothing. S3 removes it together with objects that expire after days.
      dynamic "expiration" {
        for_each = rule.value.expiration_days > 0 || var.versioning ? [rule.value.expiration_days] : []

        content {
          days                         = expiration.value > 0 ? expiration.value : null
          expired_object_delete_marker = expiration.value > 0 ? null : true
        }
      }

      dynamic "noncurrent_version_expiration" {
        for_each = [for days in [coalesce(rule.value.noncurrent_expiration_days, local._noncurrent_expiration_days)] : days if days > 0]

        content {
          noncurrent_days = noncurrent_version_expiration.value
        }
      }

      dynamic "transition" {
        for_each = rule.value.transitions

        content {
          days          = transition.value
          storage_class = transition.key
        }
      }
    }
  }
}
