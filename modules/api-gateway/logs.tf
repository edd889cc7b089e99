resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}/access"
  retention_in_days = var.logging.retention_days
  tags              = var.tags
}

# Without this group API Gateway would create it, and keep its logs forever.
resource "aws_cloudwatch_log_group" "execution" {
  name              = "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.this.id}/${var.stage_name}"
  retention_in_days = var.logging.retention_days
  tags              = var.tags
}

# One per account and region, shared by all its APIs.
resource "aws_api_gateway_account" "this" {
  count = var.manage_account_logging ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.logs[0].arn
  reset_on_delete     = true # otherwise the account would keep the ARN of a role that is gone

  depends_on = [aws_iam_role_policy_attachment.logs]
}

resource "aws_iam_role" "logs" {
  count = var.manage_account_logging ? 1 : 0

  name                 = "${var.name}-logs"
  assume_role_policy   = data.aws_iam_policy_document.logs.json
  description          = "Lets API Gateway write the logs of this account's APIs."
  permissions_boundary = var.permissions_boundary != "" ? var.permissions_boundary : null
  tags                 = var.tags
}

# No condition on the source: AWS documents no context key that API Gateway sends when it assumes this role.
data "aws_iam_policy_document" "logs" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["apigateway.amazonaws.com"]
    }
  }
}

# API Gateway tests the role when this setting is made, and requires exactly what AWS's own policy grants.
resource "aws_iam_role_policy_attachment" "logs" {
  count = var.manage_account_logging ? 1 : 0

  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
  role       = aws_iam_role.logs[0].name
}
