data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _partition = data.aws_partition.current.partition
  _region    = data.aws_region.current.name
  _scope     = "${local._region}:${var.account_id}"

  _dashboard = "${var.name}-${var.environment}"

  # Built from names instead of being read back, so that the dashboard is known, and can be checked, at plan.
  _alarm_names = { for key in keys(local._alarms) : key => "${var.name}-${replace(key, "/", "-")}-${var.environment}" }
  _alarm_arns  = { for key, name in local._alarm_names : key => "arn:${local._partition}:cloudwatch:${local._scope}:alarm:${name}" }

  _own_topic     = length(var.alarm_actions) == 0
  _alarm_actions = local._own_topic ? [aws_sns_topic.alarms[0].arn] : var.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local._alarms

  alarm_name          = local._alarm_names[each.key]
  alarm_description   = each.value.description
  alarm_actions       = local._alarm_actions
  comparison_operator = "GreaterThanThreshold"
  datapoints_to_alarm = each.value.datapoints
  evaluation_periods  = each.value.datapoints
  ok_actions          = local._alarm_actions
  tags                = var.tags
  threshold           = each.value.threshold

  # Without requests these metrics have no data, and there is nothing to report.
  treat_missing_data = "notBreaching"

  # On one metric:
  dimensions                            = each.value.expression == "" ? each.value.metrics["value"].dimensions : null
  evaluate_low_sample_count_percentiles = each.value.expression == "" && startswith(try(each.value.metrics["value"].statistic, ""), "p") ? "evaluate" : null
  extended_statistic                    = each.value.expression == "" && startswith(try(each.value.metrics["value"].statistic, ""), "p") ? each.value.metrics["value"].statistic : null
  metric_name                           = each.value.expression == "" ? each.value.metrics["value"].name : null
  namespace                             = each.value.expression == "" ? each.value.namespace : null
  period                                = each.value.expression == "" ? each.value.period : null
  statistic                             = each.value.expression == "" && !startswith(try(each.value.metrics["value"].statistic, ""), "p") ? each.value.metrics["value"].statistic : null

  # On an expression over several metrics:
  dynamic "metric_query" {
    for_each = each.value.expression != "" ? [each.value.expression] : []

    content {
      id          = "value"
      expression  = metric_query.value
      label       = each.value.description
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = each.value.expression != "" ? each.value.metrics : {}

    content {
      id          = metric_query.key
      return_data = false

      metric {
        dimensions  = metric_query.value.dimensions
        metric_name = metric_query.value.name
        namespace   = each.value.namespace
        period      = each.value.period
        stat        = metric_query.value.statistic
      }
    }
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local._dashboard
  dashboard_body = local._dashboard_body
}
