"""Lambda functions: how each is built, limited, traced and logged, and where its failures go."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, is_false, listed, mapping, number, shown
from harness.policy.rule import attribute, relation
from harness.policy.secret_shapes import random_in, shape_of

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

FUNCTION = ("aws_lambda_function",)
BY_CONTENT = re.compile(r"(?P<function>.*/)?[0-9a-f]{64}\.zip")
"""The key of a zip that is named by its SHA-256."""
EARLIER_ZIPS = 10
"""As many earlier zips of a function stay in the bucket as it takes to go back ten deployments."""
RUNTIMES = ("python3.12", "python3.13")
"""The allowed runtimes: AWS supports them on arm64 for at least another year. Rule CKV_INV_202 names them too."""


@attribute("CKV_INV_201", FUNCTION)
def arm64(function: Resource) -> Iterator[str]:
    """AWS's default is x86_64."""
    value = function.get("architectures")
    if value is UNKNOWN:
        return
    architectures = value if isinstance(value, list) else [value] if value else []
    if not any(architecture is UNKNOWN for architecture in architectures) and architectures != ["arm64"]:
        yield f"architectures is {shown(value)}{'' if value else ', which means x86_64'}."


@attribute("CKV_INV_202", FUNCTION)
def runtime(function: Resource) -> Iterator[str]:
    """A container image brings its own runtime, which nobody here maintains."""
    name, package_type = function.get("runtime"), function.get("package_type")
    if package_type not in {None, UNKNOWN, "Zip"}:
        yield f"package_type is {shown(package_type)}."
    elif name is not UNKNOWN and name not in RUNTIMES:
        yield f"runtime is {shown(name)}."


@attribute("CKV_INV_203", FUNCTION)
def reserved_concurrency(function: Resource) -> Iterator[str]:
    """A missing value and -1 both mean that nothing is reserved."""
    value = function.get("reserved_concurrent_executions")
    if value is not UNKNOWN and (number(value) or 0) < 1:
        yield f"reserved_concurrent_executions is {shown(value)}."


MANY_AT_ONCE = frozenset({"apigateway.amazonaws.com", "events.amazonaws.com", "s3.amazonaws.com"})
"""Services that call a function for many clients, events or files at the same time."""

LEAST_FOR_MANY = 5
"""As many calls as dev serves at once. Rule CKV_INV_223 names it."""


