provider "aws" {
  allowed_account_ids = [var.account_id]
  region              = var.region

  default_tags {
    tags = {
      Environment = local._environment
      ManagedBy   = "terraform"
      Project     = "invoice-modernization"
    }
  }
}
