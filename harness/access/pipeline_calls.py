"""The committed list of what the pipeline does to an account, and the permissions that follow from it.

A run records the requests of Terraform and its backend (`harness.iam.pipeline_recording`). Here they become rows: an
action, the kind of its resource, the condition keys that a policy may check, and the steps that make it. The kinds are
written by hand, in ``policy/pipeline_resources.yaml``: what the pipeline may touch is decided there, and what it may do
to that follows from the recording. ``live/bootstrap/permissions.json`` holds the result, which its Terraform reads.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.plan.arn import arn_like
from harness.plan.evaluate import AccessRequest, Value

LIST = ROOT / "tests" / "contract" / "pipeline_calls.yaml"
RESOURCES = ROOT / "policy" / "pipeline_resources.yaml"
PERMISSIONS = ROOT / "live" / "bootstrap" / "permissions.json"

FIX = "./noxw -s roles docs"
"""The command that records everything again, and writes the list and the permissions."""

KEPT = (
    "aws:requesttag/environment",
    "iam:awsservicename",
    "iam:passedtoservice",
    "iam:permissionsboundary",
    "iam:policyarn",
    "kms:viaservice",
    "lambda:functionarn",
)
"""The condition keys of a request that its row keeps."""

KEYS = (*KEPT, "aws:resourcetag/environment")
"""The condition keys that the pipeline's policies may check."""

_PLANS = (" plan", " again")
"""What the names of the steps end with that change nothing."""

_FREE = frozenset({"sts:GetCallerIdentity"})
"""Actions that need no permission: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html."""

_HEAD = f"""\
# What Terraform does to an account, as recorded on an engine: written by `{FIX}`; see docs/iam.md.
# steps: the environments and their steps that need it.
"""


class ResourceKind(BaseModel):
    """Resources that the pipeline may touch, as one entry of ``policy/pipeline_resources.yaml``.

    Attributes:
        sid: The statement's id.
        policy: The managed policy that has the statement.
        resources: ARNs with ``{account}``, ``{environment}`` and ``{state}``, and wildcards for what differs besides.
        actions: The only actions that the entry is for; none for all.
        conditions: What a grant demands besides: test, then key, then values.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sid: str
    policy: str
    resources: tuple[str, ...]
    actions: tuple[str, ...] = ()
    conditions: dict[str, dict[str, tuple[str, ...]]] = {}

    def match(self, action: str, resource: str, names: Mapping[str, str]) -> str:
        """The ARN of this entry that a request's resource fits; empty if none does."""
        if self.actions and action not in self.actions:
            return ""
        for template in self.resources:
            pattern = fill(template, names)
            if pattern == resource or (pattern != "*" and resource != "*" and arn_like(pattern, resource)):
                return template
        return ""


def kinds(path: Path = RESOURCES) -> tuple[ResourceKind, ...]:
    """Read what the pipeline may touch; the first entry that fits a request counts."""
    return TypeAdapter(tuple[ResourceKind, ...]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))


def fill(template: str, names: Mapping[str, str]) -> str:
    """A text with the names of an environment in place of its braces."""
    for name, value in names.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def names_of(environment: str, folder: str, account: str, workspace: str = "default") -> dict[str, str]:
    """The names of an environment.

    Args:
        environment: What its resources' names end with, such as ``dev``.
        folder: Its live folder.
        account: The account.
        workspace: Terraform's workspace.
    """
    prefix = "" if workspace == "default" else f"env:/{workspace}/"
    return {"account": account, "environment": environment, "folder": folder, "state": f"{prefix}{folder}"}


@dataclass(frozen=True, order=True)
class PipelineCall:
    """One kind of request.

    Attributes:
        action: Such as ``s3:PutObject``.
        sid: The entry of ``policy/pipeline_resources.yaml`` that its resource fits.
        resource: The ARN of that entry.
        keys: The condition keys that a policy may check: (key, value) pairs.
        steps: What makes it: an environment and a step, such as ``dev apply``.
    """

    action: str
    sid: str
    resource: str
    keys: tuple[tuple[str, Value], ...] = ()
    steps: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_reading(self) -> bool:
        """Whether a plan needs it, and not only an apply."""
        return any(step.endswith(_PLANS) for step in self.steps_of_pipeline)

    @property
    def is_of_drift(self) -> bool:
        """Whether the comparison of the account with its states needs it, or the plan that is part of that."""
        return any(step.endswith((*_PLANS, " drift")) for step in self.steps_of_pipeline)

    @property
    def steps_of_pipeline(self) -> tuple[str, ...]:
        """Its steps without those of administrators, who apply ``live/bootstrap`` by hand."""
        return tuple(step for step in self.steps if not step.startswith("bootstrap "))

    @property
    def is_by_hand(self) -> bool:
        """Whether only administrators make it."""
        return not self.steps_of_pipeline

    def request(self, names: Mapping[str, str]) -> AccessRequest:
        """The request in an environment: with a name for each wildcard, and the environment's tag on the resource."""
        context: dict[str, Value] = dict.fromkeys(KEYS)
        for key, value in self.keys:
            filled = fill(value, names) if isinstance(value, str) else value
            context[key] = filled
        context["aws:resourcetag/environment"] = names["environment"]
        context["aws:requestedregion"] = "us-east-1"
        resource = fill(self.resource, names)
        return AccessRequest(self.action, _concrete(resource), context)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


