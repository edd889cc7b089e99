output "role_arn" {
  description = "The role's ARN, for role-to-assume of the workflow."
  value       = aws_iam_role.this.arn
}

output "role_name" {
  description = "The role's name."
  value       = aws_iam_role.this.name
}
