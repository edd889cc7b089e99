# The bucket's name contains the account id, so it is set at init:
#   terraform init -backend-config=bucket=invoice-terraform-state-<account id>
# It is the same bucket that this folder describes; README.md shows how to begin.
terraform {
  backend "s3" {
    encrypt      = true
    key          = "bootstrap/terraform.tfstate"
    region       = "us-east-1"
    use_lockfile = true
  }
}
