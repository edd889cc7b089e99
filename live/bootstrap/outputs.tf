output "permissions_boundary" {
  description = "The policy that limits every role of an environment; empty without a repository."
  value       = one(aws_iam_policy.boundary[*].arn) == null ? "" : one(aws_iam_policy.boundary[*].arn)
}

output "pipeline_roles" {
  description = "The roles of the pipeline, by their names, for role-to-assume of the workflows."
  value       = { for name, role in module.pipeline_role : name => role.role_arn }
}

output "state_bucket" {
  description = "The bucket with every environment's state, for -backend-config=bucket=<name>."
  value       = module.state.name

  precondition {
    condition     = terraform.workspace == "default"
    error_message = "The workspace is \"${terraform.workspace}\", but an account has one state bucket: terraform workspace select default."
  }
}
