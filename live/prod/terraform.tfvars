environment    = "prod"
region         = "us-east-1"
replica_region = "us-west-2"

lambda_settings = {
  memory_size          = 1024
  reserved_concurrency = 100
  timeout              = 60
}

# The files that may arrive at the same time, and the requests that must not wait for them.
reserved_concurrency = { create-invoice = 100 }

table = {
  max_read_capacity      = 250
  max_write_capacity     = 250
  point_in_time_recovery = true
  read_capacity          = 25
  write_capacity         = 25
}

api = {
  burst_limit            = 100
  manage_account_logging = true
  quota_per_day          = 10000
  rate_limit             = 50
}

allowed_origins = ["https://invoices.example.com", "https://admin.invoices.example.com"]

api_key_secret = {
  recovery_window_days = 30
  rotation_days        = 30
}

brand = {
  name    = "Northwind Invoicing"
  address = "1 Example Street, 10115 Berlin, Germany"
  email   = "billing@example.com"
  iban    = "DE89 3704 0044 0532 0130 00"
  vat_id  = "DE123456789"
}

logging = {
  level          = "INFO"
  retention_days = 365
}

rules = {
  changed_vat_id      = "hold"
  second_currency     = "accept"
  suspected_duplicate = "hold"
}

alert_emails             = ["invoice-platform@example.com"]
closed_until             = ""
deletion_protection      = true
downstream_queue         = false
force_destroy            = false
key_deletion_window_days = 30
monthly_budget_usd       = 1000
payment_sources          = ["payments.example"]
previews                 = false
replication              = true
stream_record_age_hours  = 12
