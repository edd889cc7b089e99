locals {
  # Decoded and encoded again: a template that does not give JSON fails the plan.
  _dashboard_body = jsonencode(jsondecode(templatefile("${path.module}/dashboard.json.tftpl", {
    alarm_arns  = values(local._alarm_arns)
    apis        = var.apis
    buckets     = var.buckets
    environment = var.environment
    functions   = var.functions
    name        = var.name
    operations  = local._operations
    queues      = local._queues
    region      = local._region
    tables      = var.tables
    thresholds  = var.thresholds
  })))
}
