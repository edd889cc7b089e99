# Values of a preview copy that differ from dev: terraform plan -var-file=preview.tfvars
# A preview exists for days, so its logs are kept for days. The policy gate accepts no other values here (PREVIEWS in
# harness/policy/promises.py).
logging = {
  level          = "DEBUG"
  retention_days = 3
}
