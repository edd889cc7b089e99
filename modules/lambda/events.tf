resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_event_age_in_seconds = var.async.maximum_event_age_seconds
  maximum_retry_attempts       = var.async.maximum_retry_attempts
  qualifier                    = aws_lambda_alias.this.name
}

resource "aws_lambda_event_source_mapping" "this" {
  for_each = var.event_sources

  batch_size                         = each.value.batch_size
  bisect_batch_on_function_error     = each.value.bisect_batch
  event_source_arn                   = each.value.arn
  function_name                      = aws_lambda_alias.this.arn
  function_response_types            = each.value.report_batch_item_failures ? ["ReportBatchItemFailures"] : []
  maximum_batching_window_in_seconds = each.value.maximum_batching_window
  maximum_record_age_in_seconds      = each.value.maximum_record_age_seconds
  maximum_retry_attempts             = each.value.maximum_retry_attempts
  parallelization_factor             = each.value.parallelization_factor
  starting_position                  = each.value.starting_position
  tags                               = var.tags
  tumbling_window_in_seconds         = each.value.tumbling_window_size_seconds

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.dead_letter.arn
    }
  }
}

# The provider reads a queue's attributes back for 25 s (on AWS too). The policy is set in the same call, so there is one
# such wait, and the queue depends on nothing, so the wait begins at once.
resource "aws_sqs_queue" "dead_letter" {
  name                      = local._queue
  message_retention_seconds = var.dead_letter_retention_days * 86400
  policy                    = data.aws_iam_policy_document.dead_letter.json
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

data "aws_iam_policy_document" "dead_letter" {
  dynamic "statement" {
    for_each = length(var.schedules) > 0 ? [values(local._schedule_arns)] : []

    content {
      sid       = "OnlyItsSchedules"
      actions   = ["sqs:SendMessage"]
      resources = [local._queue_arn]

      principals {
        type        = "Service"
        identifiers = ["events.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = statement.value
      }
    }
  }

  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local._queue_arn]

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
