output "api_id" {
  description = "The API's id."
  value       = aws_api_gateway_rest_api.this.id
}

output "api_key" {
  description = "The value for the header x-api-key."
  value       = aws_api_gateway_api_key.this.value
  sensitive   = true
}

output "api_key_id" {
  description = "The id of the key whose value is api_key, once it belongs to the usage plan: only then requests with it are accepted."
  value       = aws_api_gateway_api_key.this.id

  depends_on = [aws_api_gateway_usage_plan_key.this]
}

output "deployment_fingerprint" {
  description = "A digest of the deployment's content; it changes exactly when the API is deployed again."
  value       = local._fingerprint
}

output "execution_arn" {
  description = "The source ARN of calls to functions: append /<stage>/<METHOD><path>."
  value       = aws_api_gateway_rest_api.this.execution_arn
}

output "log_group_names" {
  description = "The log groups: access and execution."
  value = {
    access    = aws_cloudwatch_log_group.access.name
    execution = aws_cloudwatch_log_group.execution.name
  }
}

output "resources" {
  description = "The API's resources by path, without the names of parameters (/orders/{}): the id, and the methods of the routes there."
  value = {
    for path, id in local._resource_ids : path => {
      id      = id
      methods = sort([for name, route in var.routes : route.method if local._ids[name] == path])
    }
  }
}

output "routes" {
  description = "The routes by their keys: \"<METHOD> <path>\". A plan shows everything of a method but its path."
  value       = { for name, route in var.routes : name => "${route.method} ${route.path}" }
}

output "stage_name" {
  description = "The stage's name."
  value       = aws_api_gateway_stage.this.stage_name
}

output "url" {
  description = "The API's address on AWS, stage included."
  value       = aws_api_gateway_stage.this.invoke_url
}

output "usage_plan_id" {
  description = "The id of the usage plan, to which a rotated key is added."
  value       = aws_api_gateway_usage_plan.this.id
}
