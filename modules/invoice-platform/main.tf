# One whole environment of the invoice platform. By topic: storage.tf, functions.tf, code.tf, events.tf, api.tf.

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
    table      = "invoices-${var.environment}"
  }

  # A bucket's name is unique in all of AWS, so it carries the account as well.
  _buckets = {
    for purpose in ["access-logs", "archives", "artifacts", "documents", "uploads"] :
    purpose => "invoice-${purpose}-${var.environment}-${var.account_id}"
  }

  # ARNs are made from names instead of being read back, so that a plan shows every policy in full, where it can be
  # checked before anything exists.
  _arns = {
    archives   = "arn:${local._partition}:s3:::${local._buckets["archives"]}"
    bus        = "arn:${local._partition}:events:${local._scope}:event-bus/${local._names.bus}"
    documents  = "arn:${local._partition}:s3:::${local._buckets["documents"]}"
    downstream = "arn:${local._partition}:sns:${local._scope}:${local._names.downstream}"
    queue      = "arn:${local._partition}:sqs:${local._scope}:${local._names.downstream}"
    table      = "arn:${local._partition}:dynamodb:${local._scope}:table/${local._names.table}"
    uploads    = "arn:${local._partition}:s3:::${local._buckets["uploads"]}"
  }
}
