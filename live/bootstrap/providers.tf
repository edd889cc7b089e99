provider "aws" {
  allowed_account_ids = [var.account_id]
  region              = "us-east-1"

  default_tags {
    tags = {
      Environment = "all"
      ManagedBy   = "terraform"
      Project     = "invoice-modernization"
    }
  }
}
