locals {
  # Ten years, with up to three leap days: replaced versions of originals are only copies too.
  _noncurrent_expiration_days = var.holds == "originals" ? 3653 : 90
}

# The provider reads a lifecycle back ten times before it accepts it (55 s, on AWS too). So this resource depends only on
# the bucket: it starts at once, and the rest of the apply runs meanwhile.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = length(var.lifecycle_rules) == 0 ? 0 : 1

  bucket = aws_s3_bucket.this.id

  dynamic "rule" {
    for_each = var.lifecycle_rules

    content {
      id     = rule.key
      status = "Enabled"

      # By default S3 moves no object below 128 KB to another storage class, and most invoice files are smaller. A filter on
      # the size overrides that.
      filter {
        object_size_greater_than = length(rule.value.transitions) > 0 && rule.value.prefix == "" ? 1 : null
        prefix                   = length(rule.value.transitions) > 0 ? null : rule.value.prefix

        dynamic "and" {
          for_each = length(rule.value.transitions) > 0 && rule.value.prefix != "" ? [rule.value.prefix] : []

          content {
            object_size_greater_than = 1
            prefix                   = and.value
          }
        }
      }

      dynamic "abort_incomplete_multipart_upload" {
        for_each = rule.value.abort_multipart_days > 0 ? [rule.value.abort_multipart_days] : []

        content {
          days_after_initiation = abort_incomplete_multipart_upload.value
        }
      }

      dynamic "expiration" {
        for_each = rule.value.expiration_days > 0 ? [rule.value.expiration_days] : []

        content {
          days = expiration.value
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
