data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # A REST API is a tree of path parts, and a resource cannot refer to itself: one resource block per level. API Gateway
  # allows one parameter below each parent, so a path is identified without the names of its parameters: a new name
  # renames the path part, and does not create another one beside it.
  _split   = { for name, route in var.routes : name => split("/", trimprefix(route.path, "/")) }
  _places  = { for name, parts in local._split : name => [for part in parts : startswith(part, "{") ? "{}" : part] }
  _ids     = { for name, places in local._places : name => "/${join("/", places)}" }
  _level_1 = { for name, parts in local._split : "/${local._places[name][0]}" => parts[0]... }
  _level_2 = { for name, parts in local._split : "/${join("/", slice(local._places[name], 0, 2))}" => parts[1]... if length(parts) > 1 }
  _level_3 = { for name, parts in local._split : "/${join("/", slice(local._places[name], 0, 3))}" => parts[2]... if length(parts) > 2 }

  _resource_ids = merge(
    { for path, resource in aws_api_gateway_resource.level_1 : path => resource.id },
    { for path, resource in aws_api_gateway_resource.level_2 : path => resource.id },
    { for path, resource in aws_api_gateway_resource.level_3 : path => resource.id },
  )

  _lambda_path = "arn:${data.aws_partition.current.partition}:apigateway:${data.aws_region.current.name}:lambda:path/2015-03-31/functions"

  # Everything that makes up the API is written here and hashed by the deployment's triggers (stage.tf). The resources
  # only repeat it: what they added themselves would never be deployed.
  _models = {
    for name, schema in var.models : name => {
      content_type = "application/json"
      schema       = jsonencode(jsondecode(schema))
    }
  }

  # Each route has its own validator, so a plan shows which validator a method has, and what it checks: the parameters
  # always, the body if the route declares a model.
  _methods = {
    for name, route in var.routes : name => {
      api_key_required            = route.api_key_required
      authorization               = "NONE"
      http_method                 = route.method
      path                        = route.path
      request_models              = { for type, model in { "application/json" = route.model } : type => model if model != "" }
      request_parameters          = route.parameters
      validate_request_body       = route.model != ""
      validate_request_parameters = true
    }
  }

  _integrations = {
    for name, route in var.routes : name => {
      integration_http_method = "POST"
      timeout_milliseconds    = 29000
      type                    = "AWS_PROXY"
      uri                     = "${local._lambda_path}/${route.alias_arn}/invocations"
    }
  }
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
  path_part   = each.value[0]
  rest_api_id = aws_api_gateway_rest_api.this.id
}

resource "aws_api_gateway_resource" "level_2" {
  for_each = local._level_2

  parent_id   = aws_api_gateway_resource.level_1[dirname(each.key)].id
  path_part   = each.value[0]
  rest_api_id = aws_api_gateway_rest_api.this.id
}

resource "aws_api_gateway_resource" "level_3" {
  for_each = local._level_3

  parent_id   = aws_api_gateway_resource.level_2[dirname(each.key)].id
  path_part   = each.value[0]
  rest_api_id = aws_api_gateway_rest_api.this.id
}

resource "aws_api_gateway_model" "this" {
  for_each = local._models

  content_type = each.value.content_type
  name         = each.key
  rest_api_id  = aws_api_gateway_rest_api.this.id
  schema       = each.value.schema
}

resource "aws_api_gateway_request_validator" "this" {
  for_each = local._methods

  name                        = each.key
  rest_api_id                 = aws_api_gateway_rest_api.this.id
  validate_request_body       = each.value.validate_request_body
  validate_request_parameters = each.value.validate_request_parameters
}

resource "aws_api_gateway_method" "this" {
  for_each = local._methods

  api_key_required     = each.value.api_key_required
  authorization        = each.value.authorization
  http_method          = each.value.http_method
  request_models       = { for type, model in each.value.request_models : type => aws_api_gateway_model.this[model].name }
  request_parameters   = each.value.request_parameters
  request_validator_id = aws_api_gateway_request_validator.this[each.key].id
  resource_id          = local._resource_ids[local._ids[each.key]]
  rest_api_id          = aws_api_gateway_rest_api.this.id
}

resource "aws_api_gateway_integration" "this" {
  for_each = local._integrations

  http_method             = aws_api_gateway_method.this[each.key].http_method
  integration_http_method = each.value.integration_http_method
  resource_id             = aws_api_gateway_method.this[each.key].resource_id
  rest_api_id             = aws_api_gateway_rest_api.this.id
  timeout_milliseconds    = each.value.timeout_milliseconds
  type                    = each.value.type
  uri                     = each.value.uri
}
