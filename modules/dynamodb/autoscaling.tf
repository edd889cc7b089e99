locals {
  _scaled_resources = local._autoscaled ? merge(
    { table = { dimension = "table", resource_id = "table/${aws_dynamodb_table.this.name}" } },
    { for name in keys(local._indexes) : name => { dimension = "index", resource_id = "table/${aws_dynamodb_table.this.name}/index/${name}" } },
  ) : {}

  _scaled_operations = {
    read  = { max = var.autoscaling.max_read_capacity, min = var.read_capacity, unit = "ReadCapacityUnits", metric = "DynamoDBReadCapacityUtilization" }
    write = { max = var.autoscaling.max_write_capacity, min = var.write_capacity, unit = "WriteCapacityUnits", metric = "DynamoDBWriteCapacityUtilization" }
  }

  # One entry for each of table and indexes, and each of read and write: "table/read", "status-index/write", …
  _scaling = merge([
    for name, scaled in local._scaled_resources : {
      for verb, operation in local._scaled_operations : "${name}/${verb}" => {
        dimension   = "dynamodb:${scaled.dimension}:${operation.unit}"
        max         = operation.max
        metric      = operation.metric
        min         = operation.min
        resource_id = scaled.resource_id
      }
    }
  ]...)
}

resource "aws_appautoscaling_target" "this" {
  for_each = local._scaling

  max_capacity       = each.value.max
  min_capacity       = each.value.min
  resource_id        = each.value.resource_id
  scalable_dimension = each.value.dimension
  service_namespace  = "dynamodb"
  tags               = var.tags
}

resource "aws_appautoscaling_policy" "this" {
  for_each = local._scaling

  name               = "${each.value.metric}:${each.value.resource_id}"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.this[each.key].resource_id
  scalable_dimension = aws_appautoscaling_target.this[each.key].scalable_dimension
  service_namespace  = aws_appautoscaling_target.this[each.key].service_namespace

  target_tracking_scaling_policy_configuration {
    target_value = var.autoscaling.target_utilization

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
    }
  }
}
