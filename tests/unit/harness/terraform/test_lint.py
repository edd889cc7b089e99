"""Every rule of the Terraform lint rejects something, and passes what is right."""

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


def found(folder: Path, changes: dict[str, tuple[str, str]], *, root: bool = False) -> list[str]:
    for name, text in GOOD.items():
        old, new = changes.get(name, ("", ""))
        assert old in text
        (folder / name).write_text(text.replace(old, new) if old else text + new)
    return [f"{one.rule}: {one.what}" for one in findings(folder, root=root)]


def test_what_is_right_passes_as_a_module_and_as_a_root(tmp_path: Path) -> None:
    assert found(tmp_path, {}) == []
    (tmp_path / ".terraform.lock.hcl").write_text(LOCK)
    assert found(tmp_path, {}, root=True) == []


@pytest.mark.parametrize(
    ("rule", "file", "old", "new", "what"),
    [
        ("unused", "variables.tf", "var.guard || terraform.workspace ==", "var.guard || 1 ==", "var.guard"),
        ("unused", "main.tf", "", "locals {\n  _b = 1\n}\n", "nothing uses local._b"),
        ("unused", "main.tf", "", 'data "aws_region" "b" {}\n', "nothing uses data.aws_region.b"),
        ("described", "variables.tf", '  description = "The name."\n', "", "variable name has no description"),
        ("described", "outputs.tf", "The ARN.", "The ARN", "the description of arn ends in no full stop"),
        ("described", "outputs.tf", '"The ARN."', '""', "output arn has no description"),
        ("typed", "variables.tf", "  type        = string\n", "", "variable name has no type"),
        ("typed", "variables.tf", "type        = string", "type        = map(any)", "the type of name is map(any)"),
        (
            "typed",
            "variables.tf",
            '"The name."\n  type        = string\n  nullable    = false',
            '"The name."\n  type = string',
            "may be null",
        ),
        ("ordered", "variables.tf", 'variable "guard"', 'variable "zguard"', "variable name belongs before zguard"),
        (
            "ordered",
            "main.tf",
            "",
            'output "b" {\n  description = "B."\n  value = 1\n}\n',
            "output b belongs in outputs.tf",
        ),
        (
            "named",
            "main.tf",
            'resource "aws_s3_bucket" "this"',
            'resource "aws_s3_bucket" "This-one"',
            "not snake_case",
        ),
        (
            "named",
            "main.tf",
            "",
            'locals {\n  camelCase = 1\n}\noutput "b" {\n  value = local.camelCase\n}\n',
            "camelCase is not",
        ),
        ("pinned", "versions.tf", '  required_version = ">= 1.11"\n', "", "required_version is missing"),
        ("pinned", "versions.tf", ">= 5.100, < 7", ">= 5.100", "the version of aws has no upper bound"),
        (
            "pinned",
            "versions.tf",
            '      version = ">= 5.100, < 7"\n',
            "",
            "the version of aws has no upper bound (missing)",
        ),
        ("pinned", "main.tf", "", 'module "b" {\n  source = "a/b/aws"\n}\n', "in no particular version"),
        ("pinned", "main.tf", "", 'module "b" {\n  source = "git::https://a/b.git"\n}\n', "in no particular version"),
        (
            "counted",
            "main.tf",
            "length(var.name) == 0 ? 0 : 1",
            "length(var.name)",
            "aws_s3_bucket.this counts over a list",
        ),
        ("direct", "main.tf", "bucket = var.name", 'bucket = "${var.name}"', "needs no quotes"),
        ("placeless", "main.tf", "${data.aws_partition.current.partition}", "aws", "arn:aws: is a fixed partition"),
        (
            "placeless",
            "main.tf",
            "{ Arn = local._arn }",
            '{ Arn = local._arn, A = "123456789012" }',
            "a fixed account id",
        ),
        ("placeless", "main.tf", "{ Arn = local._arn }", '{ Arn = local._arn, A = "eu-west-1" }', "a fixed region"),
        ("placeless", "main.tf", "", 'provider "aws" {}\n', "a module configures no provider"),
    ],
)
def test_a_rule_rejects(tmp_path: Path, rule: str, file: str, old: str, new: str, what: str) -> None:
    assert any(one.startswith(f"{rule}: ") and what in one for one in found(tmp_path, {file: (old, new)}))


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

    assert any(one.startswith("locking: ") and what in one for one in found(tmp_path, {}, root=True))


def test_every_rule_is_among_those_that_were_shown() -> None:
    shown = {"unused", "described", "typed", "ordered", "named", "pinned", "counted", "direct", "placeless", "locking"}

    assert {rule.__name__ for rule in (*SHARED, *OF_MODULES, *OF_ROOTS)} == shown


def test_the_repository_passes() -> None:
    assert [str(one) for one in everything()] == []
