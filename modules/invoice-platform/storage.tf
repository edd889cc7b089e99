module "table" {
  source = "../dynamodb"

  deletion_protection    = var.deletion_protection
  hash_key               = "invoiceId"
  point_in_time_recovery = var.table.point_in_time_recovery
  read_capacity          = var.table.read_capacity
  stream_view_type       = "NEW_AND_OLD_IMAGES"
  table_name             = local._names.table
  tags                   = var.tags
  ttl_attribute          = "expiresAt"
  write_capacity         = var.table.write_capacity

  autoscaling = {
    max_read_capacity  = var.table.max_read_capacity
    max_write_capacity = var.table.max_write_capacity
  }

  global_secondary_indexes = [
    { name = "customerId-index", hash_key = "customerId", range_key = "createdAt" },
    { name = "status-index", hash_key = "status", range_key = "createdAt" },
    { name = "createdAt-index", hash_key = "yearMonth", range_key = "createdAt" },
  ]
}

module "access_logs" {
  source = "../s3-bucket"

  access_log_sources = { for purpose in ["archives", "documents", "uploads"] : purpose => local._buckets[purpose] }
  account_id         = var.account_id
  force_destroy      = var.force_destroy
  holds              = "scratch"
  lifecycle_rules    = { expire = { expiration_days = 365, noncurrent_expiration_days = 30 } }
  name               = local._buckets["access-logs"]
  request_metrics    = false
  tags               = var.tags
}

module "artifacts" {
  source = "../s3-bucket"

  account_id      = var.account_id
  force_destroy   = var.force_destroy
  holds           = "latest"
  name            = local._buckets["artifacts"]
  request_metrics = false
  tags            = var.tags
}

module "uploads" {
  source = "../s3-bucket"

  access_logging = { bucket = module.access_logs.name }
  account_id     = var.account_id
  force_destroy  = var.force_destroy
  holds          = "scratch" # create-invoice moves each file to the archives once it is handled
  name           = local._buckets["uploads"]
  tags           = var.tags

  # S3 compares suffixes case-sensitively, and some accounting systems name their exports in capitals.
  lambda_notifications = {
    create-invoice = {
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = "incoming/"
      filter_suffix = ".csv"
      function_arn  = module.function["create-invoice"].permitted_alias_arn
    }

    create-invoice-capitals = {
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = "incoming/"
      filter_suffix = ".CSV"
      function_arn  = module.function["create-invoice"].permitted_alias_arn
    }

    create-invoice-gzip = {
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = "incoming/"
      filter_suffix = ".csv.gz"
      function_arn  = module.function["create-invoice"].permitted_alias_arn
    }
  }

  lifecycle_rules = {
    default = {}
    reports = { prefix = "reports/", expiration_days = 365, abort_multipart_days = 0, noncurrent_expiration_days = 0 }
  }
}

module "documents" {
  source = "../s3-bucket"

  access_logging       = { bucket = module.access_logs.name }
  account_id           = var.account_id
  force_destroy        = var.force_destroy
  holds                = "originals"
  name                 = local._buckets["documents"]
  permissions_boundary = var.permissions_boundary
  replication          = { bucket = one([for purpose, replica in module.replica : replica.versioned_name if purpose == "documents"]) }
  tags                 = var.tags
}

module "archives" {
  source = "../s3-bucket"

  access_logging       = { bucket = module.access_logs.name }
  account_id           = var.account_id
  force_destroy        = var.force_destroy
  holds                = "originals"
  name                 = local._buckets["archives"]
  permissions_boundary = var.permissions_boundary
  replication          = { bucket = one([for purpose, replica in module.replica : replica.versioned_name if purpose == "archives"]) }
  tags                 = var.tags

  lifecycle_rules = {
    archive = { transitions = { GLACIER = var.archive_after_days } }
  }
}

# What cannot be produced again, in a second region: the invoices' documents and the files that they came from.
module "replica" {
  source   = "../s3-bucket"
  for_each = local._replicas

  providers = { aws = aws.replica }

  account_id      = var.account_id
  force_destroy   = var.force_destroy
  holds           = "originals"
  lifecycle_rules = { archive = { transitions = { GLACIER = var.archive_after_days } } } # read only when the first region is lost
  name            = each.value
  request_metrics = false
  tags            = var.tags
}
