output "api_key" {
  description = "The first value of the header x-api-key; after its first rotation, only the secret has the current one."
  value       = module.invoice_platform.api_key
  sensitive   = true
}

output "stack" {
  description = "All outputs of modules/invoice-platform but the key: api_url, table_name, uploads_bucket and so on."
  value       = { for name, value in module.invoice_platform : name => value if name != "api_key" }
}
