data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # A REST API is a tree of path parts, and a resource cannot refer to itself: one resource block per level.
  _split   = { for name, route in var.routes : name => split("/", trimprefix(route.path, "/")) }
  _level_1 = toset([for parts in values(local._split) : "/${parts[0]}"])
  _level_2 = toset([for parts in values(local._split) : "/${join("/", slice(parts, 0, 2))}" if length(parts) > 1])
  _level_3 = toset([for parts in values(local._split) : "/${join("/", slice(parts, 0, 3))}" if length(parts) > 2])

  _resource_ids = merge(
    { for path, resource in aws_api_gateway_resource.level_1 : path => resource.id },
    { for path, resource in aws_api_gateway_resource.level_2 : path => resource.id },
    { for path, resource in aws_api_gateway_resource.level_3 : path => resource.id },
  )

  # What is checked of a request follows from what its route declares. Each route with checks has its own validator, so a
  # plan shows which validator a method has, and what it checks.
  _validators = {
    for name, route in var.routes : name => { body = route.model != "", parameters = length(route.parameters) > 0 }
    if route.model != "" || length(route.parameters) > 0
  }

  _lambda_path = "arn:${data.aws_partition.current.partition}:apigateway:${data.aws_region.current.name}:lambda:path/2015-03-31/functions"
}

resource "aws_api_gateway_rest_api" "this" {
  name        = var.name
  description = var.description != "" ? var.description : null
  tags        = var.tags

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_resource" "level_1" {
  for_each = local._level_1

  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = basename(each.value)
  rest_api_id = aws_api_gateway_rest_api.this.id
}

resource "aws_api_gateway_resource" "level_2" {
  for_each = local._level_2

  parent_id   = aws_api_gateway_resource.level_1[dirname(each.value)].id
  path_part   = basename(each.value)
  rest_api_id = aws_api_gateway_rest_api.this.id
}

resource "aws_api_gateway_resource" "level_3" {
  for_each = local._level_3

  parent_id   = aws_api_gateway_resource.level_2[dirname(each.value)].id
  path_part   = basename(each.value)
  rest_api_id = aws_api_gateway_rest_api.this.id
}

resource "aws_api_gateway_model" "this" {
  for_each = var.models

  content_type = "application/json"
  name         = each.key
  rest_api_id  = aws_api_gateway_rest_api.this.id
  schema       = jsonencode(jsondecode(each.value))
}

resource "aws_api_gateway_request_validator" "this" {
  for_each = local._validators

  name                        = each.key
  rest_api_id                 = aws_api_gateway_rest_api.this.id
  validate_request_body       = each.value.body
  validate_request_parameters = each.value.parameters
}

resource "aws_api_gateway_method" "this" {
  for_each = var.routes

  api_key_required     = each.value.api_key_required
  authorization        = "NONE"
  http_method          = each.value.method
  request_models       = each.value.model != "" ? { "application/json" = aws_api_gateway_model.this[each.value.model].name } : {}
  request_parameters   = each.value.parameters
  request_validator_id = contains(keys(local._validators), each.key) ? aws_api_gateway_request_validator.this[each.key].id : null
  resource_id          = local._resource_ids[each.value.path]
  rest_api_id          = aws_api_gateway_rest_api.this.id
}

resource "aws_api_gateway_integration" "this" {
  for_each = var.routes

  http_method             = aws_api_gateway_method.this[each.key].http_method
  integration_http_method = "POST"
  resource_id             = aws_api_gateway_method.this[each.key].resource_id
  rest_api_id             = aws_api_gateway_rest_api.this.id
  timeout_milliseconds    = 29000
  type                    = "AWS_PROXY"
  uri                     = "${local._lambda_path}/${each.value.alias_arn}/invocations"
}
