"""dev and prod are one graph of resources in two sizes, and every difference is listed, with a reason.

The live folders are planned unchanged, except for the backend: with invented keys and without an engine. Of AWS there
is only the response to GetCallerIdentity, which the provider's account guard needs. The values of both environments,
and the reasons for them, are in docs/decisions/0004-environment-values.md.
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
"""Files of a live folder that are the same in both, byte for byte."""


@dataclass(frozen=True)
class Allowed:
    """An intended difference.

    Attributes:
        pattern: Addresses, or attributes as ``type.attribute.path``; ``*`` matches anything.
        reason: Why it is intended.
    """

    pattern: str
    reason: str


ONE_SIDED = (
    Allowed("*.aws_sqs_queue.downstream*", "in dev a queue takes the place of the systems downstream (decision 0004)"),
    Allowed("*.aws_sns_topic_subscription.downstream*", "the queue's subscription, in dev only (decision 0004)"),
    Allowed("*.module.replica[[]*", "prod's second region, for documents and archives (decision 0004)"),
    Allowed("*.aws_s3_bucket_replication_configuration.this*", "prod's replication to that region"),
    Allowed("*.aws_iam_role.replication*", "the role with which S3 replicates, in prod only"),
    Allowed("*.aws_iam_role_policy.replication*", "the grants of that role"),
    Allowed("*.aws_sns_topic_subscription.email*", "prod's alarms go to an address; dev's wake nobody"),
)
"""Resources that only one of the two environments has."""

ATTRIBUTES = (
    Allowed("aws_lambda_function.memory_size", "512 MB and 1024 MB (decision 0004)"),
    Allowed("aws_lambda_function.timeout", "30 s and 60 s (decision 0004)"),
    Allowed("aws_lambda_function.reserved_concurrent_executions", "5 and 100 (decision 0004)"),
    Allowed("aws_lambda_function.environment.variables.ALLOWED_ORIGINS", "prod names its origins, dev allows any"),
    Allowed("aws_lambda_function.environment.variables.BRAND_NAME", "dev's invoices show that they are dev's"),
    Allowed("aws_cloudwatch_metric_alarm.threshold", "p95 of 80 % of the time-out, which differs"),
    Allowed("aws_cloudwatch_metric_alarm.alarm_description", "names the time-out"),
    Allowed("aws_cloudwatch_log_group.retention_in_days", "a fortnight and a year"),
    Allowed("aws_dynamodb_table.deletion_protection_enabled", "prod's table cannot be deleted (decision 0004)"),
    Allowed("aws_dynamodb_table.point_in_time_recovery.enabled", "off and on (decision 0004)"),
    Allowed("aws_dynamodb_table.*capacity", "5 and 25 (decision 0004)"),
    Allowed("aws_appautoscaling_target.*_capacity", "from 5 and from 25, up to ten times that (decision 0004)"),
    Allowed("aws_s3_bucket.force_destroy", "dev's buckets may be deleted with their content"),
    Allowed("aws_api_gateway_deployment.triggers.fingerprint", "includes the origins"),
    Allowed("aws_api_gateway_gateway_response.response_parameters.*Access-Control-Allow-Origin", "the origins"),
    Allowed("aws_api_gateway_gateway_response.response_parameters.*Vary", "needed where origins are named"),
    Allowed("aws_api_gateway_integration_response.response_templates.*", "the origins, in the response to a preflight"),
    Allowed("aws_lambda_event_source_mapping.maximum_record_age_in_seconds", "prod survives a longer outage"),
    Allowed("aws_kms_key.deletion_window_in_days", "dev's key need not be kept as long"),
    Allowed("aws_secretsmanager_secret.recovery_window_in_days", "the name of dev's secret is free again at once"),
    Allowed(
        "aws_secretsmanager_secret_rotation.rotation_rules.automatically_after_days", "prod rotates the key more often"
    ),
    Allowed("aws_budgets_budget.limit_amount", "the budgets"),
)
"""Attributes, as type.path, that differ between the two environments."""


class _Sts(http.server.BaseHTTPRequestHandler):
    """Serves GetCallerIdentity, and rejects all other actions."""

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        is_known = "Action=GetCallerIdentity" in request
        body = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>arn:aws:iam::{ACCOUNT_ID}:root</Arn><UserId>u</UserId><Account>{ACCOUNT_ID}</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        ).encode()
        self.send_response(200 if is_known else 400)
        self.end_headers()
        self.wfile.write(body if is_known else b"")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def sts() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sts) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def plans(sts: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[TerraformPlan, TerraformPlan]:
    """The plans of dev and of prod, each with an empty state."""
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
    """Every single value below an attribute, by its path; the elements of a list share a path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, neutral(value) if isinstance(value, str) else value


