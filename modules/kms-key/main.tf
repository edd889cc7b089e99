data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _partition = data.aws_partition.current.partition
  _name      = "alias/${var.alias}"
}

resource "aws_kms_key" "this" {
  description             = var.description
  deletion_window_in_days = var.deletion_window_days
  enable_key_rotation     = var.rotation.enabled
  key_usage               = "ENCRYPT_DECRYPT"
  multi_region            = var.multi_region
  policy                  = data.aws_iam_policy_document.this.json
  rotation_period_in_days = var.rotation.enabled ? var.rotation.period_days : null
  tags                    = var.tags
}

resource "aws_kms_alias" "this" {
  name          = local._name
  target_key_id = aws_kms_key.this.key_id
}

# A key policy is attached to its key, so "*" means this key only.
data "aws_iam_policy_document" "this" {
  # Without this statement nobody, root included, could change the policy again. It allows the account's IAM policies to
  # grant the use of the key, and grants nothing by itself.
  statement {
    sid       = "AccountPolicies"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local._partition}:iam::${var.account_id}:root"]
    }
  }

  dynamic "statement" {
    for_each = var.services

    content {
      sid       = "Service${join("", [for word in split("-", replace(statement.key, ".", "-")) : title(word)])}"
      actions   = statement.value.actions
      resources = ["*"]

      principals {
        type        = "Service"
        identifiers = ["${statement.key}.amazonaws.com"]
      }

      # A service acts for the resources of all accounts. What it sends of them differs: most services send the account.
      # EventBridge sends neither account nor rule for an encrypted topic, but the topic is in the encryption context.
      dynamic "condition" {
        for_each = length(statement.value.encryption_context) == 0 ? { "aws:SourceAccount" = [var.account_id] } : {
          for name, values in statement.value.encryption_context : "kms:EncryptionContext:${name}" => values
        }

        content {
          test     = "StringEquals"
          variable = condition.key
          values   = condition.value
        }
      }
    }
  }
}
