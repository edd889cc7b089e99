# The provider reads a queue's attributes back for 25 s. The policy is set in the same call as the queue, and the queue
# depends on nothing, so there is one such wait, and the rest of the apply runs meanwhile.
resource "aws_sqs_queue" "dead_letter" {
  for_each = local._targets

  name                      = each.value.queue
  message_retention_seconds = 14 * 86400
  policy                    = data.aws_iam_policy_document.dead_letter[each.key].json
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

data "aws_iam_policy_document" "dead_letter" {
  for_each = local._targets

  statement {
    sid       = "OnlyItsRule"
    actions   = ["sqs:SendMessage"]
    resources = ["arn:${local._partition}:sqs:${local._scope}:${each.value.queue}"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local._rule_arns[each.value.rule]]
    }
  }

  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = ["arn:${local._partition}:sqs:${local._scope}:${each.value.queue}"]

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
