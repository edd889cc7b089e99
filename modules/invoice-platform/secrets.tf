# One key for the environment's settings and secrets: the functions' variables, the API's key, the messages of its topics.
module "key" {
  source = "../kms-key"

  account_id           = var.account_id
  alias                = local._names.key
  deletion_window_days = var.key_deletion_window_days
  description          = "Settings, secrets and topics of the invoice platform in ${var.environment}."
  tags                 = var.tags

  # The services that publish to an encrypted topic. "Adding the aws:SourceAccount and aws:SourceArn to a AWS KMS policy is
  # not supported for EventBridge-to-encrypted topics": https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
  services = {
    budgets    = { actions = ["kms:Decrypt", "kms:GenerateDataKey"] }
    cloudwatch = { actions = ["kms:Decrypt", "kms:GenerateDataKey"] }
    events = {
      actions            = ["kms:Decrypt", "kms:GenerateDataKey"]
      encryption_context = { "aws:sns:topicArn" = [local._arns.downstream] }
    }
  }
}

# The API's key, for its clients. Terraform creates the first one, rotation the next ones.
module "api_key_secret" {
  source = "../secret"

  account_id           = var.account_id
  description          = "The API's current key in ${var.environment}: apiKeyId, apiKey."
  kms_key_arn          = module.key.key_arn
  name                 = local._names.secret
  recovery_window_days = var.api_key_secret.recovery_window_days
  tags                 = var.tags

  initial_value = {
    apiKey   = module.api.api_key
    apiKeyId = module.api.api_key_id
  }

  rotation = {
    after_days   = var.api_key_secret.rotation_days
    function_arn = module.function["rotate-api-key"].alias_arn
  }
}
