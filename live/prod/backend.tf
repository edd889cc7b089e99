# The bucket's name contains the account id, so it is set at init:
#   terraform init -backend-config=bucket=invoice-terraform-state-<account id>
terraform {
  backend "s3" {
    encrypt      = true
    key          = "prod/terraform.tfstate"
    region       = "us-east-1"
    use_lockfile = true
  }
}
