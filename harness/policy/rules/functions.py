"""Lambda functions: how each is built, bounded, traced, logged, and where its failures end."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, is_false, listed, mapping, number, shown
from harness.policy.finding import Severity
from harness.policy.rule import PLAN, Rule, attribute, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

FUNCTION = ("aws_lambda_function",)
RUNTIMES = ("python3.12", "python3.13")
"""What is allowed: supported by AWS for more than a year yet, on arm64."""

_DOCS = "https://docs.aws.amazon.com/lambda/latest/dg"


@attribute(
    Rule(
        id="CKV_INV_201",
        title="Functions run on arm64",
        severity=Severity.LOW,
        types=FUNCTION,
        rationale="Graviton gives more work per money, and the packages are built for it: on x86_64 their binaries "
        "do not load.",
        guideline=f"{_DOCS}/foundation-arch.html",
        remedy='Set architectures = ["arm64"].',
    )
)
def arm64(function: Resource) -> Iterator[str]:
    """Without the attribute AWS takes x86_64."""
    found = function.get("architectures")
    if found is UNKNOWN:
        return
    kinds = found if isinstance(found, list) else [found] if found else []
    if not any(kind is UNKNOWN for kind in kinds) and kinds != ["arm64"]:
        yield f"architectures is {shown(found)}{'' if found else ', which means x86_64'}."


@attribute(
    Rule(
        id="CKV_INV_202",
        title="Functions run on an allowed runtime",
        severity=Severity.HIGH,
        types=FUNCTION,
        rationale="An old runtime gets no security updates, and in the end can no longer be deployed.",
        guideline=f"{_DOCS}/lambda-runtimes.html",
        remedy=f"Set runtime to one of {', '.join(RUNTIMES)} (package_type Zip).",
    )
)
def runtime(function: Resource) -> Iterator[str]:
    """Images bring a runtime of their own, which nobody here looks after."""
    found, kind = function.get("runtime"), function.get("package_type")
    if kind not in {None, UNKNOWN, "Zip"}:
        yield f"package_type is {shown(kind)}."
    elif found is not UNKNOWN and found not in RUNTIMES:
        yield f"runtime is {shown(found)}."


@attribute(
    Rule(
        id="CKV_INV_203",
        title="Functions have concurrency of their own",
        severity=Severity.MEDIUM,
        types=FUNCTION,
        rationale="Unreserved, one function can starve all others of the account; 0 stops it altogether.",
        guideline=f"{_DOCS}/configuration-concurrency.html",
        remedy="Set reserved_concurrent_executions to 1 or more.",
    )
)
def reserved_concurrency(function: Resource) -> Iterator[str]:
    """Missing and -1 both mean: none reserved."""
    found = function.get("reserved_concurrent_executions")
    if found is not UNKNOWN and (number(found) or 0) < 1:
        yield f"reserved_concurrent_executions is {shown(found)}."


@attribute(
    Rule(
        id="CKV_INV_204",
        title="Functions and API stages are traced",
        severity=Severity.LOW,
        types=("aws_api_gateway_stage", "aws_lambda_function"),
        rationale="Without traces nobody sees where the time of a slow or failed request went.",
        guideline=f"{_DOCS}/services-xray.html",
        remedy='Set tracing_config { mode = "Active" } on a function, xray_tracing_enabled = true on a stage.',
    )
)
def traced(one: Resource) -> Iterator[str]:
    """PassThrough traces only what somebody else began to trace."""
    if one.type == "aws_lambda_function":
        mode = one.get("tracing_config.mode")
        if mode not in {"Active", UNKNOWN}:
            yield f"tracing_config.mode is {shown(mode)}."
    elif is_false(one.get("xray_tracing_enabled")):
        yield f"xray_tracing_enabled is {shown(one.get('xray_tracing_enabled'))}."


@relation(
    Rule(
        id="CKV_INV_205",
        title="Each function has a log group that is managed and does not keep logs for ever",
        severity=Severity.MEDIUM,
        types=FUNCTION,
        rationale="A log group that Lambda makes by itself keeps everything for ever, at a price, and nobody owns it.",
        guideline="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
        remedy="Declare an aws_cloudwatch_log_group with retention_in_days, named /aws/lambda/<function> or as in "
        "logging_config.log_group.",
        modes=frozenset({PLAN}),
    )
)
def log_group(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the group's name where it is known, otherwise by the reference to it."""
    groups = {one.get("name"): one for one in plan.of("aws_cloudwatch_log_group") if isinstance(one.get("name"), str)}
    for function in plan.of(*FUNCTION):
        name = function.get("logging_config.log_group")
        if name is UNKNOWN and not plan.references(function, "logging_config.log_group"):
            name = None  # left to AWS, which takes the usual name
        if name is UNKNOWN and plan.links(function, "logging_config.log_group", "aws_cloudwatch_log_group"):
            continue
        if name is None:
            name = f"/aws/lambda/{function.get('function_name')}"
        if name is UNKNOWN or name not in groups:
            yield function.address, f"No aws_cloudwatch_log_group {shown(name)} is in this plan."


