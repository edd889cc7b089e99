locals {
  # One notification per threshold: "actual/80", "forecast/100", …
  _notifications = merge(
    { for per_cent in var.thresholds.actual : "actual/${per_cent}" => { per_cent = per_cent, type = "ACTUAL" } },
    { for per_cent in var.thresholds.forecast : "forecast/${per_cent}" => { per_cent = per_cent, type = "FORECASTED" } },
  )
}

resource "aws_budgets_budget" "this" {
  name         = var.name
  account_id   = var.account_id
  budget_type  = "COST"
  limit_amount = format("%.1f", var.monthly_limit_usd) # as AWS Budgets spells it
  limit_unit   = "USD"
  tags         = var.tags
  time_unit    = "MONTHLY"

  # Only what carries the tag counts. AWS Budgets knows a tag once it is activated as a cost allocation tag.
  dynamic "cost_filter" {
    for_each = var.environment != "" ? [var.environment] : []

    content {
      name   = "TagKeyValue"
      values = [format("user:Environment$%s", cost_filter.value)]
    }
  }

  dynamic "notification" {
    for_each = local._notifications

    content {
      comparison_operator        = "GREATER_THAN"
      notification_type          = notification.value.type
      subscriber_email_addresses = var.emails
      subscriber_sns_topic_arns  = var.topic_arns
      threshold                  = notification.value.per_cent
      threshold_type             = "PERCENTAGE"
    }
  }
}
