locals {
  # The content of a deployment. Inputs only, never resources: those read back differently from what was written (null
  # becomes []), so every second apply would deploy the API again.
  _fingerprint = sha1(jsonencode({
    gateway      = local._gateway
    integrations = local._integrations
    methods      = local._methods
    models       = local._models
    others       = var.deployment_triggers
  }))
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  triggers    = { fingerprint = local._fingerprint }

  # A stage must move to the new deployment before the old one is deleted. So a new deployment comes before everything
  # that a plan removes, and still has it until the next one, which `nox -s deploy` creates at once. After plain
  # `terraform apply`: docs/runbooks/deploy.md, "Removing a route".
  lifecycle {
    create_before_destroy = true
  }

  depends_on = [
    aws_api_gateway_gateway_response.this,
    aws_api_gateway_integration.this,
  ]
}

resource "aws_api_gateway_stage" "this" {
  deployment_id        = aws_api_gateway_deployment.this.id
  rest_api_id          = aws_api_gateway_rest_api.this.id
  stage_name           = var.stage_name
  tags                 = var.tags
  xray_tracing_enabled = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      apiKeyId           = "$context.identity.apiKeyId"
      errorMessage       = "$context.error.message"
      httpMethod         = "$context.httpMethod"
      integrationLatency = "$context.integrationLatency"
      path               = "$context.path"
      protocol           = "$context.protocol"
      requestId          = "$context.requestId"
      requestTime        = "$context.requestTime"
      resourcePath       = "$context.resourcePath"
      responseLatency    = "$context.responseLatency"
      responseLength     = "$context.responseLength"
      sourceIp           = "$context.identity.sourceIp"
      status             = "$context.status"
      userAgent          = "$context.identity.userAgent"
      xrayTraceId        = "$context.xrayTraceId"
    })
  }

  # Without the account's logging role, API Gateway rejects a stage that logs.
  depends_on = [aws_api_gateway_account.this, aws_cloudwatch_log_group.execution]
}

resource "aws_api_gateway_method_settings" "all" {
  method_path = "*/*"
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name

  settings {
    data_trace_enabled     = false
    logging_level          = var.logging.level
    metrics_enabled        = true
    throttling_burst_limit = var.usage_plan.burst_limit
    throttling_rate_limit  = var.usage_plan.rate_limit
  }
}

resource "aws_api_gateway_method_settings" "route" {
  for_each = { for name, route in var.routes : name => route if route.throttle.burst_limit >= 0 || route.throttle.rate_limit >= 0 }

  # API Gateway writes the slashes of a path as "~1"; the provider passes it on unchanged.
  method_path = "${replace(each.value.path, "/", "~1")}/${each.value.method}"
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name

  settings {
    data_trace_enabled     = false
    logging_level          = var.logging.level
    metrics_enabled        = true
    throttling_burst_limit = each.value.throttle.burst_limit >= 0 ? each.value.throttle.burst_limit : var.usage_plan.burst_limit
    throttling_rate_limit  = each.value.throttle.rate_limit >= 0 ? each.value.throttle.rate_limit : var.usage_plan.rate_limit
  }

  depends_on = [aws_api_gateway_method_settings.all]
}

resource "aws_api_gateway_api_key" "this" {
  name        = var.name
  description = "Key of ${var.name}."
  tags        = merge(var.tags, { Api = var.name }) # by which a role can be limited to the keys of this API

  lifecycle {
    ignore_changes = [enabled] # rotation disables the key
  }
}

resource "aws_api_gateway_usage_plan" "this" {
  name        = var.name
  description = "What one key of ${var.name} may use."
  tags        = var.tags

  api_stages {
    api_id = aws_api_gateway_rest_api.this.id
    stage  = aws_api_gateway_stage.this.stage_name
  }

  quota_settings {
    limit  = var.usage_plan.quota_per_day
    period = "DAY"
  }

  throttle_settings {
    burst_limit = var.usage_plan.burst_limit
    rate_limit  = var.usage_plan.rate_limit
  }
}

resource "aws_api_gateway_usage_plan_key" "this" {
  key_id        = aws_api_gateway_api_key.this.id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.this.id
}
