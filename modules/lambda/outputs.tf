output "alias_arn" {
  description = "The alias's ARN, for integrations and rules. Known at plan; an apply waits for the alias first."
  value       = local._alias_arn

  depends_on = [aws_lambda_alias.this]
}

output "dead_letter_queue" {
  description = "The dead-letter queue: arn, name and url."
  value = {
    arn  = aws_sqs_queue.dead_letter.arn
    name = aws_sqs_queue.dead_letter.name
    url  = aws_sqs_queue.dead_letter.url
  }
}

output "function_name" {
  description = "The function's name."
  value       = aws_lambda_function.this.function_name
}

output "log_group_name" {
  description = "The function's log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "permitted_alias_arn" {
  description = "The alias's ARN, for S3 notifications, which AWS tests when they are created: an apply waits for the permissions too."
  value       = local._alias_arn

  depends_on = [aws_lambda_alias.this, aws_lambda_permission.this]
}

output "role_arn" {
  description = "The execution role's ARN."
  value       = aws_iam_role.this.arn
}

output "version" {
  description = "The published version that the alias points to."
  value       = aws_lambda_function.this.version
}
