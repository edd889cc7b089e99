"""Source that runs commands, hides changes or brings code from elsewhere is rejected, by the gate and by a deploy."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from harness.deploy import gate
from harness.paths import ROOT
from harness.policy import decisions, deploy_decisions, unplanned
from harness.terraform.plan import TerraformPlan

BUCKETS = "modules/s3-bucket/main.tf"
SECRET = "modules/secret/main.tf"
FUNCTIONS = "modules/invoice-platform/functions.tf"
STORAGE = "modules/invoice-platform/storage.tf"
TABLE = "modules/dynamodb/main.tf"
VERSIONS = "modules/s3-bucket/versions.tf"

HOSTILE = {
    "provisioner": (
        BUCKETS,
        "  bucket        = ",
        '  provisioner "local-exec" {\n    command = "id"\n  }\n  bucket = ',
        "a provisioner",
    ),
    "provisioner-of-terraform-data": (
        BUCKETS,
        "",
        'resource "terraform_data" "x" {\n  provisioner "local-exec" {\n    command = "id"\n  }\n}\n',
        "a provisioner",
    ),
    "terraform-data": (
        BUCKETS,
        "",
        'resource "terraform_data" "x" {\n  input = "x"\n}\n',
        "resource terraform_data is not",
    ),
    "external": (BUCKETS, "", 'data "external" "x" {\n  program = ["id"]\n}\n', "data external is not"),
    "http": ("live/dev/main.tf", "", 'data "http" "x" {\n  url = "http://x"\n}\n', "data http is not"),
    "http-in-a-check": (
        "live/dev/main.tf",
        "",
        'check "x" {\n  data "http" "x" {\n    url = "http://x"\n  }\n}\n',
        "data http is not",
    ),
    "another-provider": ("live/prod/providers.tf", "", 'provider "external" {\n}\n', "provider external is not"),
    "aws-from-elsewhere": (VERSIONS, '"hashicorp/aws"', '"evil/aws"', "the provider aws is evil/aws"),
    "module-from-elsewhere": (
        "live/dev/main.tf",
        '"../../modules/invoice-platform"',
        '"git::https://x/m"',
        "its source is git::https://x/m",
    ),
    "module-beside": ("live/dev/main.tf", '"../../modules/invoice-platform"', '"./hidden"', "its source is ./hidden"),
    "ignore-everything": (
        TABLE,
        "[global_secondary_index, read_capacity, write_capacity]",
        "all",
        "ignore_changes has all",
    ),
    "ignore-encryption": (
        TABLE,
        "[global_secondary_index,",
        "[server_side_encryption, global_secondary_index,",
        "ignore_changes has server_side_encryption",
    ),
    "ignore-in-a-new-lifecycle": (
        BUCKETS,
        "  bucket        = ",
        "  lifecycle {\n    ignore_changes = [ # nothing\n      bucket,\n    ]\n  }\n  bucket = ",
        "ignore_changes has bucket",
    ),
    "endpoints": (
        "live/prod/providers.tf",
        "  region              = var.region",
        '  endpoints {\n    secretsmanager = "https://x"\n  }\n  region = var.region',
        "endpoints may send",
    ),
    "insecure": (
        "live/prod/providers.tf",
        "  region              = var.region",
        "  insecure = true\n  region = var.region",
        "insecure may send",
    ),
    "state-of-others": (
        "live/prod/backend.tf",
        "    encrypt      = true",
        '    encrypt = true\n    acl = "public-read"',
        "acl may send",
    ),
    "key-in-an-output": (
        "live/prod/outputs.tf",
        "",
        'output "key" {\n  value = nonsensitive(module.invoice_platform.api_key)\n}\n',
        "nonsensitive shows a secret",
    ),
    "file-of-the-user": (
        FUNCTIONS,
        '"Serves GET /invoices/{id}."',
        'file(pathexpand("~/.aws/credentials"))',
        "pathexpand shows a secret",
    ),
    "provider-of-any-version": (
        VERSIONS,
        '"~> 5.100"',
        '">= 3.0, < 99"',
        "the provider's version is >= 3.0, < 99, which was never proven",
    ),
    "terraform-of-any-version": (
        "live/prod/versions.tf",
        '">= 1.11"',
        '">= 0.1"',
        'required_version is ">= 0.1", which was never proven',
    ),
    "import": (
        "live/prod/main.tf",
        "",
        'import {\n  to = module.invoice_platform.module.table.aws_dynamodb_table.this\n  id = "invoices-dev"\n}\n',
        "it adopts something that exists",
    ),
    "forgotten": (
        "live/prod/main.tf",
        "",
        "removed {\n  from = module.invoice_platform.module.old\n\n  lifecycle {\n    destroy = false\n  }\n}\n",
        "Terraform forgets it",
    ),
    "another-region": (
        "live/dev/providers.tf",
        "  region              = var.region",
        '  region = "eu-central-1"',
        'its region is "eu-central-1"',
    ),
    "replicas-at-home": (
        "live/prod/providers.tf",
        "= var.replica_region",
        "= var.region",
        "its region is var.region",
    ),
    "a-provider-of-its-own": (
        VERSIONS,
        "",
        'provider "aws" {\n  region = "eu-central-1"\n}\n',
        "a module has a provider of its own",
    ),
    "pinned-release": (
        "live/prod/terraform.tfvars",
        "",
        'release = { stable = { create-invoice = "1" } }\n',
        "release is a value that each deploy sets",
    ),
    "pinned-by-default": (
        "live/prod/variables.tf",
        "  default  = {}",
        '  default = { stable = { create-invoice = "1" } }',
        "the default of release is",
    ),
    "boundary-by-default": (
        "live/prod/variables.tf",
        '  default     = ""',
        '  default = "arn:aws:iam::aws:policy/ReadOnlyAccess"',
        "the default of permissions_boundary is",
    ),
    "by-the-gate-s-account": (
        STORAGE,
        "point_in_time_recovery = var.table.point_in_time_recovery",
        'point_in_time_recovery = var.account_id == "000000000000" && var.table.point_in_time_recovery',
        "a condition on var.account_id",
    ),
    "by-the-boundary": (
        STORAGE,
        "deletion_protection    = var.deletion_protection",
        'deletion_protection    = var.deletion_protection && var.permissions_boundary == ""',
        "a condition on var.permissions_boundary",
    ),
    "by-the-folder-of-zips": (
        STORAGE,
        "force_destroy        = var.force_destroy",
        'force_destroy        = !endswith(var.artifacts_dir, "/policy/artifacts")',
        "a condition on var.artifacts_dir",
    ),
    "by-the-account-in-a-template": (
        STORAGE,
        "force_destroy        = var.force_destroy",
        'force_destroy        = "${var.account_id}" != "000000000000"',
        "a condition on var.account_id",
    ),
    "by-a-key-of-the-account": (
        STORAGE,
        "deletion_protection    = var.deletion_protection",
        'deletion_protection    = lookup({ "1" = true }, var.account_id, false)',
        "a condition on var.account_id",
    ),
    "by-an-index-of-the-account": (
        STORAGE,
        "deletion_protection    = var.deletion_protection",
        'deletion_protection    = try({ "1" = true }[var.account_id], false)',
        "a condition on var.account_id",
    ),
    "by-a-name-with-the-account": (
        STORAGE,
        "force_destroy        = var.force_destroy",
        'force_destroy        = !endswith(local._buckets["documents"], "-000000000000")',
        "it names the account 000000000000",
    ),
    "by-the-account-renamed": (
        STORAGE,
        "",
        "locals {\n  _where = var.account_id\n}\n",
        "_where is var.account_id by another name",
    ),
    "by-the-folder": (
        STORAGE,
        "deletion_protection    = var.deletion_protection",
        'deletion_protection    = !strcontains(path.cwd, "live")',
        "it reads what the machine has",
    ),
    "by-a-file-of-the-machine": (
        STORAGE,
        "deletion_protection    = var.deletion_protection",
        'deletion_protection    = !fileexists("/etc/deploys")',
        "it reads what the machine has",
    ),
    "by-a-part-of-a-name-with-the-account": (
        STORAGE,
        "deletion_protection    = var.deletion_protection",
        'deletion_protection    = substr(local._buckets["documents"], -1, 1) == "0"',
        "by the account, folder, boundary or repository",
    ),
    "by-a-part-of-an-arn-in-a-local": (
        STORAGE,
        "deletion_protection    = var.deletion_protection",
        'deletion_protection = local._protect\n}\n\nlocals {\n  _protect = split(":", local._arns.table)[4] == "0"',
        "by the account, folder, boundary or repository",
    ),
    "by-a-name-that-a-module-is-given": (
        BUCKETS,
        "force_destroy = var.force_destroy",
        'force_destroy = substr(var.name, -3, -1) != "000"',
        "by the account, folder, boundary or repository",
    ),
    "previews-with-names-of-others": (
        "live/dev/main.tf",
        'local._preview ? "${var.environment}-${terraform.workspace}" : var.environment',
        "var.environment",
        "previews get names of others",
    ),
    "a-call-without-the-preview-s-name": (
        "live/dev/main.tf",
        "= local._environment",
        "= var.environment",
        "previews get names of others",
    ),
    "alarms-by-an-id": (
        "modules/monitoring/main.tf",
        "alarm_actions       = local._alarm_actions",
        'alarm_actions       = aws_sns_topic.alarms[0].arn == "" ? local._alarm_actions : []',
        'aws_sns_topic.alarms[0].arn == "" ? local._alarm_actions : [] decides by an id',
    ),
    "alarms-by-an-id-in-a-local": (
        "modules/monitoring/main.tf",
        "local._own_topic ? [aws_sns_topic.alarms[0].arn] : var.alarm_actions",
        '[for topic in aws_sns_topic.alarms : topic.arn if topic.arn == ""]',
        'if topic.arn == "" decides by an id',
    ),
    "key-by-an-id": (
        "modules/lambda/main.tf",
        'var.kms_key_arn != "" ? var.kms_key_arn : null',
        'var.kms_key_arn != "" ? null : var.kms_key_arn',
        'var.kms_key_arn != "" ? null : var.kms_key_arn decides by an id',
    ),
    "dead-letters-by-an-id": (
        "modules/lambda/main.tf",
        "target_arn = aws_sqs_queue.dead_letter.arn",
        'target_arn = replace(aws_sqs_queue.dead_letter.arn, "/.*/", "arn:aws:sqs:us-east-1:1:x")',
        "replace(aws_sqs_queue.dead_letter.arn",
    ),
    "one-queue-for-all": (
        "modules/event-bus/main.tf",
        "aws_sqs_queue.dead_letter[each.key].arn",
        "values(aws_sqs_queue.dead_letter)[0].arn",
        "values(aws_sqs_queue.dead_letter)[0] decides by an id",
    ),
    "one-queue-of-a-splat": (
        "modules/event-bus/main.tf",
        "aws_sqs_queue.dead_letter[each.key].arn",
        "(values(aws_sqs_queue.dead_letter)[*].arn)[0]",
        "values(aws_sqs_queue.dead_letter)[*].arn)[0] decides by an id",
    ),
    "one-queue-of-a-loop": (
        "modules/event-bus/main.tf",
        "aws_sqs_queue.dead_letter[each.key].arn",
        "[for queue in aws_sqs_queue.dead_letter : queue.arn][0]",
        "[for queue in aws_sqs_queue.dead_letter : queue.arn][0] decides by an id",
    ),
    "grants-by-an-id": (
        FUNCTIONS,
        'conditions = { "kms:ViaService"',
        'conditions = module.key.key_id == "" ? {} : { "kms:ViaService"',
        'module.key.key_id == "" ? {} :',
    ),
    "validator-by-an-id": (
        "modules/api-gateway/main.tf",
        "request_validator_id = aws_api_gateway_request_validator.this[each.key].id",
        "request_validator_id = one(slice([aws_api_gateway_request_validator.this[each.key].id], 0, 0))",
        "one(slice([aws_api_gateway_request_validator.this[each.key].id], 0, 0)) decides by an id",
    ),
    "by-the-environment": (
        STORAGE,
        "point_in_time_recovery = var.table.point_in_time_recovery",
        'point_in_time_recovery = var.environment == "prod"',
        "a choice by the name of an environment",
    ),
    "by-the-workspace": (
        "live/prod/main.tf",
        "= var.deletion_protection",
        '= startswith(terraform.workspace, "def")',
        "a choice by the name of an environment",
    ),
    "by-the-clock": (
        "modules/lambda/main.tf",
        "retention_in_days = var.logging.retention_days",
        'retention_in_days = timecmp(plantimestamp(), "2027-01-01T00:00:00Z") > 0 ? 1 : var.logging.retention_days',
        "it reads the clock",
    ),
    "role-without-a-boundary": (
        "modules/lambda/iam.tf",
        'permissions_boundary = var.permissions_boundary != "" ? var.permissions_boundary : null',
        "permissions_boundary = null",
        "its permissions_boundary is null",
    ),
    "policy-by-an-id": (
        "modules/lambda/iam.tf",
        "  tags                 = var.tags\n",
        '  dynamic "inline_policy" {\n    for_each = aws_kms_key.x.arn == "" ? [] : [1]\n    content {}\n  }\n',
        "a dynamic inline_policy exists",
    ),
    "replica-by-an-id": (
        "modules/invoice-platform/secrets.tf",
        "  kms_key_arn          = ",
        '  replica_regions = module.key.arn == "" ? {} : { "eu-west-1" = "" }\n  kms_key_arn = ',
        "replica_regions is module.key.arn",
    ),
    "key-in-a-local": (
        FUNCTIONS,
        "",
        "locals {\n  _plan = [module.api.usage_plan_id, module.api.api_key]\n}\n",
        "_plan reads module.api.api_key, which is a secret",
    ),
    "key-in-a-plain-output": (
        "live/prod/outputs.tf",
        "",
        'output "smoke" {\n  value = [module.invoice_platform.api_key]\n}\n',
        "value reads module.invoice_platform.api_key, which is a secret",
    ),
    "preview-of-other-origins": (
        "live/dev/preview.tfvars",
        "",
        'allowed_origins = ["https://evil.example"]\n',
        "allowed_origins of a preview differs",
    ),
    "preview-with-long-logs": (
        "live/dev/preview.tfvars",
        "retention_days = 3",
        "retention_days = 3000",
        "logging.retention_days is 3000",
    ),
    "values-that-load-themselves": (
        "live/prod/more.auto.tfvars",
        "",
        "force_destroy = true\n",
        "it holds values that nothing judges",
    ),
    "override": (
        "modules/s3-bucket/main_override.tf",
        "",
        'resource "aws_s3_bucket" "this" {\n  force_destroy = true\n}\n',
        "it overrides blocks of other files",
    ),
    "keys-of-others": (
        FUNCTIONS,
        "API_KEY_PREFIX = local._names.rotated",
        'API_KEY_PREFIX = "invoice-"',
        'API_KEY_PREFIX is "invoice-"',
    ),
    "names-of-others": (
        "modules/invoice-platform/main.tf",
        '"invoice-api-key-${var.environment}"',
        '"invoice-"',
        'API_KEY_PREFIX is "invoice-"',
    ),
    "proxy": (
        FUNCTIONS,
        "    rotate-api-key = { ",
        '    rotate-api-key = { HTTPS_PROXY = "http://x", ',
        "HTTPS_PROXY is not",
    ),
    "proxy-in-small-letters": (
        FUNCTIONS,
        "    rotate-api-key = { ",
        '    rotate-api-key = { "https_proxy" = "http://x", ',
        "https_proxy is not",
    ),
    "secret-read": (
        "live/prod/outputs.tf",
        "",
        'data "aws_secretsmanager_secret_version" "x" {\n  secret_id = "x"\n}\n',
        "data aws_secretsmanager_secret_version reads something",
    ),
    "ephemeral-secret": (
        "live/prod/main.tf",
        "",
        'ephemeral "aws_secretsmanager_secret_version" "x" {\n  secret_id = "x"\n}\n',
        "ephemeral aws_secretsmanager_secret_version reads something",
    ),
    "secret-in-a-write-only-argument": (
        SECRET,
        "jsonencode(var.initial_value)",
        'jsonencode({ apiKey = "correct-horse-9" })',
        "it writes a value to aws_secretsmanager_secret_version.secret_string_wo",
    ),
    "secret-in-a-local": (
        SECRET,
        "jsonencode(var.initial_value)",
        'jsonencode(local.first)\n}\n\nlocals {\n  first = { apiKey = "correct-horse-9" }',
        "it writes a value to aws_secretsmanager_secret_version.secret_string_wo",
    ),
    "secret-in-a-call": (
        "modules/invoice-platform/secrets.tf",
        "module.api.api_key\n",
        '"correct-horse-9"\n',
        "it writes a value to",
    ),
    "secret-in-a-default": (
        "modules/secret/variables.tf",
        "  sensitive   = true",
        '  default = { apiKey = "correct-horse-9" }\n  sensitive = true',
        "it writes a value to",
    ),
    "source-in-a-comment": (
        VERSIONS,
        'source  = "hashicorp/aws"',
        '# source = "hashicorp/aws"\n      source = "evil/aws"',
        "the provider aws is evil/aws",
    ),
    "stranger's-origin": (
        "live/prod/terraform.tfvars",
        '"https://admin.invoices.example.com"]',
        '"https://admin.invoices.example.com", "https://stranger.example"]',
        "allowed_origins is",
    ),
    "stranger's-payments": (
        "live/prod/terraform.tfvars",
        '["payments.example"]',
        '["payments.example", "stranger.example"]',
        "payment_sources is",
    ),
    "budget-without-end": (
        "live/prod/terraform.tfvars",
        "monthly_budget_usd       = 1000",
        "monthly_budget_usd       = 100000000",
        "monthly_budget_usd is 100000000",
    ),
    "bodies-in-logs": (
        "live/prod/terraform.tfvars",
        'level          = "INFO"',
        'level          = "DEBUG"',
        "logging.level is",
    ),
    "preload": (FUNCTIONS, "    LOG_LEVEL  ", '    "LD_PRELOAD" = "/tmp/x"\n    LOG_LEVEL  ', "LD_PRELOAD is not"),
    "endpoint": (
        FUNCTIONS,
        "    LOG_LEVEL  ",
        '    AWS_ENDPOINT_URL_S3 = "http://x"\n    LOG_LEVEL  ',
        "AWS_ENDPOINT_URL_S3 is not",
    ),
}
"""A file, a text in it (or none, to append), what replaces it, and a part of the message."""


def edited(tmp_path: Path, name: str) -> Path:
    """A copy of the Terraform with one hostile edit."""
    file, before, after, _ = HOSTILE[name]
    for folder in ("live", "modules"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    text = (tmp_path / file).read_text(encoding="utf-8") if (tmp_path / file).exists() else ""
    assert before in text
    (tmp_path / file).write_text(text.replace(before, after, 1) if before else f"{text}\n{after}", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_source_is_reported_with_its_place(name: str, tmp_path: Path) -> None:
    file, *_, message = HOSTILE[name]

    messages = [problem for problem in unplanned.problems(edited(tmp_path, name)) if message in problem]

    assert messages
    assert messages[0].split("/")[0].split(":")[0] in file


def test_nothing_else_is_said_of_an_override(tmp_path: Path) -> None:
    edited(tmp_path, "override")
    text = 'module "invoice_platform" {\n  force_destroy = true\n}\n'
    (tmp_path / "live/prod/override.tf").write_text(text, encoding="utf-8")

    problems = unplanned.problems(tmp_path)

    assert [problem.partition(": ")[0] for problem in problems] == [
        "prod/override.tf:1",
        "s3-bucket/main_override.tf:1",
    ]


def test_terraform_as_json_is_reported(tmp_path: Path) -> None:
    edited(tmp_path, "http")
    (tmp_path / "modules/lambda/x.tf.json").write_text("{}", encoding="utf-8")

    assert "lambda/x.tf.json:1: it is Terraform as JSON" in unplanned.problems(tmp_path)[0]


def test_findings_have_a_file_and_a_line() -> None:
    finding = unplanned._finding("s3-bucket/main.tf:7: a provisioner runs.")
    value = unplanned._finding("prod/terraform.tfvars:2: api.quota is 9, and must be 5: change it.")
    of_module = unplanned._finding("dev: no required_version.")

    assert (finding.file, finding.line, finding.root) == ("modules/s3-bucket/main.tf", 7, "modules/s3-bucket")
    assert (value.file, value.line, value.root) == ("live/prod/terraform.tfvars", 2, "live/prod")
    assert (value.message, value.remedy) == ("api.quota is 9, and must be 5.", "Change it.")
    assert of_module.root == "live/dev"


def test_a_deploy_is_rejected_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unplanned, "ROOT", edited(tmp_path, "provisioner"))
    monkeypatch.setattr(unplanned.findings, "__defaults__", (tmp_path,))
    plan = TerraformPlan((), (), (), complete=True, raw={"format_version": "1.2", "resource_changes": []})

    findings = gate.findings_on(plan, "dev", frozenset(), full=False, today=date(2026, 11, 29))

    assert [(each.rule_id, each.file) for each in findings if each.rule_id == unplanned.RULE_ID] == [
        ("CKV_INV_009", BUCKETS)
    ]


def test_every_reviewed_decision_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of an expression that is not there any more would excuse the next one of its text."""
    monkeypatch.setattr(decisions, "_REVIEWED", frozenset())

    found = "\n".join(decisions.Decisions(ROOT).problems())

    assert [row.text for row in decisions.DECISIONS if f": {row.text} decides by an id" not in found] == []
    assert all(row.reason.endswith(".") for row in decisions.DECISIONS)


def test_every_reviewed_decision_by_a_deploy_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy_decisions, "_REVIEWED", frozenset())
    monkeypatch.setattr(deploy_decisions, "_BEGINNINGS", ())

    found = "".join("\n".join(deploy_decisions.DeployDecisions(ROOT).problems()).split())

    rows = [text for row in deploy_decisions.ROWS for text in row.texts]
    assert [text for text in rows if f":{''.join(text.removesuffix('...').split())}" not in found] == []
    assert all(row.reason.endswith(".") for row in deploy_decisions.ROWS)


def test_the_repository_has_none() -> None:
    assert unplanned.findings() == []