@relation("CKV_INV_223", FUNCTION)
def concurrency_for_many(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the permissions to call it; what is not reserved at all is CKV_INV_203's."""
    callers: dict[str, set[str]] = defaultdict(set)
    for permission in plan.of("aws_lambda_permission"):
        principal = permission.get("principal")
        if principal in MANY_AT_ONCE:
            names = {str(permission.get("function_name")).split(":function:")[-1].split(":")[0]}
            names |= {function.address for function in plan.links(permission, "function_name", *FUNCTION)}
            for name in names:
                callers[name].add(principal)
    for function in plan.of(*FUNCTION):
        value = number(function.get("reserved_concurrent_executions"))
        services = callers[function.address] | callers[str(function.get("function_name"))]
        if services and value is not None and 1 <= value < LEAST_FOR_MANY:
            yield (
                function.address,
                f"reserved_concurrent_executions is {value:g}, and {', '.join(sorted(services))} may call it.",
            )


@attribute("CKV_INV_204", ("aws_api_gateway_stage", "aws_lambda_function"))
def traced(resource: Resource) -> Iterator[str]:
    """PassThrough traces only requests whose caller traces them."""
    if resource.type == "aws_lambda_function":
        mode = resource.get("tracing_config.mode")
        if mode not in {"Active", UNKNOWN}:
            yield f"tracing_config.mode is {shown(mode)}."
    elif is_false(resource.get("xray_tracing_enabled")):
        yield f"xray_tracing_enabled is {shown(resource.get('xray_tracing_enabled'))}."


@relation("CKV_INV_205", FUNCTION)
def log_group(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the group's name where it is known, otherwise by the reference to it."""
    names = {group.get("name") for group in plan.of("aws_cloudwatch_log_group") if isinstance(group.get("name"), str)}
    for function in plan.of(*FUNCTION):
        name = function.get("logging_config.log_group")
        if name is UNKNOWN and not plan.references(function, "logging_config.log_group"):
            name = None  # left to AWS, which uses the default name
        if name is UNKNOWN and plan.links(function, "logging_config.log_group", "aws_cloudwatch_log_group"):
            continue
        if name is None:
            name = f"/aws/lambda/{function.get('function_name')}"
        if name is UNKNOWN or name not in names:
            yield function.address, f"No aws_cloudwatch_log_group {shown(name)} is in this plan."


@attribute("CKV_INV_206", ("aws_cloudwatch_log_group",))
def retention(group: Resource) -> Iterator[str]:
    """Also for API Gateway's groups."""
    days = group.get("retention_in_days")
    if days is not UNKNOWN and (number(days) or 0) < 1:
        yield f"retention_in_days is {shown(days)}."


@relation("CKV_INV_207", FUNCTION)
def asynchronous_failures(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """For every function: whoever may invoke it may do so asynchronously."""
    caught = set()
    for config in plan.of("aws_lambda_function_event_invoke_config"):
        if _filled(config, "destination_config.on_failure.destination"):
            caught.add(str(config.get("function_name")).split(":function:")[-1].split(":")[0])
            caught |= {function.address for function in plan.links(config, "function_name", *FUNCTION)}
    for function in plan.of(*FUNCTION):
        if not _filled(function, "dead_letter_config.target_arn") and not (
            caught & {function.address, function.get("function_name")}
        ):
            yield function.address, "It has neither a dead-letter queue nor a failure destination."


SHORTEST_RECORD_AGE_S, LONGEST_RECORD_AGE_S = 3600, 43200
"""A stream's records must outlive at least a failure of an hour. DynamoDB keeps them for 24: half a day is left to read
those that were given up, of which the queue holds the positions only. Rule CKV_INV_208 names both."""


@attribute("CKV_INV_208", ("aws_lambda_event_source_mapping",))
def stream_failures(mapping: Resource) -> Iterator[str]:
    """Streams only: a queue has its own redrive policy."""
    source = mapping.get("event_source_arn")
    if isinstance(source, str) and ":sqs:" in source:
        return
    retries = mapping.get("maximum_retry_attempts")
    age = mapping.get("maximum_record_age_in_seconds")
    if (number(retries) or 0) >= 0 and retries not in (None, UNKNOWN):
        yield f"maximum_retry_attempts is {shown(retries)}: a service that throttles for a minute uses that up."
    if age is not UNKNOWN and not SHORTEST_RECORD_AGE_S <= (number(age) or -1) <= LONGEST_RECORD_AGE_S:
        yield f"maximum_record_age_in_seconds is {shown(age)}: {_of_age(age)}."
    if mapping.get("starting_position") == "LATEST":
        yield "starting_position is LATEST: what is written before the mapping works is never read."
    if not _filled(mapping, "destination_config.on_failure.destination_arn"):
        yield "It has no destination for records that keep failing."


def _of_age(age: object) -> str:
    seconds = number(age) or -1
    if 0 <= seconds < SHORTEST_RECORD_AGE_S:
        return "a short failure loses the record"
    return "a bad record blocks its shard until hardly any time is left to read it from the stream"


@attribute("CKV_INV_209", FUNCTION)
def published(function: Resource) -> Iterator[str]:
    """The key matters only for packages in S3."""
    if is_false(function.get("publish")):
        yield f"publish is {shown(function.get('publish'))}."
    if function.get("s3_bucket") is None:
        return
    key = function.get("s3_key")
    if key is not UNKNOWN and not (isinstance(key, str) and BY_CONTENT.fullmatch(key)):
        yield f"s3_key is {shown(key)}: another zip may have the same key."
    if _filled(function, "s3_object_version"):
        yield "It refers to a version of its zip, which is null for an upload shortly after versioning is enabled."


@relation("CKV_INV_222", ("aws_s3_object",))
def earlier_zips(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """The eleven of each function: the one in use and ten before it. A function that is gone needs none."""
    deleted, kept = defaultdict(list), Counter[tuple[Any, str]]()
    for change in plan.changes:
        values = change.before if change.will_be_gone else change.values
        match = BY_CONTENT.fullmatch(str((values or {}).get("key"))) if change.type == "aws_s3_object" else None
        if match and change.will_be_gone and not change.deposed:
            deleted[(values["bucket"], match["function"])].append(change)
        elif match:
            kept[(values.get("bucket"), match["function"])] += 1
    for place, changes in deleted.items():
        if 0 < kept[place] < EARLIER_ZIPS + 1:
            message = f"The plan deletes a zip of {place[1]}, and {kept[place] - 1} earlier ones are left."
            yield from ((change.address, message) for change in changes)


@relation("CKV_INV_221", FUNCTION)
def grant_of_a_new_role(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Lambda makes the grant when the function is created, for the role as it is then; an equal ARN is no change."""
    new_roles = {
        change.address for change in plan.changes if change.type == "aws_iam_role" and "create" in change.actions
    }
    existing = {
        change.address
        for change in plan.changes
        if change.type == "aws_lambda_function" and change.before and "create" not in change.actions
    }
    for function in plan.of(*FUNCTION):
        if function.address in existing and function.get("kms_key_arn") not in {None, ""}:
            for role in plan.links(function, "role", "aws_iam_role"):
                if role.address in new_roles:
                    yield (
                        function.address,
                        f"Its role {role.address} is created anew: it cannot use the function's key.",
                    )


_SECRET_NAME = re.compile(
    r"PASSW(OR)?D|PASSPHRASE|SECRET|TOKEN|(API|PRIVATE|ACCESS|SIGNING|ENCRYPTION|HMAC)_?KEY|CREDENTIAL|AUTHORIZATION"
    r"|(^|_)(PASS|PWD|AUTH|CREDS?)(_|$)",
    re.IGNORECASE,
)
_HARMLESS_NAME = re.compile(
    r"(_ARN|_ID|_NAME|_PREFIX|_PATH|_URL|_DAYS|_SECONDS|_TTL|_HEADER|_MODE|_TYPE|_ENABLED)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"^(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9+/=_-]{32,}$|^[0-9a-fA-F]{32,}$"  # random, whatever it is for
)
_KEY_NAME = re.compile(r"(^|_)KEY$", re.IGNORECASE)
_UNSPACED = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SWITCH = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")


def _looks_random(name: str, value: str) -> bool:
    """Whether letters and digits alternate more often than in names that people choose; in a key, less will do."""
    switches = len(_SWITCH.findall(value))
    return (
        bool(_UNSPACED.fullmatch(value))
        and not _UUID.fullmatch(value)
        and switches >= (3 if _KEY_NAME.search(name) else 6)
    )


def _looks_secret(name: str, value: str) -> bool:
    random = not value.startswith("arn:") and bool(_SECRET_VALUE.search(value) or _looks_random(name, value))
    return random or bool(shape_of(value) or random_in(value))


@attribute("CKV_INV_210", FUNCTION)
def no_secrets_in_environment(function: Resource) -> Iterator[str]:
    """By the variable's name, by its value, and by what Terraform marks as sensitive; no message shows a value."""
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


@attribute("CKV_INV_211", FUNCTION)
def encrypted_settings(function: Resource) -> Iterator[str]:
    """If there are any variables. checkov's check CKV_AWS_173 takes a key that is not known yet for a missing one."""
    has_variables = any(block is UNKNOWN or block for block in function.all("environment.variables"))
    if has_variables and not _filled(function, "kms_key_arn"):
        yield "kms_key_arn is not set."


def _filled(resource: Resource, path: str) -> bool:
    """Whether an attribute has a value, even if it is known after the apply only."""
    value: Any = resource.get(path)
    return value is UNKNOWN or bool(value)
