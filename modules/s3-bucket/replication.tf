locals {
  _replicated  = var.replication.bucket == null ? false : true
  _replica_arn = local._replicated ? "arn:${data.aws_partition.current.partition}:s3:::${var.replication.bucket}" : ""

  # A role's name has 64 characters at most, and a bucket's name can have 63.
  _replication_role = length(var.name) <= 54 ? "replicate-${var.name}" : "replicate-${substr(var.name, 0, 45)}-${substr(sha1(var.name), 0, 8)}"
}

resource "aws_s3_bucket_replication_configuration" "this" {
  count = local._replicated ? 1 : 0

  bucket = aws_s3_bucket.this.id
  role   = aws_iam_role.replication[0].arn

  rule {
    id       = "EntireBucket"
    priority = 0
    status   = "Enabled"

    # An empty filter means the whole bucket.
    filter {}

    delete_marker_replication {
      status = var.replication.delete_markers ? "Enabled" : "Disabled"
    }

    destination {
      bucket        = local._replica_arn
      storage_class = var.replication.storage_class

      dynamic "encryption_configuration" {
        for_each = var.replication.kms_key_arn != "" ? [var.replication.kms_key_arn] : []

        content {
          replica_kms_key_id = encryption_configuration.value
        }
      }
    }

    dynamic "source_selection_criteria" {
      for_each = var.replication.kms_key_arn != "" ? [var.replication.kms_key_arn] : []

      content {
        sse_kms_encrypted_objects {
          status = "Enabled"
        }
      }
    }
  }

  # S3 rejects replication from a bucket without versions, and by a role without the permissions.
  depends_on = [aws_iam_role_policy.replication, aws_s3_bucket_versioning.this]
}

resource "aws_iam_role" "replication" {
  count = local._replicated ? 1 : 0

  name                 = local._replication_role
  assume_role_policy   = data.aws_iam_policy_document.replication_assume[0].json
  description          = "Lets S3 copy the objects of ${var.name} to ${var.replication.bucket}."
  permissions_boundary = var.permissions_boundary != "" ? var.permissions_boundary : null
  tags                 = var.tags
}

# No condition on the source: AWS documents no context key that S3 sends when it assumes this role, and a key that it does not
# send would stop the replication. Nobody else can use the role: a role is passed to a service within its account only.
data "aws_iam_policy_document" "replication_assume" {
  count = local._replicated ? 1 : 0

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "replication" {
  count = local._replicated ? 1 : 0

  name   = "replicate"
  policy = data.aws_iam_policy_document.replication[0].json
  role   = aws_iam_role.replication[0].id
}

data "aws_iam_policy_document" "replication" {
  count = local._replicated ? 1 : 0

  statement {
    sid       = "ReadSettings"
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [local._arn]
  }

  statement {
    sid       = "ReadVersions"
    actions   = ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
    resources = ["${local._arn}/*"]
  }

  statement {
    sid       = "WriteReplicas"
    actions   = concat(["s3:ReplicateObject", "s3:ReplicateTags"], var.replication.delete_markers ? ["s3:ReplicateDelete"] : [])
    resources = ["${local._replica_arn}/*"]
  }

  dynamic "statement" {
    for_each = var.replication.kms_key_arn != "" && var.kms_key_arn != "" ? [var.kms_key_arn] : []

    content {
      sid       = "DecryptVersions"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.replication.kms_key_arn != "" ? [var.replication.kms_key_arn] : []

    content {
      sid       = "EncryptReplicas"
      actions   = ["kms:Encrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}
