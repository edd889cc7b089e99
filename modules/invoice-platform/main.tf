# One complete environment of the invoice platform. By topic: storage.tf, functions.tf, code.tf, events.tf, api.tf,
# secrets.tf, monitoring.tf.

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _partition = data.aws_partition.current.partition
  _region    = data.aws_region.current.name
  _scope     = "${local._region}:${var.account_id}"

  _names = {
    api        = "invoice-api-${var.environment}"
    bus        = "invoice-events-${var.environment}"
    downstream = "invoice-downstream-${var.environment}"
    key        = "invoice-platform-${var.environment}"
    rotated    = "invoice-api-key-${var.environment}" # the prefix of the names of rotated API keys
    secret     = "invoice-api-keys-${var.environment}"
    table      = var.table_name != "" ? var.table_name : "invoices-${var.environment}"
  }

  # CloudWatch keeps the metrics of all environments of an account together, and the code counts by function only.
  _namespace = "InvoicePlatform/${var.environment}"

  # Bucket names are globally unique, so they contain the account id.
  _buckets = {
    for purpose in ["access-logs", "archives", "artifacts", "documents", "uploads"] :
    purpose => "invoice-${purpose}-${var.environment}-${var.account_id}"
  }
  _replicas = {
    for purpose in(var.replication ? ["archives", "documents"] : []) :
    purpose => "invoice-${purpose}-replica-${var.environment}-${var.account_id}"
  }

  # ARNs are built from names instead of being read back, so that a plan shows every policy in full, and it can be checked
  # before anything exists.
  _arns = {
    archives   = "arn:${local._partition}:s3:::${local._buckets["archives"]}"
    bus        = "arn:${local._partition}:events:${local._scope}:event-bus/${local._names.bus}"
    documents  = "arn:${local._partition}:s3:::${local._buckets["documents"]}"
    gateway    = "arn:${local._partition}:apigateway:${local._region}::"
    downstream = "arn:${local._partition}:sns:${local._scope}:${local._names.downstream}"
    queue      = "arn:${local._partition}:sqs:${local._scope}:${local._names.downstream}"
    secret     = "arn:${local._partition}:secretsmanager:${local._scope}:secret:${local._names.secret}-??????" # AWS appends six characters
    table      = "arn:${local._partition}:dynamodb:${local._scope}:table/${local._names.table}"
    uploads    = "arn:${local._partition}:s3:::${local._buckets["uploads"]}"
  }
}