def _concrete(arn: str) -> str:
    """An ARN with a region and names instead of wildcards."""
    if arn == "*":
        return arn
    parts = arn.split(":", 5)
    parts[3] = parts[3].replace("*", "us-east-1")
    return ":".join(part.replace("*", "x").replace("?", "x") for part in parts)


def rows_of(lines: Iterable[Mapping[str, Any]], environment: str, names: Mapping[str, str]) -> Iterator[PipelineCall]:
    """The rows of an environment's recorded requests, one for each request.

    Args:
        lines: The recorded lines: marks of steps, and requests between them.
        environment: Its name in the list.
        names: See `names_of`.

    Raises:
        HarnessError: A request is about a resource that no entry has.
    """
    step, entries = "", kinds()
    for line in lines:
        if "step" in line:
            step = line["step"]
        elif line["key"] == "root" and step != "preparation" and line["action"] not in _FREE:
            yield _row(line, f"{environment} {step}", entries, names)


def _row(line: Mapping[str, Any], step: str, entries: Sequence[ResourceKind], names: Mapping[str, str]) -> PipelineCall:
    action, resource = line["action"], line["resource"]
    for entry in entries:
        if template := entry.match(action, resource, names):
            keys = tuple((key, _general(line["context"][key], names)) for key in KEPT if line["context"].get(key))
            return PipelineCall(action, entry.sid, template, keys, (step,))
    raise HarnessError(
        f"{step} needs {action} on {resource}, which no entry of {RESOURCES.name} has.",
        remedy="Add the resource to the entry that it belongs to, if the pipeline may touch it.",
    )


def _general(value: Value, names: Mapping[str, str]) -> Value:
    """A value of a condition key without the names of one environment."""
    if not isinstance(value, str):
        return value
    for name in ("account", "environment"):
        value = value.replace(names[name], f"{{{name}}}")
    return value


def merged(rows: Iterable[PipelineCall]) -> list[PipelineCall]:
    """Each row once, with all of its steps."""
    steps: dict[PipelineCall, set[str]] = defaultdict(set)
    for row in rows:
        steps[row].update(row.steps)
    return [
        PipelineCall(row.action, row.sid, row.resource, row.keys, tuple(sorted(steps[row]))) for row in sorted(steps)
    ]


def load(path: Path = LIST) -> list[PipelineCall]:
    """Read the list.

    Raises:
        HarnessError: It is missing or invalid.
    """
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [
            PipelineCall(
                row["action"],
                row["sid"],
                row["resource"],
                tuple(sorted(row.get("keys", {}).items())),
                tuple(row["steps"]),
            )
            for row in body
        ]
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise HarnessError(f"{path.name} cannot be read: {error}", remedy=f"To write it again: {FIX}") from None


def save(rows: Iterable[PipelineCall], path: Path = LIST) -> None:
    """Write the list."""
    lines = [_HEAD]
    for row in merged(rows):
        body = {"action": row.action, "sid": row.sid, "resource": row.resource}
        lines.append(f"- {json.dumps({**body, **({'keys': dict(row.keys)} if row.keys else {}), 'steps': row.steps})}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


KINDS_OF_ROLES = ("apply", "drift", "plan", "preview")
"""The kinds of the pipeline's roles; a role's name begins with its kind."""

Permissions = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""Role, policy and Sid, each with its statement: actions, resources, conditions."""


def permissions(rows: Sequence[PipelineCall]) -> Permissions:
    """What each kind of role needs for a list of calls, and nothing more.

    Resources of an entry share a statement if the same actions are done to each of them.
    """
    return {kind: _statements(row for row in rows if is_for(kind, row)) for kind in KINDS_OF_ROLES}


def is_for(kind: str, row: PipelineCall) -> bool:
    """Whether a role of a kind has to be able to make a call.

    A role of previews also does what drift does: the sweep looks for what is left in the account.
    """
    changing = any(not step.endswith(" drift") for step in row.steps_of_pipeline)
    needed = {
        "apply": changing,
        "drift": row.is_of_drift,
        "plan": row.is_reading,
        "preview": changing or row.is_of_drift,
    }
    return needed[kind]


def _statements(rows: Iterable[PipelineCall]) -> dict[str, dict[str, dict[str, Any]]]:
    actions: dict[tuple[str, str], set[str]] = defaultdict(set)
    needed = {(row.action, row.sid, row.resource) for row in rows}
    free = {entry.sid for entry in kinds() if not entry.conditions}
    for action, sid, resource in needed:
        wider = (other for act, of, other in needed if act == action and of in free and other != resource)
        if not any(arn_like(other, _concrete(resource)) for other in wider):
            actions[sid, resource].add(action)
    policies: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for entry in kinds():
        groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for template in entry.resources:
            if done := actions.get((entry.sid, template)):
                groups[tuple(sorted(done))].append(template)
        for number, (done_to, resources) in enumerate(sorted(groups.items()), start=1):
            sid = entry.sid if len(groups) == 1 else f"{entry.sid}{number}"
            statement = {"actions": [*done_to], "conditions": _conditions(entry), "resources": resources}
            policies[entry.policy][sid] = statement
    return dict(sorted(policies.items()))


def _conditions(entry: ResourceKind) -> dict[str, dict[str, list[str]]]:
    return {test: {key: [*values] for key, values in keys.items()} for test, keys in entry.conditions.items()}


def permissions_text(rows: Sequence[PipelineCall]) -> str:
    """The content of ``live/bootstrap/permissions.json``."""
    return json.dumps(permissions(rows), indent=2) + "\n"
