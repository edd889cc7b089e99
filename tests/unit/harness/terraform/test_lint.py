"""Every rule of the Terraform lint rejects a violation, and accepts correct code."""

from pathlib import Path

import pytest

from harness.terraform.lint import OF_MODULES, OF_ROOTS, SHARED, everything, findings

GOOD = {
    "main.tf": """
data "aws_partition" "current" {}

locals {
  _arn = "arn:${data.aws_partition.current.partition}:s3:::${var.name}"
}

resource "aws_s3_bucket" "this" {
  count  = length(var.name) == 0 ? 0 : 1
  bucket = var.name
  tags   = { Arn = local._arn }
}
""",
    "variables.tf": """
variable "guard" {
  description = "Whether other workspaces may be used."
  type        = bool
  nullable    = false

  validation {
    condition     = var.guard || terraform.workspace == "default"
    error_message = "Use arn:aws:s3:::x in us-east-1 of 123456789012."
  }
}

variable "name" {
  description = "The name."
  type        = string
  nullable    = false
}
""",
    "outputs.tf": """
output "arn" {
  description = "The ARN."
  value       = local._arn
}
""",
    "versions.tf": """
terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
""",
}
LOCK = """
provider "registry.terraform.io/hashicorp/aws" {
  version = "5.100.0"
  hashes = [
    "zh:0000",
  ]
}
"""


def lines(folder: Path, changes: dict[str, tuple[str, str]], *, root: bool = False) -> list[str]:
    for name, text in GOOD.items():
        old, new = changes.get(name, ("", ""))
        assert old in text
        (folder / name).write_text(text.replace(old, new) if old else text + new)
    return [f"{finding.rule}: {finding.message}" for finding in findings(folder, root=root)]


def test_correct_code_passes_as_a_module_and_as_a_root(tmp_path: Path) -> None:
    assert lines(tmp_path, {}) == []
    (tmp_path / ".terraform.lock.hcl").write_text(LOCK)
    assert lines(tmp_path, {}, root=True) == []


UNUSED = "terraform_unused_declarations"
VARIABLES = "terraform_documented_variables"
OUTPUTS = "terraform_documented_outputs"
TYPED = "terraform_typed_variables"
STRUCTURE = "terraform_standard_module_structure"
NAMING = "terraform_naming_convention"
TERRAFORM_VERSION = "terraform_required_version"
PROVIDERS = "terraform_required_providers"
MODULES = "terraform_module_pinned_source"
INTERPOLATION = "terraform_deprecated_interpolation"


@pytest.mark.parametrize(
    ("rule", "file", "old", "new", "what"),
    [
        (UNUSED, "variables.tf", "var.guard || terraform.workspace ==", "var.guard || 1 ==", "var.guard"),
        (UNUSED, "main.tf", "", "locals {\n  _b = 1\n}\n", "nothing uses local._b"),
        (UNUSED, "main.tf", "", 'data "aws_region" "b" {}\n', "nothing uses data.aws_region.b"),
        (VARIABLES, "variables.tf", '  description = "The name."\n', "", "variable name has no description"),
        (OUTPUTS, "outputs.tf", "The ARN.", "The ARN", "the description of arn does not end in a full stop"),
        (OUTPUTS, "outputs.tf", '"The ARN."', '""', "output arn has no description"),
        (TYPED, "variables.tf", "  type        = string\n", "", "variable name has no type"),
        (TYPED, "variables.tf", "type        = string", "type        = map(any)", "the type of name is map(any)"),
        (
            "nullable_variables",
            "variables.tf",
            '"The name."\n  type        = string\n  nullable    = false',
            '"The name."\n  type = string',
            "may be null",
        ),
        (
            "alphabetical_order",
            "variables.tf",
            'variable "guard"',
            'variable "zguard"',
            "variable name belongs before zguard",
        ),
        (
            STRUCTURE,
            "main.tf",
            "",
            'output "b" {\n  description = "B."\n  value = 1\n}\n',
            "output b belongs in outputs.tf",
        ),
        (
            NAMING,
            "main.tf",
            'resource "aws_s3_bucket" "this"',
            'resource "aws_s3_bucket" "This-one"',
            "not snake_case",
        ),
        (
            NAMING,
            "main.tf",
            "",
            'locals {\n  camelCase = 1\n}\noutput "b" {\n  value = local.camelCase\n}\n',
            "camelCase is not",
        ),
        (TERRAFORM_VERSION, "versions.tf", '  required_version = ">= 1.11"\n', "", "required_version is missing"),
        (PROVIDERS, "versions.tf", ">= 5.100, < 7", ">= 5.100", "the version of aws has no upper bound"),
        (
            PROVIDERS,
            "versions.tf",
            '      version = ">= 5.100, < 7"\n',
            "",
            "the version of aws has no upper bound (missing)",
        ),
        (MODULES, "main.tf", "", 'module "b" {\n  source = "a/b/aws"\n}\n', "without a version"),
        (MODULES, "main.tf", "", 'module "b" {\n  source = "git::https://a/b.git"\n}\n', "without a version"),
        (
            "count_over_list",
            "main.tf",
            "length(var.name) == 0 ? 0 : 1",
            "length(var.name)",
            "aws_s3_bucket.this counts over a list",
        ),
        (INTERPOLATION, "main.tf", "bucket = var.name", 'bucket = "${var.name}"', "needs no quotes"),
        (
            "fixed_location",
            "main.tf",
            "${data.aws_partition.current.partition}",
            "aws",
            "arn:aws: is a fixed partition",
        ),
        (
            "fixed_location",
            "main.tf",
            "{ Arn = local._arn }",
            '{ Arn = local._arn, A = "123456789012" }',
            "a fixed account id",
        ),
        (
            "fixed_location",
            "main.tf",
            "{ Arn = local._arn }",
            '{ Arn = local._arn, A = "eu-west-1" }',
            "a fixed region",
        ),
        ("provider_in_module", "main.tf", "", 'provider "aws" {}\n', "a module configures no provider"),
    ],
)
def test_a_rule_rejects(tmp_path: Path, rule: str, file: str, old: str, new: str, what: str) -> None:
    reported = lines(tmp_path, {file: (old, new)})

    assert any(line.startswith(f"{rule}: ") and what in line for line in reported)


@pytest.mark.parametrize(
    ("lock", "what"),
    [
        (None, "the lock file is missing"),
        (LOCK.replace("hashicorp/aws", "hashicorp/random"), "hashicorp/aws is required and not locked"),
        (LOCK.replace("zh:", "h1:"), "no checksums of the registry's archives"),
    ],
)
def test_a_root_has_to_lock_its_providers(tmp_path: Path, lock: str | None, what: str) -> None:
    if lock:
        (tmp_path / ".terraform.lock.hcl").write_text(lock)

    reported = lines(tmp_path, {}, root=True)

    assert any(line.startswith("provider_lock: ") and what in line for line in reported)


def test_every_check_is_among_those_that_are_shown() -> None:
    shown = {
        "unused_declarations",
        "documentation",
        "typed_variables",
        "nullable_variables",
        "module_structure",
        "naming_convention",
        "required_versions",
        "pinned_modules",
        "count_over_list",
        "deprecated_interpolation",
        "fixed_location",
        "provider_in_module",
        "provider_lock",
    }

    assert {check.__name__ for check in (*SHARED, *OF_MODULES, *OF_ROOTS)} == shown


def test_the_repository_passes() -> None:
    assert [str(finding) for finding in everything()] == []
