# The bucket carries the account id and is given at init:
#   terraform init -backend-config=bucket=invoice-terraform-state-<account id>
# It is the very bucket that this folder describes; README.md tells how that begins.
terraform {
  backend "s3" {
    encrypt      = true
    key          = "bootstrap/terraform.tfstate"
    region       = "us-east-1"
    use_lockfile = true
  }
}
