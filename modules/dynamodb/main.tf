locals {
  _provisioned = var.billing_mode == "PROVISIONED"
  _autoscaled  = local._provisioned && var.autoscaling.enabled

  _indexes = { for index in var.global_secondary_indexes : index.name => index }

  # Each declared index as one text, to compare it with those of the table; AWS leaves out what is empty.
  _declared_indexes = [for name in sort(keys(local._indexes)) : join(" ", compact([
    name,
    local._indexes[name].hash_key,
    local._indexes[name].range_key,
    local._indexes[name].projection_type,
    join(",", sort(local._indexes[name].non_key_attributes)),
  ]))]

  # DynamoDB requires a type for exactly those attributes that are a key of the table or of an index.
  _key_attributes = toset(compact(concat(
    [var.hash_key, var.range_key],
    flatten([for index in var.global_secondary_indexes : [index.hash_key, index.range_key]]),
  )))
}

resource "aws_dynamodb_table" "this" {
  name                        = var.table_name
  billing_mode                = var.billing_mode
  deletion_protection_enabled = var.deletion_protection
  hash_key                    = var.hash_key
  range_key                   = var.range_key != "" ? var.range_key : null
  read_capacity               = local._provisioned ? var.read_capacity : null
  stream_enabled              = var.stream_view_type != ""
  stream_view_type            = var.stream_view_type != "" ? var.stream_view_type : null
  tags                        = var.tags
  write_capacity              = local._provisioned ? var.write_capacity : null

  dynamic "attribute" {
    for_each = local._key_attributes

    content {
      name = attribute.value
      type = lookup(var.attribute_types, attribute.value, "S")
    }
  }

  dynamic "global_secondary_index" {
    for_each = local._indexes

    content {
      name               = global_secondary_index.value.name
      hash_key           = global_secondary_index.value.hash_key
      non_key_attributes = global_secondary_index.value.non_key_attributes
      projection_type    = global_secondary_index.value.projection_type
      range_key          = global_secondary_index.value.range_key
      read_capacity      = local._provisioned ? var.read_capacity : null
      write_capacity     = local._provisioned ? var.write_capacity : null
    }
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn != "" ? var.kms_key_arn : null
  }

  dynamic "ttl" {
    for_each = var.ttl_attribute != "" ? [var.ttl_attribute] : []

    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  lifecycle {
    # Auto-scaling changes these. An index's capacity cannot be ignored without the index (its block is the element of a
    # set), so the postcondition below finds the changes that this hides.
    ignore_changes = [global_secondary_index, read_capacity, write_capacity]

    postcondition {
      condition = sort(local._declared_indexes) == sort([for index in self.global_secondary_index : join(" ", compact([ # lists: an empty set has no element type to compare
        index.name,
        index.hash_key,
        index.range_key,
        index.projection_type,
        join(",", try(sort(index.non_key_attributes), [])),
      ]))])
      error_message = "The table ${var.table_name} has the indexes [${join("; ", [for index in self.global_secondary_index : join(" ", compact([index.name, index.hash_key, index.range_key, index.projection_type, join(",", try(sort(index.non_key_attributes), []))]))])}] but the configuration has [${join("; ", local._declared_indexes)}] (name, keys, projection): add or drop it with `aws dynamodb update-table` (a changed one under a new name), then plan again. Terraform does not change the indexes of an existing table, because auto-scaling changes their capacity."
    }

    postcondition {
      condition     = local._autoscaled || !local._provisioned || (self.read_capacity == var.read_capacity && self.write_capacity == var.write_capacity && alltrue([for index in self.global_secondary_index : index.read_capacity == var.read_capacity && index.write_capacity == var.write_capacity]))
      error_message = "The capacity of ${var.table_name} (${self.read_capacity} to read, ${self.write_capacity} to write) or of an index is not as configured (${var.read_capacity} and ${var.write_capacity}), and autoscaling.enabled is false: set it with `aws dynamodb update-table` (--provisioned-throughput, and --global-secondary-index-updates for indexes), then plan again; or enable auto-scaling. Terraform does not change the capacity of an existing table."
    }

    precondition {
      condition     = alltrue([for name in keys(var.attribute_types) : contains(local._key_attributes, name)])
      error_message = "attribute_types names [${join(", ", setsubtract(keys(var.attribute_types), local._key_attributes))}], which are keys of neither the table nor an index: remove them, because DynamoDB takes types of key attributes only."
    }
  }
}
