"""The rules of harness/policy/rules that look at one resource, as checkov checks on rendered source.

Each rule is written once. This module converts checkov's view of a resource to the shape that the rules read. On plans
the same rules run without checkov (harness.policy.judge).
"""

from typing import Any

from checkov.common.checks.base_check import BaseCheck
from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.data.base_check import BaseDataCheck
from checkov.terraform.checks.provider.base_check import BaseProviderCheck
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

from harness.plan.resource import Resource, rendered
from harness.policy import rules
from harness.policy.rule import ATTRIBUTE, HCL, RULES, Rule

__all__ = ["rules"]

CATEGORIES = [CheckCategories.GENERAL_SECURITY]
_DATA = "data."
_PROVIDER = "provider."


def judge(check: BaseCheck, conf: dict[str, Any], kind: str) -> CheckResult:
    """The result of a rule on a rendered block; its messages go into the record."""
    messages = list(ATTRIBUTE[check.id](Resource(address="", type=kind, values=rendered(conf))))
    check.details.extend(messages)
    return CheckResult.FAILED if messages else CheckResult.PASSED


class ResourceCheck(BaseResourceCheck):
    """A rule on resources."""

    def __init__(self, rule: Rule, types: list[str]) -> None:
        super().__init__(rule.title, rule.id, CATEGORIES, types, guideline=rule.guideline)

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        """Judge one block."""
        return judge(self, conf, self.entity_type)


class DataCheck(BaseDataCheck):
    """A rule on data sources."""

    def __init__(self, rule: Rule, types: list[str]) -> None:
        super().__init__(rule.title, rule.id, CATEGORIES, types, guideline=rule.guideline)

    def scan_data_conf(self, conf: dict[str, Any]) -> CheckResult:
        """Judge one block."""
        return judge(self, conf, self.entity_type)


class ProviderCheck(BaseProviderCheck):
    """A rule on provider blocks."""

    def __init__(self, rule: Rule, types: list[str]) -> None:
        super().__init__(rule.title, rule.id, CATEGORIES, types, guideline=rule.guideline)

    def scan_provider_conf(self, conf: dict[str, Any]) -> CheckResult:
        """Judge one block."""
        return judge(self, conf, "provider")


for _rule in RULES.values():
    if HCL not in _rule.modes or _rule.id not in ATTRIBUTE:
        continue
    _resources = [kind for kind in _rule.types if "." not in kind]
    _documents = [kind.removeprefix(_DATA) for kind in _rule.types if kind.startswith(_DATA)]
    _providers = [kind.removeprefix(_PROVIDER) for kind in _rule.types if kind.startswith(_PROVIDER)]
    if _resources:
        ResourceCheck(_rule, _resources)
    if _documents:
        DataCheck(_rule, _documents)
    if _providers:
        ProviderCheck(_rule, _providers)
