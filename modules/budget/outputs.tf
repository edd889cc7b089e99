output "budget_arn" {
  description = "The budget's ARN."
  value       = aws_budgets_budget.this.arn
}

output "budget_name" {
  description = "The budget's name."
  value       = aws_budgets_budget.this.name
}
