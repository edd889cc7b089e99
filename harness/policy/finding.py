"""What the gate reports: a resource that breaks a rule."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much harm a violation can do, the most first."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Finding:
    """One resource that breaks one rule.

    Attributes:
        rule_id: Such as ``CKV_INV_203``, or checkov's own ``CKV_AWS_115``.
        severity: Of the rule.
        address: The resource, such as ``module.table.aws_dynamodb_table.this``; a file or folder if the scan itself has
            failed.
        file: Where it is written, relative to the repository; None for a finding on a plan.
        line: The line in that file.
        message: What is wrong.
        remedy: How to fix it.
        guideline: Where AWS (or the tool) explains why.
        root: What was scanned, such as ``live/prod``; empty for a plan that the caller passed in.
        mode: ``hcl``, ``plan``, or empty for errors of the scan.
        definition: The resource block of the address, such as ``modules/dynamodb/aws_dynamodb_table.this``.
        written: Where the caller of the resource's module writes its values, such as ``modules/shop/functions.tf:39``.
    """

    rule_id: str
    severity: Severity
    address: str
    file: str | None
    line: int | None
    message: str
    remedy: str
    guideline: str
    root: str = ""
    mode: str = ""
    definition: str = ""
    written: str = ""

    def __str__(self) -> str:
        where = f" ({self.file}{f':{self.line}' if self.line else ''})" if self.file else ""
        root = f"{self.root}: " if self.root else ""
        return f"{self.rule_id} {self.severity} {root}{self.address}{where}: {self.message} {self.remedy}"


def sentence(words: str) -> str:
    """Words with a capital, unless they begin with a name of the source, and with a full stop."""
    name = words.split(" ", maxsplit=1)[0]
    begin = name if {"_", "."} & {*name.rstrip(".")} else name[:1].upper() + name[1:]
    return f"{begin}{words[len(name) :]}".rstrip(".") + "."
