output "state_bucket" {
  description = "The bucket that holds every environment's state: -backend-config=bucket=<this>."
  value       = module.state.name

  precondition {
    condition     = terraform.workspace == "default"
    error_message = "The workspace is \"${terraform.workspace}\", and an account has one state bucket: terraform workspace select default."
  }
}
