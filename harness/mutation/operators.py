"""The edits that the gate must notice: each operator removes or inverts one safeguard.

An operator has a name, a category and a finder of places. Its mutants are what the finder finds in `modules/` and `live/`.
An operator that finds nothing is an error: the code has changed, and the operator must follow.
"""

from dataclasses import dataclass
from enum import StrEnum

from harness.mutation.edits import (
    Finder,
    but_not,
    in_text,
    never,
    replacing,
    setting,
    without,
    without_block,
)


class Category(StrEnum):
    """What an edit endangers."""

    ACCESS = "access"
    API = "api"
    COST = "cost"
    DATA = "data"
    DELIVERY = "delivery"
    ENCRYPTION = "encryption"
    OBSERVABILITY = "observability"
    RELEASE = "release"
    VALIDATION = "validation"


@dataclass(frozen=True)
class Operator:
    """A kind of edit.

    Attributes:
        name: Lower-case words joined by hyphens: what the edit does.
        category: What it endangers.
        find: Finds the places of the edit.
    """

    name: str
    category: Category
    find: Finder


_C = Category
_TABLE = "resource.aws_dynamodb_table"
_FUNCTION = "resource.aws_lambda_function"
_STREAM = "resource.aws_lambda_event_source_mapping"
_ALARM = "resource.aws_cloudwatch_metric_alarm"
_POLICY = "data.aws_iam_policy_document"
_PROD = "live/prod/terraform.tfvars"
_BUCKET = "resource.aws_s3_bucket"
_BLOCK_PUBLIC = "resource.aws_s3_bucket_public_access_block"
_METHOD = "resource.aws_api_gateway_method.this"
_STAGE = "resource.aws_api_gateway_stage"
_LIFECYCLE = "resource.aws_s3_bucket_lifecycle_configuration/dynamic.rule/content"
_TARGET = "resource.aws_cloudwatch_event_target"

