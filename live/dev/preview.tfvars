# What a preview copy has otherwise than dev: terraform plan -var-file=preview.tfvars
# It lives for days: its logs need not outlive it.
logging = {
  level          = "DEBUG"
  retention_days = 3
}
