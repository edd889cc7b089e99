output "alias_arn" {
  description = "The alias's ARN. Known at plan; an apply waits for the alias first."
  value       = "arn:${local._partition}:kms:${data.aws_region.current.name}:${var.account_id}:${local._name}"

  depends_on = [aws_kms_alias.this]
}

output "alias_name" {
  description = "The alias's name, \"alias/\" included."
  value       = aws_kms_alias.this.name
}

output "key_arn" {
  description = "The key's ARN, for policies and resources."
  value       = aws_kms_key.this.arn
}

output "key_id" {
  description = "The key's id."
  value       = aws_kms_key.this.key_id
}
