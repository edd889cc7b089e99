locals {
  # Each function's environment and grants, built from names only. References to other resources are in the locals below,
  # so that the functions' queues need not wait for the table or the API.
  _functions = {
    create-invoice = {
      description = "Turns uploaded CSV files and API requests into invoices."
      environment = merge(
        {
          ALLOWED_ORIGINS = join(",", var.allowed_origins)
          ARCHIVES_BUCKET = local._buckets["archives"]
          EVENT_BUS_NAME  = local._names.bus
          TABLE_NAME      = local._names.table
        },
        { for name, value in { CLOSED_UNTIL = var.closed_until } : name => value if value != "" },
      )
      statements = {
        ArchiveUploads = { actions = ["s3:PutObject"], resources = ["${local._arns.archives}/*"] }
        # The rest of a file that one invocation does not finish.
        ContinueUploads = {
          actions    = ["events:PutEvents"]
          conditions = merge(local._own_source, { "events:detail-type" = { test = "ForAllValues:StringEquals", values = local._details.continued } })
          resources  = [local._arns.bus]
        }
        # Without ListBucket, S3 returns 403 instead of 404 for an upload that is gone. A condition on the prefix would never
        # be true, because reading an object has no prefix.
        ListUploads = { actions = ["s3:ListBucket"], resources = [local._arns.uploads] }
        # GetObjectVersion: to read and archive the version that an event names. GetObject: to delete on condition of the
        # ETag.
        TakeUploads = { actions = ["s3:DeleteObject", "s3:GetObject", "s3:GetObjectVersion"], resources = ["${local._arns.uploads}/incoming/*"] }
        # BatchGetItem: to find the next number that no imported invoice has.
        WriteInvoices = { actions = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], resources = [local._arns.table] }
        # GetObject: the rejected rows of a file that took several invocations are joined at its end. DeleteObject: then their
        # parts are deleted, and so is an old reject report when a later upload of the same name has no rejected rows.
        WriteReports = { actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], resources = ["${local._arns.uploads}/reports/*"] }
      }
    }

    process-invoice = {
      description = "Applies the business rules to new invoices and publishes every change."
      environment = {
        CHANGED_VAT_ID      = var.rules.changed_vat_id
        DOCUMENTS_BUCKET    = local._buckets["documents"]
        EVENT_BUS_NAME      = local._names.bus
        SECOND_CURRENCY     = var.rules.second_currency
        SUSPECTED_DUPLICATE = var.rules.suspected_duplicate
        TABLE_NAME          = local._names.table
        UPLOADS_BUCKET      = local._buckets["uploads"]
      }
      statements = {
        # A sweep looks for what waits: invoices without a decision or a PDF, unapplied payments, files. Without ListBucket,
        # S3 returns 403 instead of 404 for a PDF that does not exist.
        FindBacklog   = { actions = ["dynamodb:Query"], resources = ["${local._arns.table}/index/createdAt-index", "${local._arns.table}/index/status-index"] }
        FindDocuments = { actions = ["s3:GetObject"], resources = ["${local._arns.documents}/*"] }
        ListDocuments = { actions = ["s3:ListBucket"], resources = [local._arns.documents] }
        ListUploads = {
          actions    = ["s3:ListBucket"]
          conditions = { "s3:prefix" = { test = "StringLike", values = ["incoming/*"] } }
          resources  = [local._arns.uploads]
        }
        PublishEvents = {
          actions    = ["events:PutEvents"]
          conditions = merge(local._own_source, { "events:detail-type" = { test = "ForAllValues:StringEquals", values = concat(local._details.created, local._details.changed) } })
          resources  = [local._arns.bus]
        }
        ReadStream = {
          actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
          resources = ["${local._arns.table}/stream/*"]
        }
        # What an invoice must agree with is in separate items. Nothing else may be put, and above all no invoice.
        ClaimIdentities = {
          actions    = ["dynamodb:PutItem"]
          conditions = { "dynamodb:LeadingKeys" = { test = "ForAllValues:StringLike", values = ["claim#*"] } }
          resources  = [local._arns.table]
        }
        UpdateInvoices = { actions = ["dynamodb:GetItem", "dynamodb:UpdateItem"], resources = [local._arns.table] }
      }
    }

    generate-pdf = {
      description = "Renders an invoice as a PDF document."
      environment = merge(
        {
          BRAND_NAME       = var.brand.name
          DOCUMENTS_BUCKET = local._buckets["documents"]
          TABLE_NAME       = local._names.table
        },
        { for name, value in { BRAND_ADDRESS = var.brand.address, BRAND_EMAIL = var.brand.email, BRAND_IBAN = var.brand.iban, BRAND_VAT_ID = var.brand.vat_id } : name => value if value != "" },
      )
      statements = {
        ReadInvoices   = { actions = ["dynamodb:GetItem"], resources = [local._arns.table] }
        WriteDocuments = { actions = ["s3:PutObject"], resources = ["${local._arns.documents}/*"] }
      }
    }

    query-invoices = {
      description = "Serves GET /invoices and GET /payments."
      environment = {
        ALLOWED_ORIGINS = join(",", var.allowed_origins)
        TABLE_NAME      = local._names.table
      }
      statements = {
        QueryIndexes = { actions = ["dynamodb:Query"], resources = ["${local._arns.table}/index/*"] }
      }
    }

    get-invoice = {
      description = "Serves GET /invoices/{id}."
      environment = {
        ALLOWED_ORIGINS  = join(",", var.allowed_origins)
        DOCUMENTS_BUCKET = local._buckets["documents"]
        TABLE_NAME       = local._names.table
      }
      statements = {
        # Without ListBucket, S3 returns 403 instead of 404 for a document that does not exist yet.
        ListDocuments = { actions = ["s3:ListBucket"], resources = [local._arns.documents] }
        ReadDocuments = { actions = ["s3:GetObject"], resources = ["${local._arns.documents}/*"] }
        ReadInvoices  = { actions = ["dynamodb:GetItem"], resources = [local._arns.table] }
      }
    }

    update-invoice-status = {
      description = "Serves PATCH of invoices and payments, and records payments announced on the bus."
      environment = {
        ALLOWED_ORIGINS = join(",", var.allowed_origins)
        TABLE_NAME      = local._names.table
      }
      statements = {
        # Each payment has a receipt. Nothing else may be put, and above all no invoice.
        KeepReceipts = {
          actions    = ["dynamodb:PutItem"]
          conditions = { "dynamodb:LeadingKeys" = { test = "ForAllValues:StringLike", values = ["payment#*"] } }
          resources  = [local._arns.table]
        }
        UpdateInvoices = { actions = ["dynamodb:GetItem", "dynamodb:UpdateItem"], resources = [local._arns.table] }
      }
    }

    rotate-api-key = {
      description = "Rotates the API's key, in the steps of Secrets Manager."
      environment = {
        API_KEY_PREFIX = local._names.rotated
        API_NAME       = local._names.api
      }
      statements = {
        # AWS chooses the ids of keys, so the tag Api limits the function to the keys of this API.
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-iam-policy.html
        ChangeKeys = {
          actions    = ["apigateway:DELETE", "apigateway:PATCH"]
          conditions = { "aws:ResourceTag/Api" = { test = "StringEquals", values = [local._names.api] } }
          resources  = ["${local._arns.gateway}/apikeys/*"]
        }
        MakeKeys = {
          actions    = ["apigateway:POST"]
          conditions = { "aws:RequestTag/Api" = { test = "StringEquals", values = [local._names.api] } }
          resources  = ["${local._arns.gateway}/apikeys"]
        }
        # All keys of the account: the list has no condition keys, and the function looks keys up by their names.
        ReadKeys = { actions = ["apigateway:GET"], resources = ["${local._arns.gateway}/apikeys", "${local._arns.gateway}/apikeys/*"] }
        # Needed to create a key with tags. A request that names the tag of this API may be about any key, because a key
        # that is being created has no tags to ask for.
        TagKeys = {
          actions    = ["apigateway:PUT"]
          conditions = { "aws:RequestTag/Api" = { test = "StringEquals", values = [local._names.api] } }
          resources  = ["${local._arns.gateway}/tags/${urlencode("${local._arns.gateway}/apikeys/")}*"]
        }
        RotateSecret = {
          actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
          resources = [local._arns.secret]
        }
      }
    }
  }

  # Values and grants with an id that AWS chooses: they refer to a resource, so they are separate (see above).
  _environment_by_id = {
    rotate-api-key = { USAGE_PLAN_ID = module.api.usage_plan_id }
  }

  _statements_by_id = {
    rotate-api-key = {
      OpenSecret = {
        actions    = ["kms:Decrypt", "kms:GenerateDataKey"]
        conditions = { "kms:ViaService" = { test = "StringEquals", values = ["secretsmanager.${local._region}.amazonaws.com"] } }
        resources  = [module.key.key_arn]
      }
      JoinPlan = {
        actions   = ["apigateway:POST"]
        resources = ["${local._arns.gateway}/usageplans/${module.api.usage_plan_id}/keys"]
      }
      ReadPlan = {
        actions   = ["apigateway:GET"]
        resources = ["${local._arns.gateway}/usageplans/${module.api.usage_plan_id}/keys/*"]
      }
    }
  }

  # Secrets Manager calls its function for one step after the other.
  _concurrency = merge({ for name in keys(local._functions) : name => var.lambda_settings.reserved_concurrency }, { rotate-api-key = 1 }, var.reserved_concurrency)

  _alias_arns = { for name in keys(local._functions) : name => "arn:${local._partition}:lambda:${local._scope}:function:${name}-${var.environment}:live" }

  _permissions = {
    create-invoice = {
      PostInvoices    = { principal = "apigateway.amazonaws.com", source_arn = "${module.api.execution_arn}/*/POST/invoices" }
      UploadContinued = { principal = "events.amazonaws.com", source_arn = module.event_bus.rule_arns[local._rules.continued] }
      Uploads         = { principal = "s3.amazonaws.com", source_arn = local._arns.uploads }
    }
    generate-pdf = {
      InvoiceCreated = { principal = "events.amazonaws.com", source_arn = module.event_bus.rule_arns[local._rules.created] }
    }
    get-invoice = {
      GetInvoice = { principal = "apigateway.amazonaws.com", source_arn = "${module.api.execution_arn}/*/GET/invoices/*" }
    }
    query-invoices = {
      GetInvoices = { principal = "apigateway.amazonaws.com", source_arn = "${module.api.execution_arn}/*/GET/invoices" }
      GetPayments = { principal = "apigateway.amazonaws.com", source_arn = "${module.api.execution_arn}/*/GET/payments" }
    }
    update-invoice-status = {
      InvoicePaid  = { principal = "events.amazonaws.com", source_arn = module.event_bus.rule_arns[local._rules.paid] }
      PatchPayment = { principal = "apigateway.amazonaws.com", source_arn = "${module.api.execution_arn}/*/PATCH/payments/*" }
      PatchInvoice = { principal = "apigateway.amazonaws.com", source_arn = "${module.api.execution_arn}/*/PATCH/invoices/*" }
    }
  }

  _event_sources = {
    process-invoice = {
      table-stream = { arn = module.table.stream_arn, maximum_record_age_seconds = var.stream_record_age_hours * 3600 }
    }
  }

  _schedules = {
    process-invoice = {
      measure = {
        description = "Counts what waits: undecided invoices, unapplied payments, files."
        event       = jsonencode({ task = "measure" })
        expression  = "rate(5 minutes)"
      }
      sweep = {
        description = "Heals invoices that wait because a record or an event was lost."
        event       = jsonencode({ task = "sweep" })
        expression  = "rate(1 hour)"
      }
    }
  }
}

