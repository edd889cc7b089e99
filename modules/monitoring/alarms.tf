# Every alarm by "<kind>/<name>/<measure>". An alarm is on the metric "value", or on an expression over its metrics.
locals {
  _alarms = merge(local._function_alarms, local._stream_alarms, local._queue_alarms, local._table_alarms, local._bucket_alarms, local._api_alarms, local._count_alarms, local._stall_alarms)

  _function_alarms = merge([
    for name, function in var.functions : {
      "function/${name}/errors" = {
        datapoints  = 1
        description = "More than ${var.thresholds.function_error_percent} % of the invocations of ${function.function_name} failed within 5 minutes."
        expression  = "IF(invocations > 0, 100 * errors / invocations, 0)"
        namespace   = "AWS/Lambda"
        period      = 300
        threshold   = var.thresholds.function_error_percent
        metrics = {
          errors      = { dimensions = { FunctionName = function.function_name }, name = "Errors", statistic = "Sum" }
          invocations = { dimensions = { FunctionName = function.function_name }, name = "Invocations", statistic = "Sum" }
        }
      }
      "function/${name}/throttles" = {
        datapoints  = 1
        description = "More than ${var.thresholds.function_throttles} invocations of ${function.function_name} were throttled within a minute: its reserved concurrency is used up."
        expression  = ""
        namespace   = "AWS/Lambda"
        period      = 60
        threshold   = var.thresholds.function_throttles
        metrics     = { value = { dimensions = { FunctionName = function.function_name }, name = "Throttles", statistic = "Sum" } }
      }
      "function/${name}/duration" = {
        datapoints  = 1
        description = "At least 5 % of the invocations of ${function.function_name} within 5 minutes took longer than ${var.thresholds.function_duration_percent} % of its time-out of ${function.timeout} s."
        expression  = ""
        namespace   = "AWS/Lambda"
        period      = 300
        threshold   = function.timeout * 1000 * var.thresholds.function_duration_percent / 100 # the metric is in ms
        metrics     = { value = { dimensions = { FunctionName = function.function_name }, name = "Duration", statistic = "p95" } }
      }
    }
  ]...)

  # A stream forgets its records after a day.
  _stream_alarms = {
    for name, function in var.functions : "function/${name}/stream-age" => {
      datapoints  = 1
      description = "${function.function_name} got records from its stream that were older than ${var.thresholds.stream_age_minutes} minutes: something holds it up, and records that become too old are given up."
      expression  = ""
      namespace   = "AWS/Lambda"
      period      = 300
      threshold   = var.thresholds.stream_age_minutes * 60000 # the metric is in ms
      metrics     = { value = { dimensions = { FunctionName = function.function_name }, name = "IteratorAge", statistic = "Maximum" } }
    } if function.reads_stream
  }

  # The functions' dead-letter queues and all others, by name.
  _queues = merge(
    { for name, function in var.functions : name => function.dead_letter_queue if function.dead_letter_queue != "" },
    var.queues,
  )
  _queue_alarms = {
    for name, queue in local._queues : "queue/${replace(name, "/", "-")}/depth" => {
      datapoints  = 1
      description = "More than ${var.thresholds.queue_depth} messages are in the dead-letter queue ${queue}: find the cause, then redrive them."
      expression  = ""
      namespace   = "AWS/SQS"
      period      = 60
      threshold   = var.thresholds.queue_depth
      metrics     = { value = { dimensions = { QueueName = queue }, name = "ApproximateNumberOfMessagesVisible", statistic = "Maximum" } }
    }
  }

  # DynamoDB counts throttled requests only by operation, and an alarm takes ten metrics: all operations on items except
  # those of PartiQL.
  _operations = ["BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems", "UpdateItem"]
  _table_alarms = {
    for name, table in var.tables : "table/${name}/throttles" => {
      # Auto-scaling takes minutes to begin, and until then a burst is throttled and tried again: only what lasts longer than
      # ten minutes needs somebody. CloudWatch's window slides, so three periods would start for what lasts little more than
      # five: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
      datapoints  = 4
      description = "More than ${var.thresholds.table_throttled_requests} requests to the table ${table} were throttled in each of four times 5 minutes: the table or an index has too little capacity, and auto-scaling does not help."
      expression  = "SUM(FILL(METRICS(), 0))" # an operation that is not throttled has no data point
      namespace   = "AWS/DynamoDB"
      period      = 300
      threshold   = var.thresholds.table_throttled_requests
      metrics = {
        for operation in local._operations :
        "${lower(substr(operation, 0, 1))}${substr(operation, 1, -1)}" => { dimensions = { Operation = operation, TableName = table }, name = "ThrottledRequests", statistic = "Sum" }
      }
    }
  }

  _bucket_alarms = {
    for name, bucket in var.buckets : "bucket/${name}/4xx" => {
      datapoints  = 1
      description = "S3 rejected more than ${var.thresholds.bucket_4xx_per_minute} requests to ${bucket.bucket_name} within a minute (4xx)."
      expression  = ""
      namespace   = "AWS/S3"
      period      = 60
      threshold   = var.thresholds.bucket_4xx_per_minute
      metrics     = { value = { dimensions = { BucketName = bucket.bucket_name, FilterId = bucket.metrics_filter }, name = "4xxErrors", statistic = "Sum" } }
    }
  }

  # What the code counts has the dimension "service", as Powertools writes it:
  # https://docs.aws.amazon.com/powertools/python/latest/core/metrics/
  _count_alarms = {
    for name, count in var.counts : "count/${name}/any" => {
      datapoints  = 1
      description = count.description
      expression  = ""
      namespace   = count.namespace
      period      = count.period
      threshold   = 0
      metrics     = { value = { dimensions = { service = count.service }, name = count.metric, statistic = count.statistic } }
    }
  }

  # A counter that is not increased has no data point.
  _stall_alarms = {
    for name, stall in var.stalls : "stall/${name}/any" => {
      datapoints  = 1
      description = stall.description
      expression  = "IF(waiting > 0 AND ${join(" + ", [for index in range(length(stall.done)) : "FILL(done${index}, 0)"])} == 0, 1, 0)"
      namespace   = stall.namespace
      period      = 3600
      threshold   = 0
      metrics = merge(
        { waiting = { dimensions = { service = stall.service }, name = stall.waiting, statistic = "Maximum" } },
        { for index, metric in stall.done : "done${index}" => { dimensions = { service = stall.service }, name = metric, statistic = "Sum" } },
      )
    }
  }

  _api_alarms = {
    for name, api in var.apis : "api/${name}/5xx" => {
      datapoints  = 1
      description = "More than ${var.thresholds.api_5xx_per_minute} requests to ${api.api_name} (${api.stage}) ended in a server error within a minute (5xx)."
      expression  = ""
      namespace   = "AWS/ApiGateway"
      period      = 60
      threshold   = var.thresholds.api_5xx_per_minute
      metrics     = { value = { dimensions = { ApiName = api.api_name, Stage = api.stage }, name = "5XXError", statistic = "Sum" } }
    }
  }
}
