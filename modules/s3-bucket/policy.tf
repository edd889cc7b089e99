data "aws_iam_policy_document" "this" {
  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local._arn, "${local._arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = length(var.access_log_sources) > 0 ? [var.access_log_sources] : []

    content {
      sid       = "AccessLogDelivery"
      actions   = ["s3:PutObject"]
      resources = [for name in values(statement.value) : "${local._arn}/${name}/*"]

      principals {
        type        = "Service"
        identifiers = ["logging.s3.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [var.account_id]
      }

      condition {
        test     = "ArnLike"
        variable = "aws:SourceArn"
        values   = [for name in values(statement.value) : "arn:${data.aws_partition.current.partition}:s3:::${name}"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = data.aws_iam_policy_document.this.json

  # S3 cannot change a bucket's policy and its public access block at the same time.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
