# The most that a role of an environment may be granted, whatever its own policies say. The pipeline may create roles only
# with this boundary and may not change it, so no role that it creates can do more: none can change roles, functions, keys or
# states. A test holds it against what the functions and services are granted.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
resource "aws_iam_policy" "boundary" {
  count = var.repository == "" ? 0 : 1

  name        = "invoice-pipeline-boundary"
  description = "The most that a role of an environment may be granted."

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "RotateKeys"
        Effect = "Allow"
        Action = ["apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"]
        Resource = [
          "arn:aws:apigateway:*::/apikeys",
          "arn:aws:apigateway:*::/apikeys/*",
          "arn:aws:apigateway:*::/tags/arn%3Aaws%3Aapigateway%3A*%3A%3A%2Fapikeys%2F*",
          "arn:aws:apigateway:*::/usageplans/*/keys",
          "arn:aws:apigateway:*::/usageplans/*/keys/*",
        ]
      },
      {
        Sid    = "Items"
        Effect = "Allow"
        Action = [
          "dynamodb:BatchGetItem",
          "dynamodb:DescribeStream",
          "dynamodb:GetItem",
          "dynamodb:GetRecords",
          "dynamodb:GetShardIterator",
          "dynamodb:ListStreams",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:UpdateItem",
        ]
        Resource = ["arn:aws:dynamodb:*:${var.account_id}:table/invoices-*"]
      },
      {
        Sid    = "Objects"
        Effect = "Allow"
        Action = [
          "s3:DeleteObject",
          "s3:GetObject",
          "s3:GetObjectVersion",
          "s3:GetObjectVersionAcl",
          "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionTagging",
          "s3:GetReplicationConfiguration",
          "s3:ListBucket",
          "s3:PutObject",
          "s3:ReplicateDelete",
          "s3:ReplicateObject",
          "s3:ReplicateTags",
        ]
        # No states, no code: only what functions read and write.
        Resource = flatten([for purpose in ["archives", "documents", "uploads"] : [
          "arn:aws:s3:::invoice-${purpose}-*-${var.account_id}",
          "arn:aws:s3:::invoice-${purpose}-*-${var.account_id}/*",
        ]])
      },
      {
        Sid      = "Messages"
        Effect   = "Allow"
        Action   = ["events:PutEvents", "sqs:SendMessage"]
        Resource = ["arn:aws:events:*:${var.account_id}:event-bus/invoice-events-*", "arn:aws:sqs:*:${var.account_id}:*-dlq"]
      },
      {
        Sid    = "Secrets"
        Effect = "Allow"
        Action = [
          "secretsmanager:DescribeSecret",
          "secretsmanager:GetSecretValue",
          "secretsmanager:PutSecretValue",
          "secretsmanager:UpdateSecretVersionStage",
        ]
        Resource = ["arn:aws:secretsmanager:*:${var.account_id}:secret:invoice-api-keys-*"]
      },
      {
        Sid       = "KeyOfSecrets"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = ["arn:aws:kms:*:${var.account_id}:key/*"]
        Condition = { StringLike = { "kms:ViaService" = ["secretsmanager.*.amazonaws.com"] } }
      },
      {
        Sid    = "Logs" # API Gateway needs them all: AmazonAPIGatewayPushToCloudWatchLogs
        Effect = "Allow"
        Action = [
          "logs:CreateLogGroup",
          "logs:CreateLogStream",
          "logs:DescribeLogGroups",
          "logs:DescribeLogStreams",
          "logs:FilterLogEvents",
          "logs:GetLogEvents",
          "logs:PutLogEvents",
        ]
        Resource = ["*"]
      },
      {
        Sid      = "Traces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = ["*"]
      },
    ]
  })
}
