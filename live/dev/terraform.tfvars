environment    = "dev"
region         = "us-east-1"
replica_region = "us-west-2"

lambda_settings = {
  memory_size          = 512
  reserved_concurrency = 5
  timeout              = 30
}

# The files that may arrive at the same time, and the requests that must not wait for them.
reserved_concurrency = { create-invoice = 5 }

table = {
  max_read_capacity      = 50
  max_write_capacity     = 50
  point_in_time_recovery = false
  read_capacity          = 5
  write_capacity         = 5
}

api = {
  burst_limit            = 100
  manage_account_logging = true
  quota_per_day          = 10000
  rate_limit             = 50
}

allowed_origins = ["*"]

api_key_secret = {
  recovery_window_days = 0
  rotation_days        = 90
}

brand = {
  name    = "Northwind Invoicing (dev)"
  address = "1 Example Street, 10115 Berlin, Germany"
  email   = "billing@example.com"
  iban    = "DE89 3704 0044 0532 0130 00"
  vat_id  = "DE123456789"
}

logging = {
  level          = "INFO"
  retention_days = 14
}

rules = {
  changed_vat_id      = "hold"
  second_currency     = "accept"
  suspected_duplicate = "hold"
}

alert_emails             = []
closed_until             = ""
deletion_protection      = false
downstream_queue         = true
force_destroy            = true
key_deletion_window_days = 7
monthly_budget_usd       = 50
payment_sources          = ["payments.example"]
previews                 = true
replication              = false
stream_record_age_hours  = 6
