data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _rotated = var.rotation.function_arn != ""

  # arn:<partition>:lambda:<region>:<account>:function:<name>:<alias>
  _function = split(":", var.rotation.function_arn)
}

resource "aws_secretsmanager_secret" "this" {
  name                    = var.name
  description             = var.description
  kms_key_id              = var.kms_key_arn != "" ? var.kms_key_arn : null
  recovery_window_in_days = var.recovery_window_days
  tags                    = var.tags

  dynamic "replica" {
    for_each = var.replica_regions

    content {
      kms_key_id = replica.value != "" ? replica.value : null
      region     = replica.key
    }
  }
}

# The first value is written once. Later it is changed by rotation, or by the owner of the secret. It is write-only, so it
# is in neither plan nor state. The label INITIAL keeps this version after a rotation: Secrets Manager deletes versions
# without labels, and Terraform would then write the first value again and make it current.
resource "aws_secretsmanager_secret_version" "initial" {
  count = length(nonsensitive(var.initial_value)) > 0 ? 1 : 0

  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo         = jsonencode(var.initial_value)
  secret_string_wo_version = 1
  version_stages           = ["AWSCURRENT", "INITIAL"]

  lifecycle {
    ignore_changes = [version_stages] # rotation moves AWSCURRENT
  }
}

resource "aws_secretsmanager_secret_policy" "this" {
  block_public_policy = true
  policy              = data.aws_iam_policy_document.this.json
  secret_arn          = aws_secretsmanager_secret.this.arn
}

# A secret's policy is attached to it, so "*" means this secret only.
data "aws_iam_policy_document" "this" {
  statement {
    sid       = "DenyPlainHttp"
    effect    = "Deny"
    actions   = ["secretsmanager:*"]
    resources = ["*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_lambda_permission" "rotation" {
  count = local._rotated ? 1 : 0

  statement_id   = "Rotate-${replace(replace(var.name, "/[^A-Za-z0-9_-]/", "-"), "/^(.{1,90}).*$/", "$1")}"
  action         = "lambda:InvokeFunction"
  function_name  = local._function[6]
  principal      = "secretsmanager.amazonaws.com"
  qualifier      = local._function[7]
  source_account = var.account_id
  source_arn     = aws_secretsmanager_secret.this.arn
}

resource "aws_secretsmanager_secret_rotation" "this" {
  count = local._rotated ? 1 : 0

  rotate_immediately  = var.rotation.immediately
  rotation_lambda_arn = var.rotation.function_arn
  secret_id           = aws_secretsmanager_secret.this.id

  rotation_rules {
    automatically_after_days = var.rotation.after_days
  }

  # Secrets Manager tests the function when rotation is set up, and rotation needs a first value.
  depends_on = [aws_lambda_permission.rotation, aws_secretsmanager_secret_version.initial]
}
