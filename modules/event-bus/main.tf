data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _partition = data.aws_partition.current.partition
  _scope     = "${data.aws_region.current.name}:${var.account_id}"

  # Built from names instead of being read back, so that policies which name a rule are known at plan.
  _rule_arns = { for name in keys(var.rules) : name => "arn:${local._partition}:events:${local._scope}:rule/${var.name}/${name}" }

  _patterns = {
    for name, rule in var.rules : name => jsonencode(merge(
      { source = rule.sources },
      length(rule.detail_types) > 0 ? { "detail-type" = rule.detail_types } : {},
      rule.detail != "" ? { detail = jsondecode(rule.detail) } : {},
    ))
  }

  # One entry per target: "<rule>/<target>".
  _targets = merge([
    for rule_name, rule in var.rules : {
      for target_name, target in rule.targets : "${rule_name}/${target_name}" => merge(target, {
        name  = target_name
        queue = "${rule_name}-${target_name}-dlq"
        rule  = rule_name
      })
    }
  ]...)
}

resource "aws_cloudwatch_event_bus" "this" {
  name        = var.name
  description = var.description != "" ? var.description : null
  tags        = var.tags
}

resource "aws_cloudwatch_event_archive" "this" {
  name             = var.name
  description      = "Every event of ${var.name}, for replay."
  event_source_arn = aws_cloudwatch_event_bus.this.arn
  retention_days   = var.archive_retention_days
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = var.rules

  name           = each.key
  description    = each.value.description != "" ? each.value.description : null
  event_bus_name = aws_cloudwatch_event_bus.this.name
  event_pattern  = local._patterns[each.key]
  tags           = var.tags
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local._targets

  arn            = each.value.arn
  event_bus_name = aws_cloudwatch_event_bus.this.name
  rule           = aws_cloudwatch_event_rule.this[each.value.rule].name
  target_id      = each.value.name

  dead_letter_config {
    arn = aws_sqs_queue.dead_letter[each.key].arn
  }

  retry_policy {
    maximum_event_age_in_seconds = each.value.maximum_event_age_seconds
    maximum_retry_attempts       = each.value.maximum_retry_attempts
  }
}
