"""A whole environment has everything that it consists of: compared with the table ``policy/platform.toml``."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.plan.arn import function_in
from harness.plan.resource import UNKNOWN, Resource, listed, shown
from harness.policy.rule import relation
from harness.policy.rules.events import CALLERS
from harness.policy.rules.retention import DELETED, GLACIER, ORIGINALS, deletions, holds, prefix_of, rules_of
from harness.policy.rules.storage import BUCKET, companions
from harness.settings import PLATFORM
from harness.terraform.plan import is_complete

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

TABLE = Path(__file__).resolve().parents[3] / "policy" / "platform.toml"

_NAMES = ("name", "bucket", "function_name", "stage_name", "resource_id", "arn")
"""The arguments by which other resources name one."""


@dataclass(frozen=True)
class Requirement:
    """A row of what has to exist.

    Attributes:
        type: The type of resource.
        harm: What happens without it.
        of: A type: each of its resources needs one; empty for one in all.
        by: The argument that leads to that resource.
        named: A regular expression for the beginning of that resource's name.
        where: Arguments with the value that makes a resource of the type count.
        set: Arguments that have to have a value.
        environments: The live folders that need it; empty for all.
    """

    type: str
    harm: str
    of: str = ""
    by: str = ""
    named: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    set: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()

    def problems(self, plan: "PlanGraph") -> Iterator[tuple[str, str]]:
        """What a plan lacks."""
        existing = plan.of(self.type)
        counting = [each for each in existing if self._counts(each)]
        if not self.of and not counting:
            yield f"module.{PLATFORM.platform_call}", f"It has no {self._what}: {self.harm}."
        for owner in plan.of(self.of) if self.of else ():
            if re.match(self.named, _name(owner)) and not any(self._belongs(plan, each, owner) for each in counting):
                yield owner.address, f"It has no {self._what}: {self.harm}."
        for resource in existing:
            for argument in self.set:
                values = [*resource.all(argument)]
                if not [value for value in values if value is UNKNOWN or value not in (None, "", [], {})]:
                    yield resource.address, f"{argument} is not set: {self.harm}."

    @property
    def _what(self) -> str:
        return " ".join([self.type, *(f"with {name} = {shown(value)}" for name, value in self.where.items())])

    def _counts(self, resource: Resource) -> bool:
        return all(resource.get(name) in (value, UNKNOWN) for name, value in self.where.items())

    def _belongs(self, plan: "PlanGraph", resource: Resource, owner: Resource) -> bool:
        """By reference if the source has one, otherwise by name."""
        if linked := plan.links(resource, self.by, self.of):
            return owner in linked
        names = {owner.get(name) for name in _NAMES} - {None, UNKNOWN}
        return any(value in names or _last(value) in names for value in resource.all(self.by) if isinstance(value, str))


def _name(resource: Resource) -> str:
    return next((value for name in _NAMES if isinstance(value := resource.get(name), str)), "")


def _last(value: str) -> str:
    """The name in an ARN, an address or a scalable resource: of ``table/orders/index/by-date`` the table's."""
    if value.startswith("table/"):
        return value.split("/")[1]
    return re.split(r"[/:]", value)[-1]


@dataclass(frozen=True)
class Retention:
    """A row of how long a kind of bucket keeps what may be deleted.

    Attributes:
        bucket: A regular expression for the names of buckets.
        harm: What happens otherwise.
        prefix: The keys that it is about; empty for all.
        objects: The least days for objects; 0 if no rule may delete any.
        replaced: The same for replaced versions.
    """

    bucket: str
    harm: str
    prefix: str = ""
    objects: int = 0
    replaced: int = 0

    def days(self, what: str) -> int:
        """The least days for one of `DELETED`."""
        return self.objects if what == DELETED[0] else self.replaced


@dataclass(frozen=True)
class Schedule:
    """A row of what the clock starts.

    Attributes:
        rule: The rule's name, with ``{environment}``.
        expression: When.
        event: What its targets get.
        harm: What happens without it.
    """

    rule: str
    expression: str
    event: Mapping[str, str] = field(hash=False)
    harm: str

    def matches(self, name: Any, environment: str) -> bool:
        """Whether a rule's name is this one's in an environment, or in a preview, whose name comes after it."""
        pattern = re.escape(self.rule).replace(r"\{environment\}", rf"{re.escape(environment)}(-[a-z0-9-]+)?")
        return isinstance(name, str) and re.fullmatch(pattern, name) is not None


