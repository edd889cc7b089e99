# Rules with a schedule are on the default bus: AWS allows them on no other.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
locals {
  _schedule_names = { for key in keys(var.schedules) : key => "${key}-${var.name}" }
  _schedule_arns  = { for key, name in local._schedule_names : key => "arn:${local._partition}:events:${local._scope}:rule/${name}" }
}

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = var.schedules

  name                = local._schedule_names[each.key]
  description         = each.value.description != "" ? each.value.description : null
  schedule_expression = each.value.expression
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = var.schedules

  arn       = local._alias_arn
  input     = each.value.event
  rule      = aws_cloudwatch_event_rule.schedule[each.key].name
  target_id = var.name

  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }

  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }

  depends_on = [aws_lambda_permission.schedule]
}

resource "aws_lambda_permission" "schedule" {
  for_each = var.schedules

  statement_id  = "Schedule-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  qualifier     = aws_lambda_alias.this.name
  source_arn    = local._schedule_arns[each.key]
}
