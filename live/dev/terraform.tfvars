environment = "dev"
region      = "us-east-1"

lambda_settings = {
  memory_size          = 512
  reserved_concurrency = 5
  timeout              = 30
}

table = {
  deletion_protection    = false
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

downstream_queue      = true
force_destroy         = true
stream_retry_attempts = 10
