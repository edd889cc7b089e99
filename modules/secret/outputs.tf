output "arn_pattern" {
  description = "A pattern of the secret's ARN for IAM policies, because AWS appends six random characters. Known at plan."
  value       = "arn:${data.aws_partition.current.partition}:secretsmanager:${data.aws_region.current.name}:${var.account_id}:secret:${var.name}-??????"
}

output "secret_arn" {
  description = "The secret's ARN."
  value       = aws_secretsmanager_secret.this.arn
}

output "secret_name" {
  description = "The secret's name."
  value       = aws_secretsmanager_secret.this.name
}
