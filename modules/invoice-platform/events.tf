locals {
  _event_source = "invoice.platform"

  _rules = {
    continued = "upload-continued-${var.environment}"
    created   = "invoice-created-${var.environment}"
    paid      = "invoice-paid-${var.environment}"
    processed = "invoice-processed-${var.environment}"
  }
}

module "event_bus" {
  source = "../event-bus"

  account_id  = var.account_id
  description = "What happens to invoices in ${var.environment}."
  name        = local._names.bus
  tags        = var.tags

  # The functions by their names, not by their outputs: EventBridge takes a target before it exists, and the bus's
  # queues then start at once instead of after the functions.
  rules = {
    # What create-invoice tells itself: Lambda's own recursive-loop detection does not look at EventBridge, so it is the
    # function that ends a chain that makes no headway (invoicing.uploads.intake).
    (local._rules.continued) = {
      description  = "An upload that one invocation does not finish goes on in the next."
      detail_types = ["upload-continued"]
      sources      = [local._event_source]
      targets      = { create-invoice = { arn = local._alias_arns["create-invoice"], type = "lambda" } }
    }

    (local._rules.created) = {
      description  = "A new invoice gets its PDF."
      detail_types = ["invoice-created"]
      sources      = [local._event_source]
      targets      = { generate-pdf = { arn = local._alias_arns["generate-pdf"], type = "lambda" } }
    }

    # The platform's own invoice-paid goes downstream only: were it recorded as a payment again, it would loop.
    (local._rules.paid) = {
      description    = "A payment announced by someone else is recorded on its invoice."
      detail_types   = ["invoice-paid"]
      sources_except = [local._event_source]
      targets        = { update-invoice-status = { arn = local._alias_arns["update-invoice-status"], type = "lambda" } }
    }

    (local._rules.processed) = {
      description  = "What other systems are told."
      detail_types = ["invoice-processed", "invoice-rejected", "invoice-partially-paid", "invoice-paid", "invoice-voided"]
      sources      = [local._event_source]
      targets      = { downstream = { arn = aws_sns_topic.downstream.arn, type = "sns" } }
    }
  }
}

# Encrypted with the environment's key, which admits events.amazonaws.com: with the AWS-managed key alias/aws/sns
# EventBridge could not publish (that key's policy cannot be widened).
resource "aws_sns_topic" "downstream" {
  name              = local._names.downstream
  kms_master_key_id = module.key.key_id
  tags              = var.tags
}

data "aws_iam_policy_document" "downstream_topic" {
  statement {
    sid       = "OnlyTheRule"
    actions   = ["sns:Publish"]
    resources = [local._arns.downstream]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [module.event_bus.rule_arns[local._rules.processed]]
    }
  }

  # What is published over plain HTTP could be read, and another put in its place, on the way; services use TLS.
  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [local._arns.downstream]

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

resource "aws_sns_topic_policy" "downstream" {
  arn    = aws_sns_topic.downstream.arn
  policy = data.aws_iam_policy_document.downstream_topic.json
}

resource "aws_sqs_queue" "downstream" {
  count = var.downstream_queue ? 1 : 0

  name                    = local._names.downstream
  policy                  = data.aws_iam_policy_document.downstream_queue.json
  sqs_managed_sse_enabled = true
  tags                    = var.tags
}

data "aws_iam_policy_document" "downstream_queue" {
  statement {
    sid       = "OnlyTheTopic"
    actions   = ["sqs:SendMessage"]
    resources = [local._arns.queue]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local._arns.downstream]
    }
  }

  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local._arns.queue]

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

resource "aws_sns_topic_subscription" "downstream" {
  count = var.downstream_queue ? 1 : 0

  endpoint             = aws_sqs_queue.downstream[0].arn
  protocol             = "sqs"
  raw_message_delivery = true
  topic_arn            = aws_sns_topic.downstream.arn
}
