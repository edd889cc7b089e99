output "stream_arn" {
  description = "The stream's ARN; empty without a stream."
  value       = var.stream_view_type != "" ? aws_dynamodb_table.this.stream_arn : ""
}

output "table_arn" {
  description = "The table's ARN."
  value       = aws_dynamodb_table.this.arn
}

output "table_name" {
  description = "The table's name."
  value       = aws_dynamodb_table.this.name
}
