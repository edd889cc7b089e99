output "arn" {
  description = "The bus's ARN."
  value       = aws_cloudwatch_event_bus.this.arn
}

output "dead_letter_queues" {
  description = "The targets' dead-letter queues: \"<rule>/<target>\" to arn, name and url."
  value = {
    for key, queue in aws_sqs_queue.dead_letter : key => {
      arn  = queue.arn
      name = queue.name
      url  = queue.url
    }
  }
}

output "name" {
  description = "The bus's name."
  value       = aws_cloudwatch_event_bus.this.name
}

output "rule_arns" {
  description = "The rules' ARNs by rule name, for the policies of the targets. Known at plan."
  value       = local._rule_arns
}
