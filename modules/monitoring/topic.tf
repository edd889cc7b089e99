resource "aws_sns_topic" "alarms" {
  count = local._own_topic ? 1 : 0

  name              = local._topic
  kms_master_key_id = var.kms_key_arn != "" ? var.kms_key_arn : null
  policy            = data.aws_iam_policy_document.alarms.json
  tags              = var.tags
}

locals {
  _topic     = "${var.name}-alarms-${var.environment}"
  _topic_arn = "arn:${local._partition}:sns:${local._scope}:${local._topic}"
}

data "aws_iam_policy_document" "alarms" {
  statement {
    sid       = "Alarms"
    actions   = ["sns:Publish"]
    resources = [local._topic_arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local._partition}:cloudwatch:${local._scope}:alarm:*"]
    }
  }

  dynamic "statement" {
    for_each = toset(var.publishers)

    content {
      sid       = "Publisher${title(statement.value)}"
      actions   = ["sns:Publish"]
      resources = [local._topic_arn]

      principals {
        type        = "Service"
        identifiers = ["${statement.value}.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [var.account_id]
      }
    }
  }

  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [local._topic_arn]

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
}

# Each address gets a mail with a link to confirm the subscription.
resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.emails)

  endpoint  = each.value
  protocol  = "email"
  topic_arn = aws_sns_topic.alarms[0].arn
}
