# Every module except invoice-platform, each called once with most of its options; test_modules.py reads the result back.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  allowed_account_ids = [var.account_id]
  region              = "us-east-1"
}

provider "aws" {
  alias = "replica"

  allowed_account_ids = [var.account_id]
  region              = "us-west-2"
}

variable "account_id" {
  description = "The engine's account."
  type        = string
}

variable "zip" {
  description = "The path of a function's zip."
  type        = string
}

locals {
  _alias = "arn:aws:lambda:us-east-1:${var.account_id}:function:apply-echo:live"
}

module "key" {
  source = "../../../modules/kms-key"

  account_id           = var.account_id
  alias                = "apply"
  deletion_window_days = 7
  description          = "Data of the apply test."
  services             = { cloudwatch = { actions = ["kms:Decrypt", "kms:GenerateDataKey"] } }
}

module "table" {
  source = "../../../modules/dynamodb"

  attribute_types          = { rank = "N" }
  deletion_protection      = false
  global_secondary_indexes = [{ name = "rank-index", hash_key = "kind", range_key = "rank", projection_type = "KEYS_ONLY" }]
  hash_key                 = "id"
  kms_key_arn              = module.key.key_arn
  range_key                = "kind"
  read_capacity            = 4
  stream_view_type         = "NEW_IMAGE"
  table_name               = "apply-table"
  tags                     = { Purpose = "test" }
  ttl_attribute            = "expiresAt"
  write_capacity           = 3

  autoscaling = { max_read_capacity = 40, max_write_capacity = 30, target_utilization = 60 }
}

module "bucket" {
  source = "../../../modules/s3-bucket"

  access_logging  = { bucket = module.access_logs.name }
  account_id      = var.account_id
  force_destroy   = true
  holds           = "scratch"
  lifecycle_rules = { old = { prefix = "old/", expiration_days = 30, transitions = { GLACIER = 10 } } }
  name            = "apply-bucket"
  replication     = { bucket = module.replica.versioned_name }

  lambda_notifications = {
    echo = { function_arn = module.function.permitted_alias_arn, filter_prefix = "in/", filter_suffix = ".csv" }
  }
}

module "access_logs" {
  source = "../../../modules/s3-bucket"

  access_log_sources = { bucket = "apply-bucket" }
  account_id         = var.account_id
  force_destroy      = true
  lifecycle_rules    = {}
  name               = "apply-access-logs"
  request_metrics    = false
}

module "replica" {
  source    = "../../../modules/s3-bucket"
  providers = { aws = aws.replica }

  account_id      = var.account_id
  force_destroy   = true
  lifecycle_rules = {}
  name            = "apply-replica"
  request_metrics = false
}

resource "aws_s3_object" "zip" {
  bucket = module.access_logs.versioned_name
  key    = "echo/${filesha256(var.zip)}.zip"
  source = var.zip
}

module "function" {
  source = "../../../modules/lambda"

  account_id           = var.account_id
  async                = { maximum_event_age_seconds = 120, maximum_retry_attempts = 1 }
  code                 = { bucket = aws_s3_object.zip.bucket, key = aws_s3_object.zip.key }
  environment          = { GREETING = "hello" }
  event_sources        = { stream = { arn = module.table.stream_arn, batch_size = 7, maximum_retry_attempts = 2 } }
  handler              = "echo.handler"
  kms_key_arn          = module.key.key_arn
  memory_size          = 256
  name                 = "apply-echo"
  reserved_concurrency = 2
  timeout              = 9

  logging = { application_level = "WARN", retention_days = 3 }

  permissions = {
    Api    = { principal = "apigateway.amazonaws.com", source_arn = "${module.api.execution_arn}/*/POST/orders" }
    Bucket = { principal = "s3.amazonaws.com", source_arn = "arn:aws:s3:::apply-bucket" }
    Rule   = { principal = "events.amazonaws.com", source_arn = module.bus.rule_arns["placed"] }
  }

  statements = {
    ReadStream = {
      actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
      resources = ["arn:aws:dynamodb:us-east-1:${var.account_id}:table/apply-table/stream/*"]
    }
  }
}

module "bus" {
  source = "../../../modules/event-bus"

  account_id             = var.account_id
  archive_retention_days = 5
  name                   = "apply-bus"

  rules = {
    placed = {
      detail_types = ["order-placed"]
      sources      = ["shop"]
      targets      = { echo = { arn = local._alias, type = "lambda" } }
    }
  }
}

module "api" {
  source = "../../../modules/api-gateway"

  deployment_triggers      = { preflights = module.cors.fingerprint }
  gateway_response_headers = module.cors.gateway_response_headers
  manage_account_logging   = true
  models                   = { Order = jsonencode({ "$schema" = "http://json-schema.org/draft-04/schema#", type = "object", required = ["id"] }) }
  name                     = "apply-api"
  routes                   = { place = { alias_arn = local._alias, method = "POST", model = "Order", path = "/orders" } }
  usage_plan               = { burst_limit = 7, quota_per_day = 70, rate_limit = 5 }
}

module "cors" {
  source = "../../../modules/api-gateway-cors"

  allow_origins = ["https://app.example.com", "https://admin.example.com"]
  resources     = module.api.resources
  rest_api_id   = module.api.api_id
}

module "secret" {
  source = "../../../modules/secret"

  account_id           = var.account_id
  description          = "The secret of the apply test."
  initial_value        = { word = "first" }
  kms_key_arn          = module.key.key_arn
  name                 = "apply-words"
  recovery_window_days = 0
  rotation             = { after_days = 20, function_arn = module.function.alias_arn }
}

module "monitoring" {
  source = "../../../modules/monitoring"

  account_id  = var.account_id
  apis        = { orders = { api_name = "apply-api", stage = module.api.stage_name } }
  buckets     = { bucket = { bucket_name = module.bucket.name } }
  emails      = ["ops@example.com"]
  environment = "test"
  functions   = { echo = { dead_letter_queue = module.function.dead_letter_queue.name, function_name = module.function.function_name, timeout = 9 } }
  kms_key_arn = module.key.key_arn
  name        = "Apply"
  publishers  = ["budgets"]
  queues      = { placed = module.bus.dead_letter_queues["placed/echo"].name }
  tables      = { table = module.table.table_name }
}

module "budget" {
  source = "../../../modules/budget"

  account_id        = var.account_id
  environment       = "test"
  monthly_limit_usd = 12
  name              = "apply-budget"
  thresholds        = { actual = [50, 90], forecast = [100] }
  topic_arns        = [module.monitoring.topic_arn]
}

module "pipeline_role" {
  source = "../../../modules/pipeline-role"

  description        = "Plans."
  github_environment = "test-plan"
  name               = "apply-pipeline"
  oidc_provider_arn  = "arn:aws:iam::${var.account_id}:oidc-provider/token.actions.githubusercontent.com"
  policies           = { read = { State = { actions = ["s3:GetObject"], resources = ["arn:aws:s3:::apply-state/*"] } } }
  repository         = "example/platform"
  workflows          = ["plan.yml@refs/heads/main"]
}

output "alarm_topic_arn" {
  description = "The alarms' topic."
  value       = module.monitoring.topic_arn
}

output "api" {
  description = "The API: its id, stage, key and usage plan."
  sensitive   = true
  value = {
    id      = module.api.api_id
    key     = module.api.api_key
    plan_id = module.api.usage_plan_id
    stage   = module.api.stage_name
  }
}

output "key_arn" {
  description = "The key's ARN."
  value       = module.key.key_arn
}
