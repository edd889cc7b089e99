locals {
  _tags = {
    Environment = local._environment
    ManagedBy   = "terraform"
    Project     = "invoice-modernization"
  }
}

provider "aws" {
  allowed_account_ids = [var.account_id]
  region              = var.region

  default_tags {
    tags = local._tags
  }
}

provider "aws" {
  alias = "replica"

  allowed_account_ids = [var.account_id]
  region              = var.replica_region

  default_tags {
    tags = local._tags
  }
}
