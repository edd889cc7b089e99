output "alarm_topic_arn" {
  description = "The topic that alarms and the budget tell."
  value       = module.invoice_platform.alarm_topic_arn
}

output "alarms" {
  description = "The alarms: \"<kind>/<name>/<what>\" to the alarm's name."
  value       = module.invoice_platform.alarms
}

output "api_id" {
  description = "The API's id."
  value       = module.invoice_platform.api_id
}

output "api_key" {
  description = "The first value for the header x-api-key; once it is rotated, the secret has the current one."
  value       = module.invoice_platform.api_key
  sensitive   = true
}

output "api_key_secret_arn" {
  description = "The secret with the API's current key: apiKeyId, apiKey."
  value       = module.invoice_platform.api_key_secret_arn
}

output "api_routes" {
  description = "The API's routes, by the short names of the functions behind them: \"<METHOD> <path>\"."
  value       = module.invoice_platform.api_routes
}

output "api_stage" {
  description = "The API's stage."
  value       = module.invoice_platform.api_stage
}

output "api_url" {
  description = "The API's address on AWS, stage included."
  value       = module.invoice_platform.api_url
}

output "archives_bucket" {
  description = "The bucket where handled uploads end."
  value       = module.invoice_platform.archives_bucket
}

output "dashboard_name" {
  description = "The dashboard's name."
  value       = module.invoice_platform.dashboard_name
}

output "dead_letter_queues" {
  description = "The functions' dead-letter queues: short name to URL."
  value       = module.invoice_platform.dead_letter_queues
}

output "documents_bucket" {
  description = "The bucket of the PDF documents."
  value       = module.invoice_platform.documents_bucket
}

output "downstream_queue_url" {
  description = "The queue that stands in for downstream systems; empty without one."
  value       = module.invoice_platform.downstream_queue_url
}

output "downstream_topic_arn" {
  description = "The topic that downstream systems subscribe to."
  value       = module.invoice_platform.downstream_topic_arn
}

output "event_bus" {
  description = "The bus's name."
  value       = module.invoice_platform.event_bus
}

output "event_dead_letter_queues" {
  description = "The rules' dead-letter queues: \"<rule>/<target>\" to URL."
  value       = module.invoice_platform.event_dead_letter_queues
}

output "functions" {
  description = "The functions: short name to function name."
  value       = module.invoice_platform.functions
}

output "replica_buckets" {
  description = "The buckets in the second region: \"archives\" and \"documents\" to name; none without replication."
  value       = module.invoice_platform.replica_buckets
}

output "table_name" {
  description = "The table's name."
  value       = module.invoice_platform.table_name
}

output "uploads_bucket" {
  description = "The bucket that takes CSV files, below incoming/."
  value       = module.invoice_platform.uploads_bucket
}