OPERATORS: tuple[Operator, ...] = (
    # --- data: kept, protected, restorable
    Operator("drop-point-in-time-recovery", _C.DATA, without_block(f"{_TABLE}/point_in_time_recovery")),
    Operator("switch-point-in-time-recovery-off", _C.DATA, setting(f"{_TABLE}/point_in_time_recovery", "enabled", "false")),
    Operator("live-without-point-in-time-recovery", _C.DATA, in_text(_PROD, r"(point_in_time_recovery *= )true", r"\1false")),
    Operator("switch-deletion-protection-off", _C.DATA, setting(_TABLE, "deletion_protection_enabled", "false")),
    Operator("live-without-deletion-protection", _C.DATA, in_text(_PROD, r"^(deletion_protection *= )true", r"\1false")),
    Operator("unprotected-by-default", _C.DATA, setting("variable.deletion_protection", "default", "false")),
    Operator("unrestorable-by-default", _C.DATA, setting("variable.point_in_time_recovery", "default", "false")),
    Operator("force-destroy-of-buckets", _C.DATA, setting(_BUCKET, "force_destroy", "true")),
    Operator("live-with-force-destroy", _C.DATA, in_text(_PROD, r"^(force_destroy *= )false", r"\1true")),
    Operator("force-destroy-by-default", _C.DATA, setting("variable.force_destroy", "default", "true")),
    Operator("suspend-versioning", _C.DATA, replacing("resource.aws_s3_bucket_versioning/versioning_configuration", "status", '"Enabled"', '"Suspended"')),
    Operator("drop-versioning", _C.DATA, never("resource.aws_s3_bucket_versioning")),
    Operator("unversioned-by-default", _C.DATA, setting("variable.versioning", "default", "false")),
    Operator("drop-lifecycle", _C.COST, never("resource.aws_s3_bucket_lifecycle_configuration")),
    Operator("disable-lifecycle-rules", _C.COST, setting(_LIFECYCLE, "status", '"Disabled"')),
    Operator("keep-noncurrent-versions-forever", _C.COST, without_block(f"{_LIFECYCLE}/dynamic.noncurrent_version_expiration")),
    Operator("keep-unfinished-uploads-forever", _C.COST, without_block(f"{_LIFECYCLE}/dynamic.abort_incomplete_multipart_upload")),
    Operator("drop-transitions", _C.COST, without_block(f"{_LIFECYCLE}/dynamic.transition")),
    Operator("lifecycle-days-zero-by-default", _C.COST, replacing("variable.lifecycle_rules", "type", r"((?:abort_multipart|noncurrent_expiration)_days +=? ?= optional\(number, )\d+", r"\g<1>0")),
    Operator("drop-replication", _C.DATA, never("resource.aws_s3_bucket_replication_configuration")),
    Operator("live-without-replication", _C.DATA, in_text(_PROD, r"^(replication *= )true", r"\1false")),
    Operator("keep-replication-rule-disabled", _C.DATA, setting("resource.aws_s3_bucket_replication_configuration/rule", "status", '"Disabled"')),
    Operator("drop-index", _C.DATA, replacing("module.table", "global_secondary_indexes", r" *\{ name = \"[^\n]+\n", "")),
    Operator("change-hash-key", _C.DATA, setting("module.table", "hash_key", '"customerId"')),
    Operator("drop-expiry", _C.DATA, without("module.table", "ttl_attribute")),
    Operator("drop-autoscaling", _C.DATA, never("resource.aws_appautoscaling_policy")),
    Operator("undo-autoscaling-at-each-apply", _C.DATA, replacing(f"{_TABLE}/lifecycle", "ignore_changes", r"global_secondary_index, read_capacity, write_capacity", "global_secondary_index")),
    Operator("live-with-one-capacity-unit", _C.DATA, in_text(_PROD, r"((?:read|write)_capacity +=) 25", r"\1 1")),
    # --- encryption
    Operator("switch-table-encryption-off", _C.ENCRYPTION, setting(f"{_TABLE}/server_side_encryption", "enabled", "false")),
    Operator("drop-table-encryption", _C.ENCRYPTION, without_block(f"{_TABLE}/server_side_encryption")),
    Operator("drop-bucket-encryption", _C.ENCRYPTION, never("resource.aws_s3_bucket_server_side_encryption_configuration")),
    Operator("unencrypted-queue", _C.ENCRYPTION, setting("resource.aws_sqs_queue", "sqs_managed_sse_enabled", "false")),
    Operator("drop-function-key", _C.ENCRYPTION, without(_FUNCTION, "kms_key_arn")),
    Operator("drop-topic-key", _C.ENCRYPTION, without("resource.aws_sns_topic", "kms_master_key_id")),
    Operator("drop-secret-key", _C.ENCRYPTION, without("resource.aws_secretsmanager_secret", "kms_key_id")),
    Operator("call-without-key", _C.ENCRYPTION, without("module.*", "kms_key_arn")),
    Operator("allow-plain-http", _C.ENCRYPTION, without_block(f"{_POLICY}.*/statement/condition")),
    Operator("invert-plain-http-test", _C.ENCRYPTION, replacing(f"{_POLICY}.*/statement/condition", "values", r'"false"', '"true"')),
    Operator("drop-deny-of-plain-http", _C.ENCRYPTION, setting(f"{_POLICY}.*/statement", "effect", '"Allow"')),
    Operator("drop-key-rotation", _C.ENCRYPTION, setting("resource.aws_kms_key", "enable_key_rotation", "false")),
    Operator("unrotated-by-default", _C.ENCRYPTION, replacing("variable.rotation", "type", r"(enabled +=? ?= optional\(bool, )true", r"\1false")),
    Operator("shortest-key-deletion-window", _C.ENCRYPTION, setting("resource.aws_kms_key", "deletion_window_in_days", "7")),
    Operator("live-with-short-key-deletion-window", _C.ENCRYPTION, in_text(_PROD, r"^(key_deletion_window_days *= )30", r"\g<1>7")),
    Operator("stop-secret-rotation", _C.ENCRYPTION, never("resource.aws_secretsmanager_secret_rotation")),
    Operator("rotate-once-in-three-years", _C.ENCRYPTION, in_text(_PROD, r"(rotation_days +=) 30", r"\1 1000")),
    Operator("delete-secrets-at-once", _C.ENCRYPTION, in_text(_PROD, r"(recovery_window_days +=) 30", r"\1 0")),
    Operator("write-first-secret-into-the-state", _C.ENCRYPTION, in_text("modules/secret/main.tf", r"secret_string_wo( +)= (.*)\n +secret_string_wo_version += 1$", r"secret_string\1   = \2")),
    Operator("drop-secret-policy", _C.ENCRYPTION, never("resource.aws_secretsmanager_secret_policy")),
    Operator("secret-in-function-settings", _C.ENCRYPTION, replacing("module.function", "environment", r"LOG_LEVEL +=", 'DATABASE_PASSWORD = "hunter2-not-a-secret-name"\n    LOG_LEVEL =')),
    # --- access
    Operator("open-bucket-to-the-public", _C.ACCESS, replacing(_BLOCK_PUBLIC, "*_public_*", r"^true", "false")),
    Operator("open-bucket-acls-to-the-public", _C.ACCESS, replacing(_BLOCK_PUBLIC, "block_public_acls", r"true", "false")),
    Operator("drop-public-access-block", _C.ACCESS, never(_BLOCK_PUBLIC)),
    Operator("let-writers-own-objects", _C.ACCESS, setting("resource.aws_s3_bucket_ownership_controls/rule", "object_ownership", '"ObjectWriter"')),
    Operator("drop-bucket-policy", _C.ACCESS, never("resource.aws_s3_bucket_policy")),
    Operator("allow-public-secret-policy", _C.ACCESS, setting("resource.aws_secretsmanager_secret_policy", "block_public_policy", "false")),
    Operator("widen-action", _C.ACCESS, but_not("[Deny", replacing(f"{_POLICY}.*/statement", "actions", r'"(?!sts)([a-z0-9]+):[A-Za-z]+"', r'"\1:*"'))),
    Operator("widen-resource", _C.ACCESS, but_not("[Deny", setting(f"{_POLICY}.*/statement", "resources", '["*"]'))),
    Operator("widen-function-action", _C.ACCESS, replacing("locals", "_functions", r'actions += \["([a-z0-9]+):[A-Za-z]+"', r'actions = ["\1:*"')),
    Operator("add-function-action", _C.ACCESS, replacing("locals", "_functions", r'(actions += \["dynamodb:GetItem")', r'\1, "dynamodb:DeleteItem"')),
    Operator("widen-function-resource", _C.ACCESS, replacing("locals", "_functions", r'resources += \["?[^\]\n]+\]', 'resources = ["*"]')),
    Operator("trust-everybody", _C.ACCESS, replacing(f"{_POLICY}.*/statement/principals", "identifiers", r'"(?:lambda|s3|apigateway)\.amazonaws\.com"', '"*"')),
    Operator("trust-another-service", _C.ACCESS, replacing(f"{_POLICY}.*/statement/principals", "identifiers", r'"lambda\.amazonaws\.com"', '"lambda.amazonaws.com", "ec2.amazonaws.com"')),
    Operator("let-anybody-send", _C.ACCESS, replacing(f"{_POLICY}.*/statement/principals", "identifiers", r'"(?:events|sns|cloudwatch)\.amazonaws\.com"', '"*"')),
    Operator("drop-source-of-permission", _C.ACCESS, without("resource.aws_lambda_permission", "source_arn")),
    Operator("drop-account-of-permission", _C.ACCESS, without("resource.aws_lambda_permission", "source_account")),
    Operator("let-any-account-use-the-key", _C.ACCESS, without_block(f"{_POLICY}.this/dynamic.statement/content/condition")),
    Operator("open-role-to-the-account", _C.ACCESS, replacing("data.aws_iam_policy_document.assume/statement/principals", "type", '"Service"', '"AWS"')),
    Operator("drop-account-guard", _C.ACCESS, without("provider", "allowed_account_ids")),
    Operator("unencrypted-state", _C.ENCRYPTION, setting("terraform/backend", "encrypt", "false")),
    Operator("unlocked-state", _C.RELEASE, setting("terraform/backend", "use_lockfile", "false")),
    Operator("share-state-with-dev", _C.RELEASE, replacing("terraform/backend", "key", "prod/", "dev/")),
    # --- the functions
    Operator("old-runtime", _C.RELEASE, setting(_FUNCTION, "runtime", '"python3.8"')),
    Operator("other-processor", _C.COST, setting(_FUNCTION, "architectures", '["x86_64"]')),
    Operator("other-processor-by-default", _C.COST, setting("variable.architecture", "default", '"x86_64"')),
    Operator("unreserved-concurrency", _C.DELIVERY, setting(_FUNCTION, "reserved_concurrent_executions", "-1")),
    Operator("drop-reserved-concurrency", _C.DELIVERY, without(_FUNCTION, "reserved_concurrent_executions")),
    Operator("stop-the-function", _C.DELIVERY, setting(_FUNCTION, "reserved_concurrent_executions", "0")),
    Operator("live-with-no-concurrency", _C.DELIVERY, in_text(_PROD, r"(reserved_concurrency +=) 100", r"\1 0")),
    Operator("drop-tracing", _C.OBSERVABILITY, without_block(f"{_FUNCTION}/tracing_config")),
    Operator("pass-tracing-through", _C.OBSERVABILITY, setting(f"{_FUNCTION}/tracing_config", "mode", '"PassThrough"')),
    Operator("drop-dead-letter-queue", _C.DELIVERY, without_block("resource.*/dead_letter_config")),
    Operator("unpublished", _C.RELEASE, setting(_FUNCTION, "publish", "false")),
    Operator("unpin-code", _C.RELEASE, without(_FUNCTION, "s3_object_version")),
    Operator("alias-to-latest", _C.RELEASE, setting("resource.aws_lambda_alias", "function_version", '"$LATEST"')),
    Operator("drop-json-logs", _C.OBSERVABILITY, without_block(f"{_FUNCTION}/logging_config")),
    Operator("logs-as-text", _C.OBSERVABILITY, setting(f"{_FUNCTION}/logging_config", "log_format", '"Text"')),
    Operator("keep-logs-forever", _C.COST, setting("resource.aws_cloudwatch_log_group", "retention_in_days", "0")),
    Operator("drop-log-retention", _C.COST, without("resource.aws_cloudwatch_log_group", "retention_in_days")),
    Operator("live-with-logs-of-a-day", _C.OBSERVABILITY, in_text(_PROD, r"(retention_days +=) 365", r"\1 1")),
    Operator("function-for-alias", _C.RELEASE, setting(_STREAM, "function_name", "aws_lambda_function.this.arn")),
    Operator("permission-on-function-instead-of-alias", _C.RELEASE, without("resource.aws_lambda_permission", "qualifier")),
    Operator("repetition-on-function-instead-of-alias", _C.RELEASE, without("resource.aws_lambda_function_event_invoke_config", "qualifier")),
    Operator("alias-out-of-arn", _C.RELEASE, replacing("locals", "_alias_arn*", r":\$\{var\.alias_name\}|:live", "")),
    Operator("drop-stream-failure-destination", _C.DELIVERY, without_block(f"{_STREAM}/destination_config")),
    Operator("whole-batches-fail", _C.DELIVERY, setting(_STREAM, "function_response_types", "[]")),
    Operator("do-not-bisect", _C.DELIVERY, setting(_STREAM, "bisect_batch_on_function_error", "false")),
    Operator("retry-stream-forever", _C.DELIVERY, setting(_STREAM, "maximum_retry_attempts", "-1")),
    Operator("skip-what-was-before", _C.DELIVERY, setting(_STREAM, "starting_position", '"LATEST"')),
    Operator("drop-asynchronous-repetition", _C.DELIVERY, never("resource.aws_lambda_function_event_invoke_config")),
    Operator("no-asynchronous-repetition", _C.DELIVERY, setting("resource.aws_lambda_function_event_invoke_config", "maximum_retry_attempts", "0")),
    Operator("drop-grant", _C.DELIVERY, without_block(f"{_POLICY}.this/statement")),
    Operator("keep-failures-for-a-minute", _C.DELIVERY, setting("resource.aws_sqs_queue", "message_retention_seconds", "60")),
    # --- the API
    Operator("open-method", _C.API, setting(_METHOD, "api_key_required", "false")),
    Operator("open-by-default", _C.API, replacing("variable.routes", "type", r"(api_key_required +=? ?= optional\(bool, )true", r"\1false")),
    Operator("open-one-route", _C.API, replacing("module.api", "routes", r"(method +=) \"POST\"", r'api_key_required = false, \1 "POST"')),
    Operator("drop-validator", _C.API, setting(_METHOD, "request_validator_id", "null")),
    Operator("validate-nothing", _C.API, setting("resource.aws_api_gateway_request_validator", "validate_request_body", "false")),
    Operator("ignore-parameters", _C.API, setting("resource.aws_api_gateway_request_validator", "validate_request_parameters", "false")),
    Operator("drop-model", _C.API, setting(_METHOD, "request_models", "{}")),
    Operator("route-without-model", _C.API, replacing("module.api", "routes", r" +model += \"[A-Za-z]+\"\n", "")),
    Operator("drop-access-log", _C.OBSERVABILITY, without_block(f"{_STAGE}/access_log_settings")),
    Operator("drop-api-tracing", _C.OBSERVABILITY, setting(_STAGE, "xray_tracing_enabled", "false")),
    Operator("log-whole-requests", _C.ACCESS, setting("resource.aws_api_gateway_method_settings/settings", "data_trace_enabled", "true")),
    Operator("unthrottled", _C.API, setting("resource.aws_api_gateway_method_settings/settings", "throttling_rate_limit", "-1")),
    Operator("execution-log-off", _C.OBSERVABILITY, setting("resource.aws_api_gateway_method_settings/settings", "logging_level", '"OFF"')),
    Operator("metrics-off", _C.OBSERVABILITY, setting("resource.aws_api_gateway_method_settings/settings", "metrics_enabled", "false")),
    Operator("drop-quota", _C.API, without_block("resource.aws_api_gateway_usage_plan/quota_settings")),
    Operator("drop-throttle", _C.API, without_block("resource.aws_api_gateway_usage_plan/throttle_settings")),
    Operator("key-in-no-plan", _C.API, never("resource.aws_api_gateway_usage_plan_key")),
    Operator("deploy-only-once", _C.RELEASE, without("resource.aws_api_gateway_deployment", "triggers")),
    Operator("deploy-without-regard-to-routes", _C.RELEASE, replacing("locals", "_fingerprint", r"^ +routes +=[^\n]+\n", "")),
    Operator("deploy-without-regard-to-others", _C.RELEASE, replacing("locals", "_fingerprint", r"^ +others +=[^\n]+\n", "")),
    Operator("downtime-at-each-deployment", _C.RELEASE, setting("resource.aws_api_gateway_deployment/lifecycle", "create_before_destroy", "false")),
    Operator("errors-without-cors", _C.API, without("resource.aws_api_gateway_gateway_response", "response_parameters")),
    Operator("preflight-wants-a-key", _C.API, setting("resource.aws_api_gateway_method.preflight", "api_key_required", "true")),
    Operator("preflight-reaches-a-function", _C.API, setting("resource.aws_api_gateway_integration.preflight", "type", '"HTTP_PROXY"')),
    Operator("any-origin-in-prod", _C.API, in_text(_PROD, r"^allowed_origins = .+", 'allowed_origins = ["*"]')),
    Operator("any-origin", _C.API, setting("module.cors", "allow_origins", '["*"]')),
    Operator("allow-foreign-origins", _C.API, replacing("locals", "_is_allowed", r"\$origin == ", "$origin != ")),
    # --- events
    Operator("drop-retry-policy", _C.DELIVERY, without_block(f"{_TARGET}/retry_policy")),
    Operator("do-not-retry", _C.DELIVERY, setting(f"{_TARGET}/retry_policy", "maximum_retry_attempts", "0")),
    Operator("retry-for-a-minute-only", _C.DELIVERY, setting(f"{_TARGET}/retry_policy", "maximum_event_age_in_seconds", "60")),
    Operator("drop-archive", _C.DATA, never("resource.aws_cloudwatch_event_archive")),
    Operator("loop-own-events", _C.DELIVERY, replacing("module.event_bus", "rules", r"sources_except += \[local\._event_source\]", "sources_except = []")),
    Operator("loop-own-reports", _C.DELIVERY, replacing("module.uploads", "lambda_notifications", r'filter_prefix += "incoming/"', 'filter_prefix = ""')),
    Operator("take-any-file", _C.DELIVERY, replacing("module.uploads", "lambda_notifications", r'filter_suffix += "[^"]+"', 'filter_suffix = ""')),
    Operator("keys-only-stream", _C.DELIVERY, setting("module.table", "stream_view_type", '"KEYS_ONLY"')),
    # --- observability
    Operator("delete-alarms", _C.OBSERVABILITY, replacing("locals", "_alarms", r"(?<=[(, ])local\._[a-z]+_alarms(?=[,)])", "{}")),
    Operator("delete-alarm", _C.OBSERVABILITY, replacing("locals", "_function_alarms", r"^      \"function/\$\{name\}/(\w+)\" = \{\n(?:        .*\n)+?      \}\n", "")),
    Operator("alarm-tells-nobody", _C.OBSERVABILITY, setting(_ALARM, "alarm_actions", "[]")),
    Operator("alarm-cannot-start", _C.OBSERVABILITY, setting(_ALARM, "comparison_operator", '"LessThanThreshold"')),
    Operator("alarm-starts-without-data", _C.OBSERVABILITY, setting(_ALARM, "treat_missing_data", '"breaching"')),
    Operator("alarm-on-nothing", _C.OBSERVABILITY, replacing("locals", "_*_alarms", r"(FunctionName|QueueName|TableName|BucketName|ApiName) = [\w.]+", r'\1 = "nothing"')),
    Operator("alarm-of-another-statistic", _C.OBSERVABILITY, replacing("locals", "_*_alarms", r'"p95"', '"Average"')),
    Operator("tolerant-alarms", _C.OBSERVABILITY, replacing("variable.thresholds", "type", r"(queue_depth +=? ?= optional\(number, )0", r"\g<1>1000000")),
    Operator("monitor-no-queues", _C.OBSERVABILITY, without("module.monitoring", "queues")),
    Operator("monitor-no-tables", _C.OBSERVABILITY, without("module.monitoring", "tables")),
    Operator("empty-dashboard", _C.OBSERVABILITY, setting("resource.aws_cloudwatch_dashboard", "dashboard_body", "jsonencode({ widgets = [] })")),
    Operator("drop-access-logging", _C.OBSERVABILITY, never("resource.aws_s3_bucket_logging")),
    Operator("bucket-without-access-logging", _C.OBSERVABILITY, without("module.*", "access_logging")),
    Operator("drop-request-metrics", _C.OBSERVABILITY, never("resource.aws_s3_bucket_metric")),
    Operator("drop-budget-notifications", _C.COST, without_block("resource.aws_budgets_budget/dynamic.notification")),
    Operator("budget-of-everything", _C.COST, without_block("resource.aws_budgets_budget/dynamic.cost_filter")),
    # --- tags, versions, environments
    Operator("drop-tags", _C.COST, without("resource.*", "tags")),
    Operator("drop-mandatory-tag", _C.COST, in_text("live/*.tf", r"^ +(?:ManagedBy|Project|Environment) += .+\n", "")),
    Operator("wrong-environment-tag", _C.COST, in_text("live/*.tf", r"(Environment +=) local\._environment", r'\1 "test"')),
    Operator("unpin-provider", _C.RELEASE, without("terraform/required_providers", "aws")),
    Operator("any-provider-version", _C.RELEASE, in_text("*/versions.tf", r'"(?:>= 5\.100, < 7|~> 5\.100)"', '">= 0"')),
    Operator("any-terraform-version", _C.RELEASE, without("terraform", "required_version")),
    Operator("previews-of-prod", _C.RELEASE, in_text(_PROD, r"^(previews *= )false", r"\1true")),
    Operator("prod-in-another-region", _C.RELEASE, in_text(_PROD, r'^(region *= )"us-east-1"', r'\1"eu-west-1"')),
    Operator("replicas-in-the-same-region", _C.DATA, in_text(_PROD, r'^(replica_region *= )"us-west-2"', r'\1"us-east-1"')),
    Operator("nobody-is-told-in-prod", _C.OBSERVABILITY, in_text(_PROD, r"^(alert_emails *= )\[.+\]", r"\1[]")),
    Operator("prod-named-dev", _C.RELEASE, in_text(_PROD, r'^(environment *= )"prod"', r'\1"dev"')),
    # --- what modules reject
    Operator("drop-validation", _C.VALIDATION, without_block("variable/validation")),
    Operator("drop-condition", _C.VALIDATION, without_block("resource/lifecycle/p*condition")),
)  # fmt: skip