module "function" {
  source   = "../lambda"
  for_each = local._functions

  account_id           = var.account_id
  description          = each.value.description
  event_sources        = lookup(local._event_sources, each.key, {})
  handler              = "${replace(each.key, "-", "_")}.handler.lambda_handler"
  kms_key_arn          = module.key.key_arn
  memory_size          = var.lambda_settings.memory_size
  name                 = "${each.key}-${var.environment}"
  permissions_boundary = var.permissions_boundary
  permissions          = lookup(local._permissions, each.key, {})
  release              = { stable_version = lookup(var.release.stable, each.key, ""), weight = var.release.weight }
  reserved_concurrency = local._concurrency[each.key]
  schedules            = lookup(local._schedules, each.key, {})
  statements           = merge(each.value.statements, lookup(local._statements_by_id, each.key, {}))
  tags                 = var.tags
  timeout              = var.lambda_settings.timeout

  code = {
    bucket = aws_s3_object.code[local._zips[each.key]].bucket
    key    = aws_s3_object.code[local._zips[each.key]].key
  }

  environment = merge(each.value.environment, lookup(local._environment_by_id, each.key, {}), {
    LOG_LEVEL                    = var.logging.level
    POWERTOOLS_METRICS_NAMESPACE = local._namespace
    POWERTOOLS_SERVICE_NAME      = each.key
  })

  logging = {
    application_level = var.logging.level
    retention_days    = var.logging.retention_days
  }
}
