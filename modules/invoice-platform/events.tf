locals {
  _event_source = "invoice.platform"

  # The types of the platform's own events, for the rules that receive them and the grants that publish them.
  _details = {
    changed   = ["invoice-processed", "invoice-rejected", "invoice-partially-paid", "invoice-paid", "invoice-voided"]
    continued = ["upload-continued"]
    created   = ["invoice-created"]
  }

  # A function publishes in the platform's name and in no other. A request's entries give these keys several values.
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-example-policy-cross-account-custom-bus-source.html
  _own_source = { "events:source" = { test = "ForAllValues:StringEquals", values = [local._event_source] } }

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
  description = "Events of the invoices in ${var.environment}."
  name        = local._names.bus
  tags        = var.tags

  # The functions' names, not their outputs: EventBridge accepts a target that does not exist yet, so the bus's queues
  # start at once instead of after the functions.
  rules = {
    # create-invoice sends this event to itself. Lambda's recursive-loop detection does not cover EventBridge, so the
    # function itself ends a chain that makes no progress (invoicing.uploads.intake).
    (local._rules.continued) = {
      description  = "An upload that one invocation does not finish continues in the next."
      detail_types = local._details.continued
      sources      = [local._event_source]
      targets      = { create-invoice = { arn = local._alias_arns["create-invoice"], type = "lambda" } }
    }

    (local._rules.created) = {
      description  = "A new invoice gets its PDF."
      detail_types = local._details.created
      sources      = [local._event_source]
      targets      = { generate-pdf = { arn = local._alias_arns["generate-pdf"], type = "lambda" } }
    }

    # Only from the sources on the list: whoever may publish on the bus names the source, so any other rule would let
    # every publisher say "paid". The platform's own invoice-paid goes downstream only: as a payment it would loop.
    (local._rules.paid) = {
      description  = "A payment announced by a payment provider is recorded on its invoice."
      detail_types = ["invoice-paid"]
      sources      = var.payment_sources
      targets      = { update-invoice-status = { arn = local._alias_arns["update-invoice-status"], type = "lambda" } }
    }

    (local._rules.processed) = {
      description  = "Changes of invoices go to other systems."
      detail_types = local._details.changed
      sources      = [local._event_source]
      targets      = { downstream = { arn = aws_sns_topic.downstream.arn, type = "sns" } }
    }
  }
}

# Encrypted with the environment's key, which admits events.amazonaws.com. With the AWS-managed key alias/aws/sns
# EventBridge could not publish, and that key's policy cannot be changed.
resource "aws_sns_topic" "downstream" {
  name              = local._names.downstream
  kms_master_key_id = module.key.key_id
  tags              = var.tags
}

data "aws_iam_policy_document" "downstream_topic" {
  # Without conditions: EventBridge sends none of the keys that could name the rule or the account to a topic, so a
  # condition would reject every event. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
  statement {
    sid       = "EventBridge"
    actions   = ["sns:Publish"]
    resources = [local._arns.downstream]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }

  # A message that is published over plain HTTP could be read and replaced on the way. AWS services use TLS.
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
