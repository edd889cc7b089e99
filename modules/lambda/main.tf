data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # ARNs are built from names instead of being read back, so that policies are known, and can be checked, at plan.
  _partition = data.aws_partition.current.partition
  _scope     = "${data.aws_region.current.name}:${var.account_id}"

  _alias_arn     = "arn:${local._partition}:lambda:${local._scope}:function:${var.name}:${var.alias_name}"
  _log_group_arn = "arn:${local._partition}:logs:${local._scope}:log-group:${local._log_group}"
  _queue_url     = "https://sqs.${data.aws_region.current.name}.${data.aws_partition.current.dns_suffix}/${var.account_id}/${local._queue}"
  _queue_arn     = "arn:${local._partition}:sqs:${local._scope}:${local._queue}"

  # What Lambda itself sends about a stream's records has their positions only. With the queue's URL, the function can keep
  # a record that it can never handle, with its content.
  _environment = merge(var.environment, length(var.event_sources) == 0 ? {} : { DEAD_LETTER_QUEUE_URL = local._queue_url })

  _log_group = "/aws/lambda/${var.name}"
  _queue     = "${var.name}-dlq"
}

resource "aws_lambda_function" "this" {
  function_name                  = var.name
  architectures                  = [var.architecture]
  description                    = var.description
  handler                        = var.handler
  kms_key_arn                    = var.kms_key_arn != "" ? var.kms_key_arn : null
  memory_size                    = var.memory_size
  package_type                   = "Zip"
  publish                        = true
  reserved_concurrent_executions = var.reserved_concurrency
  role                           = aws_iam_role.this.arn
  runtime                        = var.runtime
  s3_bucket                      = var.code.bucket
  s3_key                         = var.code.key
  tags                           = var.tags
  timeout                        = var.timeout

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letter.arn
  }

  dynamic "environment" {
    for_each = length(local._environment) > 0 ? [local._environment] : []

    content {
      variables = environment.value
    }
  }

  # The levels are explicit: left to their defaults, they show as a change after the first apply.
  logging_config {
    application_log_level = var.logging.application_level
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.this.name
    system_log_level      = var.logging.system_level
  }

  tracing_config {
    mode = "Active"
  }

  # When a function is created, Lambda checks that its role may send to the dead-letter queue.
  depends_on = [aws_iam_role_policy.this]
}

# During a release in stages, callers keep the stable version, and the newest one gets its share of the calls.
# https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
resource "aws_lambda_alias" "this" {
  name             = var.alias_name
  description      = "The version that callers get; deployments and rollbacks move it."
  function_name    = aws_lambda_function.this.function_name
  function_version = var.release.stable_version != "" ? var.release.stable_version : aws_lambda_function.this.version

  dynamic "routing_config" {
    for_each = var.release.stable_version != "" && var.release.weight > 0 ? [var.release.weight] : []

    content {
      additional_version_weights = { (aws_lambda_function.this.version) = routing_config.value }
    }
  }
}

resource "aws_lambda_permission" "this" {
  for_each = var.permissions

  statement_id   = each.key
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.this.function_name
  principal      = each.value.principal
  qualifier      = aws_lambda_alias.this.name
  source_account = each.value.principal == "s3.amazonaws.com" ? var.account_id : null # a bucket's ARN names no account
  source_arn     = each.value.source_arn
}

resource "aws_cloudwatch_log_group" "this" {
  name              = local._log_group
  retention_in_days = var.logging.retention_days
  tags              = var.tags
}