@attribute(
    Rule(
        id="CKV_INV_206",
        title="Log groups have a retention",
        severity=Severity.MEDIUM,
        types=("aws_cloudwatch_log_group",),
        rationale="0, or none, keeps logs for ever: cost without end, and personal data longer than anybody agreed to.",
        guideline="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
        remedy="Set retention_in_days to 1 or more days.",
    )
)
def retention(group: Resource) -> Iterator[str]:
    """Also of API Gateway's groups."""
    found = group.get("retention_in_days")
    if found is not UNKNOWN and (number(found) or 0) < 1:
        yield f"retention_in_days is {shown(found)}."


@relation(
    Rule(
        id="CKV_INV_207",
        title="What fails asynchronously ends somewhere",
        severity=Severity.HIGH,
        types=FUNCTION,
        rationale="Lambda drops an event after its last retry: without a dead-letter queue or failure destination it "
        "is lost "
        "without a trace.",
        guideline=f"{_DOCS}/invocation-async-retain-records.html",
        remedy="Give the function dead_letter_config { target_arn = <queue> }, or an "
        "aws_lambda_function_event_invoke_config with "
        "destination_config.on_failure.",
    )
)
def failures_end_somewhere(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every function: whoever may invoke it may do so asynchronously."""
    caught = set()
    for config in plan.of("aws_lambda_function_event_invoke_config"):
        if _filled(config, "destination_config.on_failure.destination"):
            caught.add(str(config.get("function_name")).split(":function:")[-1].split(":")[0])
            caught |= {one.address for one in plan.links(config, "function_name", *FUNCTION)}
    for function in plan.of(*FUNCTION):
        if not _filled(function, "dead_letter_config.target_arn") and not (
            caught & {function.address, function.get("function_name")}
        ):
            yield function.address, "It has neither a dead-letter queue nor a failure destination."


@attribute(
    Rule(
        id="CKV_INV_208",
        title="Stream records that keep failing are set aside",
        severity=Severity.HIGH,
        types=("aws_lambda_event_source_mapping",),
        rationale="With endless retries one bad record blocks its shard until it expires, and then it is lost.",
        guideline=f"{_DOCS}/services-dynamodb-errors.html",
        remedy="Set maximum_retry_attempts to 0 or more, and destination_config { on_failure { destination_arn = "
        "<queue> } }.",
    )
)
def stream_failures(mapping: Resource) -> Iterator[str]:
    """Streams only: a queue has a redrive policy of its own."""
    source = mapping.get("event_source_arn")
    if isinstance(source, str) and ":sqs:" in source:
        return
    retries = mapping.get("maximum_retry_attempts")
    if retries is not UNKNOWN and (retries is None or (number(retries) or 0) < 0):
        yield f"maximum_retry_attempts is {shown(retries)}: endless."
    if not _filled(mapping, "destination_config.on_failure.destination_arn"):
        yield "It has no destination for what keeps failing."


@attribute(
    Rule(
        id="CKV_INV_209",
        title="What runs is a published version of a versioned package",
        severity=Severity.MEDIUM,
        types=FUNCTION,
        rationale="Without published versions an alias has nothing to go back to; without the object's version a "
        "changed zip is "
        "not noticed, or deployed unasked.",
        guideline=f"{_DOCS}/configuration-versions.html",
        remedy="Set publish = true, and s3_object_version to the version of the zip in its bucket.",
    )
)
def published(function: Resource) -> Iterator[str]:
    """The object's version matters only for packages in S3."""
    if is_false(function.get("publish")):
        yield f"publish is {shown(function.get('publish'))}."
    if function.get("s3_bucket") is not None and not _filled(function, "s3_object_version"):
        yield "The version of its zip in S3 is not pinned."


_SECRET_NAME = re.compile(
    r"PASSW(OR)?D|PASSPHRASE|SECRET|TOKEN|(API|PRIVATE|ACCESS|SIGNING|ENCRYPTION|HMAC)_?KEY|CREDENTIAL|AUTHORIZATION"
    r"|(^|_)(PASS|PWD|AUTH|CREDS?)(_|$)",
    re.IGNORECASE,
)
_HARMLESS_NAME = re.compile(
    r"(_ARN|_ID|_NAME|_PREFIX|_PATH|_URL|_DAYS|_SECONDS|_TTL|_HEADER|_MODE|_TYPE|_ENABLED)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"(AKIA|ASIA)[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abp]-[A-Za-z0-9-]{10,}"
    r"|\bsk_(live|test)_[A-Za-z0-9]{10,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|://[^/\s:@]+:[^/\s:@]+@"
    r"|^(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9+/=_-]{32,}$|^[0-9a-fA-F]{32,}$"
)
_KEY_NAME = re.compile(r"(^|_)KEY$", re.IGNORECASE)
_UNSPACED = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SWITCH = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")


def _looks_random(name: str, value: str) -> bool:
    """Whether letters and digits alternate as in no name that people give; in something called a key, fewer will do."""
    switches = len(_SWITCH.findall(value))
    return (
        bool(_UNSPACED.fullmatch(value))
        and not _UUID.fullmatch(value)
        and switches >= (3 if _KEY_NAME.search(name) else 6)
    )


def _looks_secret(name: str, value: str) -> bool:
    return not value.startswith("arn:") and bool(_SECRET_VALUE.search(value) or _looks_random(name, value))


@attribute(
    Rule(
        id="CKV_INV_210",
        title="No secret lies in a function's environment",
        severity=Severity.CRITICAL,
        types=FUNCTION,
        rationale="Everybody who may read the function's configuration, the plan or the state reads it too, and "
        "rotation never "
        "reaches it.",
        guideline=f"{_DOCS}/configuration-envvars.html#configuration-envvars-samples",
        remedy="Keep the value in Secrets Manager, give the function the secret's ARN (…_ARN) and a grant to read it.",
    )
)
def no_secrets_in_environment(function: Resource) -> Iterator[str]:
    """By name, by look, and by what Terraform marks as sensitive; the value itself is never told."""
    for block in listed(function.sensitive.get("environment")):
        marks = block.get("variables") if isinstance(block, Mapping) else block
        names = (
            [name for name, mark in marks.items() if mark] if isinstance(marks, Mapping) else ["(all)"] if marks else []
        )
        for name in sorted(names):
            yield f"The environment variable {name} comes from a value that Terraform marks as sensitive."
    for block in function.all("environment.variables"):
        for name, value in sorted((mapping(block) or {}).items()):
            if _SECRET_NAME.search(name) and not _HARMLESS_NAME.search(name) and value not in {None, ""}:
                yield f"The environment variable {name} is named like a secret."
            elif isinstance(value, str) and _looks_secret(name, value):
                yield f"The environment variable {name} holds what looks like a secret."


@attribute(
    Rule(
        id="CKV_INV_211",
        title="Functions' settings are encrypted with the environment's own key",
        severity=Severity.MEDIUM,
        types=FUNCTION,
        rationale="With Lambda's own key whoever may read the configuration reads the settings; with ours, only who "
        "may "
        "use the key.",
        guideline=f"{_DOCS}/configuration-envvars-encryption.html",
        remedy="Set kms_key_arn to the environment's key (module kms-key).",
        modes=frozenset({PLAN}),
        scope="live",
    )
)
def encrypted_settings(function: Resource) -> Iterator[str]:
    """Where there are any; checkov's own check (CKV_AWS_173) takes a key that only the apply knows for none."""
    some = any(block is UNKNOWN or block for block in function.all("environment.variables"))
    if some and not _filled(function, "kms_key_arn"):
        yield "kms_key_arn is not set."


def _filled(one: Resource, path: str) -> bool:
    """Whether an attribute has a value, be it one that only the apply will tell."""
    value: Any = one.get(path)
    return value is UNKNOWN or bool(value)
