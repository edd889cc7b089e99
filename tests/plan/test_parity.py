"""dev and prod are the same thing in two sizes: one graph of resources, and every difference is listed, with a reason.

The live folders are planned as they are, but for the backend: with made-up keys, no engine, and nothing of AWS but the
answer to "which account is this?", which the account guard asks for.
"""

import fnmatch
import http.server
import re
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from harness import package
from harness.engine import ACCOUNT_ID, REGION
from harness.paths import ROOT
from harness.terraform.plan import TerraformPlan
from harness.terraform.run import Terraform

DEV, PROD = "dev", "prod"
ALIKE = (".terraform.lock.hcl", "main.tf", "outputs.tf", "providers.tf", "variables.tf", "versions.tf")
"""Files of a live folder that are the same in both, letter by letter."""


@dataclass(frozen=True)
class Allowed:
    """A difference that is meant.

    Attributes:
        where: Which addresses, or attributes as ``type.attribute.path``; ``*`` stands for anything.
        reason: Why.
    """

    where: str
    reason: str


ONE_SIDED = (
    Allowed("*.aws_sqs_queue.downstream*", "in dev a queue stands in for the systems downstream (DESIGN §4)"),
    Allowed("*.aws_sns_topic_subscription.downstream*", "the queue's subscription, in dev only (DESIGN §4)"),
    Allowed("*.module.replica[[]*", "prod's second region (DESIGN §7: replication of documents and archives)"),
    Allowed("*.aws_s3_bucket_replication_configuration.this*", "prod's replication to that region"),
    Allowed("*.aws_iam_role.replication*", "the role by which S3 replicates, in prod only"),
    Allowed("*.aws_iam_role_policy.replication*", "what that role may do"),
    Allowed("*.aws_sns_topic_subscription.email*", "who is told of prod's alarms; nobody is woken by dev's"),
)
"""Resources that only one of the two has."""

ATTRIBUTES = (
    Allowed("aws_lambda_function.memory_size", "512 MB and 1024 MB (DESIGN §7)"),
    Allowed("aws_lambda_function.timeout", "30 s and 60 s (DESIGN §7)"),
    Allowed("aws_lambda_function.reserved_concurrent_executions", "5 and 100 (DESIGN §7)"),
    Allowed("aws_lambda_function.environment.variables.ALLOWED_ORIGINS", "prod names its origins, dev allows any"),
    Allowed("aws_lambda_function.environment.variables.BRAND_NAME", "dev's invoices say that they are dev's"),
    Allowed("aws_cloudwatch_metric_alarm.threshold", "p95 of 80 % of the time-out, which differs"),
    Allowed("aws_cloudwatch_metric_alarm.alarm_description", "names the time-out"),
    Allowed("aws_cloudwatch_log_group.retention_in_days", "a fortnight and a year"),
    Allowed("aws_dynamodb_table.deletion_protection_enabled", "prod's table cannot be deleted (DESIGN §7)"),
    Allowed("aws_dynamodb_table.point_in_time_recovery.enabled", "off and on (DESIGN §7)"),
    Allowed("aws_dynamodb_table.*capacity", "5 and 25 (DESIGN §7)"),
    Allowed("aws_appautoscaling_target.*_capacity", "from 5 and from 25 (DESIGN §7), up to ten times that"),
    Allowed("aws_s3_bucket.force_destroy", "dev's buckets may be thrown away with what they hold"),
    Allowed("aws_api_gateway_deployment.triggers.fingerprint", "covers the origins"),
    Allowed("aws_api_gateway_gateway_response.response_parameters.*Access-Control-Allow-Origin", "the origins"),
    Allowed("aws_api_gateway_gateway_response.response_parameters.*Vary", "needed where origins are named"),
    Allowed("aws_api_gateway_integration_response.response_templates.*", "answers the origins in the preflight"),
    Allowed("aws_lambda_event_source_mapping.maximum_retry_attempts", "prod rides out a longer outage"),
    Allowed("aws_kms_key.deletion_window_in_days", "dev's key need not be kept as long"),
    Allowed("aws_secretsmanager_secret.recovery_window_in_days", "dev's name is free again at once"),
    Allowed("aws_secretsmanager_secret_rotation.rotation_rules.automatically_after_days", "prod changes it more often"),
    Allowed("aws_budgets_budget.limit_amount", "what either may cost"),
)
"""Attributes, as type.path, that differ between the two."""


