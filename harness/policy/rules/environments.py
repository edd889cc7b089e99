"""Environments of functions hold the names that the code reads, and no layer or file system adds code to a zip.

The interpreter, OpenSSL, botocore and Powertools read dozens of variables by themselves: where to connect, whom to
trust, what to load, whether to write metrics. A list of the harmful ones would never be complete, so this one is of
those that are needed: ``environment-names`` in ``[tool.harness]``. Sources of some that are not:
https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html (AWS_CA_BUNDLE, AWS_CONFIG_FILE,
AWS_ENDPOINT_URL), https://docs.python.org/3/using/cmdline.html#environment-variables (PYTHONHOME, PYTHONSTARTUP),
https://docs.aws.amazon.com/powertools/python/latest/environment_variables/ (POWERTOOLS_METRICS_DISABLED).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.resource import UNKNOWN, Resource, listed, mapping, shown
from harness.policy.rule import also_on_plan, attribute, relation
from harness.policy.rules import reviewed
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

ALLOWED = frozenset(PLATFORM.environment_names)
"""The names that an environment may have."""


@attribute("CKV_INV_214", ("aws_lambda_function",))
def known_names(function: Resource) -> Iterator[str]:
    """By an allow-list; `harness.policy.unplanned` has the same for names in source, which a plan may hide."""
    for block in function.all("environment.variables"):
        for name in sorted((mapping(block) or {}).keys() - ALLOWED):
            yield f"The environment variable {name} is not one that the code reads."


@also_on_plan("CKV_INV_214")
def only_the_zip(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Layers of this plan are ours; everything else that is mounted into a function is not in its zip."""
    ours = {layer.get("arn") for layer in plan.of("aws_lambda_layer_version")} - {None, UNKNOWN}
    for function in plan.of("aws_lambda_function"):
        linked = plan.links(function, "layers", "aws_lambda_layer_version")
        for layer in listed(function.get("layers")):
            if not (linked if layer is UNKNOWN else layer in ours):
                yield function.address, f"It loads the layer {shown(layer)}, which is not in this plan."
        for path in ("file_system_config.arn", "image_uri", "image_config.command"):
            if function.get(path) not in (None, "", []):
                yield function.address, f"{path} is {shown(function.get(path))}: it runs more than its zip."


@relation("CKV_INV_216", ("aws_lambda_function",))
def reviewed_levels(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """What Lambda lets through, and what Powertools writes (https://docs.aws.amazon.com/powertools/python/latest/core/logger/)."""
    levels = reviewed.of(plan.environment).log_levels
    for function in plan.of("aws_lambda_function"):
        values = [("logging_config.application_log_level", function.get("logging_config.application_log_level"))]
        for block in function.all("environment.variables"):
            variables = mapping(block) or {}
            values += [(name, variables.get(name, "INFO")) for name in ("LOG_LEVEL", "POWERTOOLS_LOG_LEVEL")]
        for name, level in values:
            if level is not UNKNOWN and level not in levels:
                yield function.address, f"{name} is {shown(level)}, and may be {', '.join(sorted(levels))}."
