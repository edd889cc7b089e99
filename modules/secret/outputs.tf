output "arn_pattern" {
  description = "What matches the secret's ARN in an IAM policy: AWS ends the ARN in six characters of its own choice. Known at plan."
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