def attributes(plan: TerraformPlan) -> dict[str, dict[str, list[Any]]]:
    """Each resource's attributes, those that only the apply will know included: address to path to values."""
    resources: dict[str, dict[str, list[Any]]] = {}
    for change in plan.resources:
        paths = resources.setdefault(neutral(change.address), {})
        for path, value in [*leaves(change.after), *leaves(change.after_unknown, " unknown")]:
            paths.setdefault(f"{change.type}{path.removeprefix(' unknown')}", []).append(value)
    return {
        address: {path: sorted(values, key=repr) for path, values in paths.items()}
        for address, paths in resources.items()
    }


def unlisted(differences: set[str], allowed: tuple[Allowed, ...]) -> tuple[list[str], list[str]]:
    """The differences that no row allows, and the patterns of rows that match nothing."""
    matches = {row: fnmatch.filter(differences, row.pattern) for row in allowed}
    return sorted(differences.difference(*matches.values())), [row.pattern for row in allowed if not matches[row]]


@pytest.mark.parametrize("name", ALIKE)
def test_live_folders_hold_the_same_code(name: str) -> None:
    assert (ROOT / "live" / DEV / name).read_bytes() == (ROOT / "live" / PROD / name).read_bytes()


def test_backends_differ_only_in_the_key_of_the_state() -> None:
    dev, prod = ((ROOT / "live" / name / "backend.tf").read_text(encoding="utf-8") for name in (DEV, PROD))

    assert dev.replace('"dev/terraform.tfstate"', '"prod/terraform.tfstate"') == prod
    assert dev != prod


def test_resources_are_the_same_except_those_that_are_listed(plans: tuple[TerraformPlan, TerraformPlan]) -> None:
    dev, prod = ({neutral(change.address) for change in plan.resources} for plan in plans)

    surplus, unused = unlisted(dev ^ prod, ONE_SIDED)

    assert surplus == [], "only one of the two environments has these"
    assert unused == [], "these rows of ONE_SIDED match nothing any more"
    assert len(dev & prod) > 200


def test_references_between_resources_are_the_same(plans: tuple[TerraformPlan, TerraformPlan]) -> None:
    dev, prod = (plan.raw["configuration"] for plan in plans)

    assert dev == prod


def test_every_attribute_that_differs_is_listed(plans: tuple[TerraformPlan, TerraformPlan]) -> None:
    dev, prod = map(attributes, plans)
    differences: dict[str, str] = {}
    for address in dev.keys() & prod.keys():
        for path in dev[address].keys() | prod[address].keys():
            in_dev, in_prod = dev[address].get(path), prod[address].get(path)
            if in_dev != in_prod:
                differences.setdefault(path, f"{address}: {in_dev} in dev, {in_prod} in prod")

    surplus, unused = unlisted(set(differences), ATTRIBUTES)

    assert {path: differences[path] for path in surplus} == {}, "these differ, and no row of ATTRIBUTES gives a reason"
    assert unused == [], "these rows of ATTRIBUTES match nothing any more"


def test_prod_names_every_origin(plans: tuple[TerraformPlan, TerraformPlan]) -> None:
    _, prod = plans
    functions = prod.by_type("aws_lambda_function")
    settings = [function.after["environment"][0].get("variables", {}).get("ALLOWED_ORIGINS") for function in functions]

    origins = {origin for text in settings if text for origin in text.split(",")}

    assert origins
    assert all(origin.startswith("https://") and "*" not in origin for origin in origins)


def test_no_bucket_of_prod_is_emptied_by_destroying_it(plans: tuple[TerraformPlan, TerraformPlan]) -> None:
    _, prod = plans

    assert {bucket.after["force_destroy"] for bucket in prod.by_type("aws_s3_bucket")} == {False}
