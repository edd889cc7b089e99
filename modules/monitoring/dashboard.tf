locals {
  # Decoded and encoded again, so that a template with invalid JSON fails the plan.
  _dashboard_body = jsonencode(jsondecode(templatefile("${path.module}/dashboard.json.tftpl", {
    alarm_arns  = values(local._alarm_arns)
    apis        = var.apis
    buckets     = var.buckets
    counts      = var.counts
    environment = var.environment
    functions   = var.functions
    name        = var.name
    operations  = local._operations
    queues      = local._queues
    region      = local._region
    stalls      = var.stalls
    streams     = { for name, function in var.functions : name => function.function_name if function.reads_stream }
    tables      = var.tables
    thresholds  = var.thresholds
  })))
}
