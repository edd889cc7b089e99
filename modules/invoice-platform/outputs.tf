output "alarm_topic_arn" {
  description = "The topic that alarms and the budget notify."
  value       = module.monitoring.topic_arn
}

output "alarms" {
  description = "The alarms: \"<kind>/<name>/<measure>\" to the alarm's name."
  value       = { for key, alarm in module.monitoring.alarms : key => alarm.name }
}

output "api_id" {
  description = "The API's id."
  value       = module.api.api_id
}

output "api_key" {
  description = "The first value of the header x-api-key; after its first rotation, only the secret has the current one."
  value       = module.api.api_key
  sensitive   = true
}

output "api_key_secret_arn" {
  description = "The secret with the API's current key: apiKeyId, apiKey."
  value       = module.api_key_secret.secret_arn
}

output "api_routes" {
  description = "The API's routes: the function's short name to \"<METHOD> <path>\"."
  value       = module.api.routes
}

output "api_stage" {
  description = "The API's stage."
  value       = module.api.stage_name
}

output "api_url" {
  description = "The API's address on AWS, stage included."
  value       = module.api.url
}

output "archives_bucket" {
  description = "The bucket with the originals of imported uploads."
  value       = module.archives.name
}

output "artifacts_bucket" {
  description = "The bucket with the functions' zips, those of earlier deployments too."
  value       = module.artifacts.name
}

output "dashboard_name" {
  description = "The dashboard's name."
  value       = module.monitoring.dashboard_name
}

output "dead_letter_queues" {
  description = "The functions' dead-letter queues: short name to URL."
  value       = { for name, function in module.function : name => function.dead_letter_queue.url }
}

output "documents_bucket" {
  description = "The bucket of the PDF documents."
  value       = module.documents.name
}

output "downstream_queue_url" {
  description = "The queue that takes the place of downstream systems; empty without one."
  value       = var.downstream_queue ? aws_sqs_queue.downstream[0].url : ""
}

output "downstream_topic_arn" {
  description = "The topic that downstream systems subscribe to."
  value       = aws_sns_topic.downstream.arn
}

output "event_bus" {
  description = "The bus's name."
  value       = module.event_bus.name
}

output "event_dead_letter_queues" {
  description = "The rules' dead-letter queues: \"<rule>/<target>\" to URL."
  value       = { for key, queue in module.event_bus.dead_letter_queues : key => queue.url }
}

output "functions" {
  description = "The functions: short name to function name."
  value       = { for name, function in module.function : name => function.function_name }
}

output "replica_buckets" {
  description = "The buckets in the second region: \"archives\" and \"documents\" to name; none without replication."
  value       = { for purpose, replica in module.replica : purpose => replica.name }
}

output "table_name" {
  description = "The table's name."
  value       = module.table.table_name
}

output "uploads_bucket" {
  description = "The bucket for CSV files, under incoming/."
  value       = module.uploads.name
}