@dataclass(frozen=True)
class Platform:
    """The table.

    Attributes:
        required: What has to exist.
        calls: By type of caller, expressions for names with the function that each calls; empty for none.
        keys: Hash and range key by index; the table's own by an empty name.
        cold: Expressions for the names of buckets that may lie in cold storage, each with the reason.
        models: The request model of each method that has one, by its key.
        variables: The values of variables that limit what a function touches, with ``{environment}``.
        kept: How long buckets keep what may be deleted.
        schedules: What the clock starts.
        jobs: By the name of a role of the pipeline, the jobs that may take it: ``environment`` and ``workflows``.
    """

    required: tuple[Requirement, ...]
    calls: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    cold: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[Retention, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read(path: Path = TABLE) -> Platform:
    """The table.

    Raises:
        TypeError: A row has an unknown key, or lacks one.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = table.pop("required")
    keys = {name: (pair[0], pair[1]) for name, pair in table.pop("keys").items()}
    required = [Requirement(**{name: _frozen(value) for name, value in row.items()}) for row in rows]
    kept = tuple(Retention(**row) for row in table.pop("kept"))
    schedules = tuple(Schedule(rule, **row) for rule, row in table.pop("schedules").items())
    return Platform(required=tuple(required), keys=keys, kept=kept, schedules=schedules, **table)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


CONTENT = read()
"""What this repository's environments consist of."""


@relation(
    "CKV_INV_103", tuple(sorted({row.type for row in CONTENT.required} | {row.of for row in CONTENT.required} - {""}))
)
def complete(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By type, and by the arguments that lead to what each belongs to. An incomplete or empty plan shows nothing."""
    for row in CONTENT.required if plan.resources and is_complete(plan.document) else ():
        if not row.environments or plan.environment in row.environments:
            yield from row.problems(plan)


@relation("CKV_INV_315", tuple(sorted(CONTENT.calls)))
def calls_its_function(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the function's name in the ARN, else by the references; a caller by its rule's name or its key.

    A state has an empty text for the URI of an integration that calls nothing (MOCK).
    """
    for kind, functions in CONTENT.calls.items():
        for caller in plan.of(kind):
            rules = plan.links(caller, "rule", "aws_cloudwatch_event_rule")
            names = [caller.get("rule"), *(rule.get("name") for rule in rules), caller.index, ""]
            name = next(name for name in names if isinstance(name, str))
            expected = next((each for pattern, each in functions.items() if re.fullmatch(pattern, name)), None)
            if expected is None and all(value == "" for value in caller.all(CALLERS[kind])):
                continue
            for message in _wrong_calls(plan, caller, expected):
                yield caller.address, message


def _wrong_calls(plan: "PlanGraph", caller: Resource, expected: str | None) -> Iterator[str]:
    path = CALLERS[caller.type]
    for called in dict.fromkeys(_called(plan, caller, path)):
        if expected is None:
            yield f"It calls {shown(called)}, and policy/platform.toml does not say that it calls anything."
        elif called != expected:
            yield f"{path} calls {_function(called)}, and not {_function(expected)}."


def _function(name: str) -> str:
    return shown(name) if name else "what is no function"


def _called(plan: "PlanGraph", caller: Resource, path: str) -> Iterator[str]:
    """The names of the functions that a caller calls, without their environment; empty for what is no function."""
    suffix = re.compile(rf"-{plan.environment}(-.*)?$")  # a preview's name begins with its environment's
    for value in caller.all(path):
        arn = function_in(value)
        if isinstance(value, str):
            yield suffix.sub("", arn.name) if arn else ""
            continue
        linked = plan.links(caller, path, "aws_lambda_alias", "aws_lambda_function")
        names = {suffix.sub("", str(each.get("function_name")).split(":")[-1]) for each in linked}
        yield from sorted(names) or [""]


@relation("CKV_INV_627", ("aws_dynamodb_table",))
def keys_of_the_code(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Of the table and of each index, by its name: what the code reads by hash key has to be the hash key."""
    for table in plan.of("aws_dynamodb_table"):
        found: dict[str, Mapping[str, Any]] = {"": table.values}
        for kind in ("global_secondary_index", "local_secondary_index"):
            indexes = [index for index in listed(table.values.get(kind)) if isinstance(index, Mapping)]
            found |= {str(index.get("name")): index for index in indexes}
        for name, keys in CONTENT.keys.items():
            yield from ((table.address, message) for message in _wrong_keys(name, keys, found.get(name)))
        for name in sorted(found.keys() - CONTENT.keys.keys()):
            reason = f"Nothing reads the index {shown(name)}: every write pays for it."
            yield table.address, f"{reason} Remove it, or add it to [keys] in policy/platform.toml with its reader."


def _wrong_keys(name: str, keys: tuple[str, str], index: Mapping[str, Any] | None) -> Iterator[str]:
    subject = f"The index {shown(name)}" if name else "The table"
    if index is None:
        yield f"{subject} is missing: the code reads by it."
        return
    for argument, key in zip(("hash_key", "range_key"), keys, strict=True):
        value = index.get(argument)
        if value is not UNKNOWN and (value or "") != key:
            yield f"{subject} has the {argument} {shown(value)}, and the code reads by {shown(key) if key else 'none'}."


@relation("CKV_INV_633", BUCKET)
def readable_at_once(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Of current and of replaced versions, in buckets that are not listed as cold, and of S3's own tiers."""
    for bucket in plan.of(*BUCKET):
        if any(re.fullmatch(pattern, str(bucket.get("bucket"))) for pattern in CONTENT.cold):
            continue
        for lifecycle in companions(plan, bucket, "aws_s3_bucket_lifecycle_configuration"):
            for rule in listed(lifecycle.values.get("rule")):
                for message in _cold_moves(rule):
                    yield lifecycle.address, message
        for tiers in companions(plan, bucket, "aws_s3_bucket_intelligent_tiering_configuration"):
            yield tiers.address, "It moves objects that are rarely read to where reading one takes hours."


def _cold_moves(rule: Any) -> Iterator[str]:
    if not isinstance(rule, Mapping) or rule.get("status") == "Disabled":
        return
    for block in ("transition", "noncurrent_version_transition"):
        for move in listed(rule.get(block)):
            if isinstance(move, Mapping) and move.get("storage_class") in GLACIER:
                days = move.get("days") if move.get("days") not in {None, 0} else move.get("noncurrent_days")
                yield (
                    f"Its rule {shown(rule.get('id'))} moves objects to {move['storage_class']} after {shown(days)} "
                    "days: from then on a download fails until somebody has restored the object, which takes hours."
                )


@relation("CKV_INV_634", BUCKET)
def kept_long_enough(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Objects and replaced versions that a lifecycle rule deletes, in buckets that do not hold originals."""
    for bucket in plan.of(*BUCKET):
        if holds(bucket) in {ORIGINALS, None}:
            continue
        rows = [row for row in CONTENT.kept if re.fullmatch(row.bucket, str(bucket.get("bucket")))]
        for owner, rule in rules_of(plan, bucket):
            for what, days in deletions(rule):
                for message in _too_early(rows, prefix_of(rule), what, days):
                    yield owner.address, f"Its rule {shown(rule.get('id'))} deletes {what} after {days:g} days{message}"


def _too_early(rows: list[Retention], prefix: str, what: str, days: float) -> Iterator[str]:
    about = [row for row in rows if row.days(what) and (row.prefix.startswith(prefix) or prefix.startswith(row.prefix))]
    if not any(prefix.startswith(row.prefix) for row in about):
        yield ", and no row of [[kept]] in policy/platform.toml says for how long they are needed."
    for row in about:
        if days < row.days(what):
            below = f" below {row.prefix}" if row.prefix else ""
            yield f": {row.harm}. Keep them{below} for {row.days(what)} days at least."
