locals {
  # Decoded and encoded again, so that a template with invalid JSON fails the plan.
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