class _Sts(http.server.BaseHTTPRequestHandler):
    """Answers who the caller is, and refuses all else."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        known = "Action=GetCallerIdentity" in asked
        body = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>arn:aws:iam::{ACCOUNT_ID}:root</Arn><UserId>u</UserId><Account>{ACCOUNT_ID}</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        ).encode()
        self.send_response(200 if known else 400)
        self.end_headers()
        self.wfile.write(body if known else b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def sts() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sts) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def plans(sts: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[TerraformPlan, TerraformPlan]:
    """The plans of dev and of prod, each against nothing."""
    checkout = tmp_path_factory.mktemp("parity")
    (checkout / "modules").symlink_to(ROOT / "modules")
    zips = checkout / "zips"
    zips.mkdir()
    for function in package.functions():
        (zips / f"{function.name}.zip").write_bytes(b"")
    environment = {
        "AWS_ENDPOINT_URL": sts,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "TF_VAR_account_id": ACCOUNT_ID,
        "TF_VAR_artifacts_dir": str(zips),
    }

    def plan(name: str) -> TerraformPlan:
        root = checkout / "live" / name
        shutil.copytree(ROOT / "live" / name, root, ignore=shutil.ignore_patterns("backend.tf"))
        terraform = Terraform(root, env=environment, data_dir=root / ".terraform", log_dir=checkout / f"log-{name}")
        terraform.init()
        return terraform.plan()

    with ThreadPoolExecutor() as pool:
        dev, prod = pool.map(plan, (DEV, PROD))
    return dev, prod


def neutral(text: str) -> str:
    """A text without the environment's name."""
    return re.sub(r"(?<![A-Za-z])(dev|prod)(?![A-Za-z])", "<environment>", text)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value below an attribute, by its path; the elements of a list share one."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, neutral(value) if isinstance(value, str) else value


def attributes(plan: TerraformPlan) -> dict[str, dict[str, list[Any]]]:
    """Each resource's attributes, what only the apply will tell among them: address to path to values."""
    found: dict[str, dict[str, list[Any]]] = {}
    for change in plan.resources:
        here = found.setdefault(neutral(change.address), {})
        for path, value in [*leaves(change.after), *leaves(change.after_unknown, " unknown")]:
            here.setdefault(f"{change.type}{path.removeprefix(' unknown')}", []).append(value)
    return {
        address: {path: sorted(values, key=repr) for path, values in here.items()} for address, here in found.items()
    }


def unlisted(found: set[str], allowed: tuple[Allowed, ...]) -> tuple[list[str], list[str]]:
    """What no row allows, and the rows that allow nothing."""
    used = {row: fnmatch.filter(found, row.where) for row in allowed}
    return sorted(found.difference(*used.values())), [row.where for row in allowed if not used[row]]


@pytest.mark.parametrize("name", ALIKE)
def test_live_folders_hold_the_same_code(name: str) -> None:
    assert (ROOT / "live" / DEV / name).read_bytes() == (ROOT / "live" / PROD / name).read_bytes()


def test_backends_differ_in_the_environments_key_alone() -> None:
    dev, prod = ((ROOT / "live" / name / "backend.tf").read_text(encoding="utf-8") for name in (DEV, PROD))

    assert dev.replace('"dev/terraform.tfstate"', '"prod/terraform.tfstate"') == prod
    assert dev != prod


def test_resources_are_the_same_but_for_those_that_are_listed(plans: tuple[TerraformPlan, TerraformPlan]) -> None:
    dev, prod = ({neutral(change.address) for change in plan.resources} for plan in plans)

    surplus, unused = unlisted(dev ^ prod, ONE_SIDED)

    assert surplus == [], "only one of the two environments has these"
    assert unused == [], "these rows of ONE_SIDED allow nothing any more"
    assert len(dev & prod) > 200


def test_references_between_resources_are_the_same(plans: tuple[TerraformPlan, TerraformPlan]) -> None:
    dev, prod = (plan.raw["configuration"] for plan in plans)

    assert dev == prod


def test_every_attribute_that_differs_is_listed(plans: tuple[TerraformPlan, TerraformPlan]) -> None:
    dev, prod = map(attributes, plans)
    found: dict[str, str] = {}
    for address in dev.keys() & prod.keys():
        for path in dev[address].keys() | prod[address].keys():
            before, after = dev[address].get(path), prod[address].get(path)
            if before != after:
                found.setdefault(path, f"{address}: {before} in dev, {after} in prod")

    surplus, unused = unlisted(set(found), ATTRIBUTES)

    assert {path: found[path] for path in surplus} == {}, "these differ, and no row of ATTRIBUTES says why"
    assert unused == [], "these rows of ATTRIBUTES allow nothing any more"


def test_prod_names_every_origin(plans: tuple[TerraformPlan, TerraformPlan]) -> None:
    _, prod = plans
    functions = prod.by_type("aws_lambda_function")
    settings = [one.after["environment"][0].get("variables", {}).get("ALLOWED_ORIGINS") for one in functions]

    origins = {origin for text in settings if text for origin in text.split(",")}

    assert origins
    assert all(origin.startswith("https://") and "*" not in origin for origin in origins)


def test_no_bucket_of_prod_is_emptied_by_destroying_it(plans: tuple[TerraformPlan, TerraformPlan]) -> None:
    _, prod = plans

    assert {one.after["force_destroy"] for one in prod.by_type("aws_s3_bucket")} == {False}
