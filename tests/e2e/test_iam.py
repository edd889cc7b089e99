"""IAM on a deployed stack, and the plan after its use.

Without one of its grants a function fails, and no other does. After that and after every flow the plan is empty: use
has changed nothing. The plan of a deployed stack knows every id, so its grants are compared with the calls once more.
"""

import copy
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3

from harness.access.admission import left_over, missing, open_to_others
from harness.access.grants import roles
from harness.access.proof import ledger
from harness.access.triggers import Estate
from harness.engine import ACCOUNT_ID, Engine
from harness.iam.calls import SECRETS_KEY
from harness.iam.environments import proof_of
from harness.paths import ROOT
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN
from harness.policy import plans
from harness.stack.deployment import REGION, Deployment, Stack
from harness.stack.logs import lines
from harness.stack.snapshot import clone_source
from harness.terraform.plan import TerraformPlan

pytestmark = pytest.mark.xdist_group("iam")

GRANTS = [
    ("create-invoice", "dynamodb:PutItem", "table/invoices-dev"),
    ("generate-pdf", "dynamodb:GetItem", "table/invoices-dev"),
    ("generate-pdf", "s3:PutObject", "/*"),
    ("get-invoice", "dynamodb:GetItem", "table/invoices-dev"),
    ("get-invoice", "s3:GetObject", "/*"),
    ("process-invoice", "dynamodb:GetItem", "table/invoices-dev"),
    ("process-invoice", "dynamodb:PutItem", "table/invoices-dev"),
    ("process-invoice", "dynamodb:UpdateItem", "table/invoices-dev"),
    ("process-invoice", "events:PutEvents", "event-bus/invoice-events-dev"),
    ("query-invoices", "dynamodb:Query", "index/*"),
    ("rotate-api-key", "apigateway:GET", "/apikeys"),
    ("rotate-api-key", "apigateway:GET", "/apikeys/*"),
    ("rotate-api-key", "apigateway:GET", "/keys/*"),
    ("rotate-api-key", "secretsmanager:DescribeSecret", "-??????"),
    ("rotate-api-key", "secretsmanager:GetSecretValue", "-??????"),
    ("update-invoice-status", "dynamodb:GetItem", "table/invoices-dev"),
    ("update-invoice-status", "dynamodb:PutItem", "table/invoices-dev"),
    ("update-invoice-status", "dynamodb:UpdateItem", "table/invoices-dev"),
]
"""The grants that one short call of a function needs: function, action, end of the resource. All others are removed in
tests/contract/test_iam.py, where the evaluator shows what would fail: those that need a file or a rotation, and the use
of the secret's key, which the engine does not check."""


DENIED = ("AccessDenied", "not authorized", "(403)")
"""Texts of a denied call; the last is HeadObject's, whose response has no body."""


class Flows:
    """One short call of each function that does most of the function's work. Each may be repeated."""

    def __init__(self, stack: Stack, client: Callable[[str], Any], invoice: dict[str, Any]) -> None:
        self.stack, self.client = stack, client
        self.invoice_id, self.invoice = invoice["invoiceId"], invoice

    def failure(self, function: str) -> str:
        """Why a function could not do its work; empty if it could."""
        name = function.replace("-", "_")
        assert hasattr(self, name), f"add {name}, one short call of it, to tests/e2e/test_iam.py: Flows"
        return str(getattr(self, name)())

    def create_invoice(self) -> str:
        return self._request("POST", "/invoices", new_invoice())

    def get_invoice(self) -> str:
        return self._request("GET", f"/invoices/{self.invoice_id}")

    def query_invoices(self) -> str:
        return self._request("GET", "/invoices?limit=1")

    def update_invoice_status(self) -> str:
        payment = {"paymentId": uuid.uuid4().hex, "amount": "0.01"}
        return self._request("PATCH", f"/invoices/{self.invoice_id}", {"status": "partially-paid", "payment": payment})

    def generate_pdf(self) -> str:
        return self._invoke("generate-pdf", {"detail": {"invoiceId": self.invoice_id}})

    def process_invoice(self) -> str:
        """The insert of the invoice again, for a customer without claims."""
        key = {"invoiceId": {"S": self.invoice_id}}
        item = self.client("dynamodb").get_item(TableName=self.stack.table_name, Key=key)["Item"]
        image = {**item, "customerId": {"S": uuid.uuid4().hex}, "status": {"S": "created"}, "version": {"N": "1"}}
        change = {"Keys": key, "NewImage": image, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES"}
        record = {"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}
        return self._invoke("process-invoice", {"Records": [record]})

    def rotate_api_key(self) -> str:
        """The last two steps, for the version that is already current: they check it, and have nothing to do."""
        secret = self.stack.api_key_secret_arn
        versions = self.client("secretsmanager").describe_secret(SecretId=secret)["VersionIdsToStages"]
        (current,) = [version for version, labels in versions.items() if "AWSCURRENT" in labels]
        steps = [
            {"Step": step, "SecretId": secret, "ClientRequestToken": current} for step in ("testSecret", "finishSecret")
        ]
        return "".join(self._invoke("rotate-api-key", step) for step in steps)

    def _request(self, method: str, path: str, body: object = None) -> str:
        headers = {"x-api-key": self.stack.api_key, "content-type": "application/json"}
        response = urllib3.request(
            method, self.stack.api_url + path, headers=headers, body=json.dumps(body) if body else None, timeout=35.0
        )
        return "" if response.status < 300 else f"{response.status} {response.data.decode()}"

    def _invoke(self, function: str, event: dict[str, Any]) -> str:
        name = f"{self.stack.functions[function]}:live"
        response = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        result = json.loads(response["Payload"].read() or b"null")
        failed = response.get("FunctionError") or (result or {}).get("batchItemFailures")
        return json.dumps(result) if failed else ""


def new_invoice() -> dict[str, Any]:
    return {
        "invoiceNumber": f"I-{uuid.uuid4().hex[:8]}",
        "customerId": f"C-{uuid.uuid4().hex[:8]}",
        "customer": {"name": "Example Ltd"},
        "issueDate": "2026-11-02",
        "paymentTermsDays": 30,
        "currency": "EUR",
        "lines": [{"description": "Consulting", "quantity": 1, "unitPrice": "500.00", "taxRate": 19}],
    }


@pytest.fixture(scope="module")
def apart() -> Iterator[tuple[Stack, Engine]]:
    """A separate stack, because roles are changed here."""
    with clone_source("dev").clone("e2e-iam") as clone:
        yield clone


@pytest.fixture(scope="module")
def flows(apart: tuple[Stack, Engine], wait: Callable[..., Any]) -> Flows:
    stack, _ = apart

    def client(service: str) -> Any:
        return stack.session.client(service, endpoint_url=stack.endpoint_url)

    headers = {"x-api-key": stack.api_key, "content-type": "application/json"}
    created = urllib3.request(
        "POST", f"{stack.api_url}/invoices", json=new_invoice(), headers=headers, timeout=35.0
    ).json()

    def documented() -> dict[str, Any] | None:
        url = f"{stack.api_url}/invoices/{created['invoiceId']}"
        invoice: dict[str, Any] = urllib3.request("GET", url, headers=headers, timeout=35.0).json()
        return invoice if "documentUrl" in invoice and invoice["status"] == "processed" else None

    flows = Flows(stack, client, wait(documented, "the invoice's PDF"))
    assert not [failure for name in stack.functions if (failure := flows.failure(name))]
    return flows


def without(document: dict[str, Any], action: str, ending: str) -> dict[str, Any]:
    """A policy without one action on one resource; every other grant has a separate statement."""
    grants = [
        {**statement, "Sid": "", "Action": granted, "Resource": resource}
        for statement in document["Statement"]
        for granted in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        for resource in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
    ]
    others = [
        grant
        for grant in grants
        if (grant["Action"], grant["Resource"][len(grant["Resource"]) - len(ending) :]) != (action, ending)
    ]
    assert len(others) == len(grants) - 1, f"{action} on ...{ending} is granted {len(grants) - len(others)} times"
    return {**document, "Statement": [{name: value for name, value in grant.items() if value} for grant in others]}


@pytest.mark.parametrize(("function", "action", "ending"), GRANTS)
def test_without_one_of_its_grants_a_function_fails_and_no_other_does(
    flows: Flows, wait: Callable[..., Any], function: str, action: str, ending: str
) -> None:
    iam, role = flows.client("iam"), {"RoleName": flows.stack.functions[function], "PolicyName": "statements"}
    policy = iam.get_role_policy(**role)["PolicyDocument"]

    since = datetime.now(UTC)
    iam.put_role_policy(**role, PolicyDocument=json.dumps(without(policy, action, ending)))
    try:
        failures = {name: failure for name in flows.stack.functions if (failure := flows.failure(name))}
    finally:
        iam.put_role_policy(**role, PolicyDocument=json.dumps(policy))

    assert failures.keys() == {function}, failures
    if function != "process-invoice":  # a failed record shows only in the response, because it is delivered again

        def denials() -> list[str] | None:
            messages = [failures[function], *(line.message for line in lines(flows.stack, [function], since))]
            return [message for message in messages if any(text in message for text in DENIED)] or None

        wait(denials, f"AccessDenied in the log of {function}")


@pytest.fixture(scope="module")
def used(apart: tuple[Stack, Engine], flows: Flows, wait: Callable[..., Any], tmp_path_factory: Any) -> TerraformPlan:
    """The plan after every flow: API, PDF and payments have run above; here a file and two rotations follow."""
    stack, engine = apart
    s3, secrets = flows.client("s3"), flows.client("secretsmanager")
    header = "invoice_number,customer_id,issue_date,currency,description,quantity,unit_price,tax_rate"
    row = f"F-1,{uuid.uuid4().hex},2026-11-02,EUR,Thing,1,10.00,19"
    s3.put_object(Bucket=stack.uploads_bucket, Key="incoming/drift.csv", Body=f"{header}\n{row}\n".encode())

    def reported() -> int | None:
        return s3.list_objects_v2(Bucket=stack.uploads_bucket, Prefix="reports/drift.csv.json")["KeyCount"] or None

    def current() -> str:
        return str(secrets.get_secret_value(SecretId=stack.api_key_secret_arn)["VersionId"])

    wait(reported, "the file's report")
    for _ in range(2):
        before = current()
        secrets.rotate_secret(SecretId=stack.api_key_secret_arn)
        wait(lambda before=before: current() != before or None, "a rotation")
    state = s3.get_object(
        Bucket=f"invoice-terraform-state-{stack.account_id}", Key=f"{stack.environment}/terraform.tfstate"
    )
    zips = zips_of(json.load(state["Body"]))
    deployment = Deployment(stack.environment, engine, zips, tmp_path_factory.mktemp("terraform"))
    deployment.prepare()
    return deployment.terraform.plan()


def zips_of(state: dict[str, Any]) -> Path:
    """The folder of the zips of an applied stack: its state has their paths, and other paths would be a change."""
    code = next(
        resource for resource in state["resources"] if (resource["type"], resource["name"]) == ("aws_s3_object", "code")
    )
    return Path(code["instances"][0]["attributes"]["source"]).parent


def test_use_changes_nothing_that_terraform_manages(used: TerraformPlan) -> None:
    assert used.is_empty, str(used)


@pytest.fixture
def deployed_plan(used: TerraformPlan, flows: Flows, apart: tuple[Stack, Engine]) -> PlanGraph:
    """That plan, with the ids that AWS chose replaced by the placeholders of the offline plan."""
    stack, _ = apart
    key = flows.client("secretsmanager").describe_secret(SecretId=stack.api_key_secret_arn)["KmsKeyId"]
    about = flows.client("lambda").get_function_configuration(FunctionName=stack.functions["rotate-api-key"])
    plan_id = about["Environment"]["Variables"]["USAGE_PLAN_ID"]
    document = copy.deepcopy(dict(used.raw))
    for resource in document["resource_changes"]:
        if resource["type"] == "aws_iam_role_policy":
            text = resource["change"]["after"]["policy"].replace(f"/usageplans/{plan_id}/", "/usageplans/x/")
            resource["change"]["after"]["policy"] = text.replace(
                key, f"arn:aws:kms:{REGION}:{stack.account_id}:{SECRETS_KEY}"
            )
    return PlanGraph(document, stack.environment, f"live/{stack.environment}")


def test_placeholders_of_unknown_ids_match_what_is_deployed(deployed_plan: PlanGraph) -> None:
    """The offline plan of the same folder does not know three resources; see policy/unknown_resources.yaml."""
    deployed_grants, offline_grants = (
        {str(grant) for role in roles(plan, account=ACCOUNT_ID, region=REGION).values() for grant in role.grants()}
        for plan in (deployed_plan, plans.stored_plan(ROOT / "live" / deployed_plan.environment).planned)
    )

    assert deployed_grants == offline_grants


def test_a_deployed_stack_grants_what_is_used_and_nothing_else(deployed_plan: PlanGraph) -> None:
    proof = proof_of(deployed_plan)

    differences = [str(finding) for finding in (*proof.ungranted(), *proof.unneeded(ledger()))]

    assert not differences, "\n".join(differences)


def test_a_deployed_stack_admits_its_triggers_and_nothing_else(deployed_plan: PlanGraph) -> None:
    """Here the ARNs of the API and the secret are known, so paths and stages are checked too."""
    estate = Estate(deployed_plan, ACCOUNT_ID, REGION)

    differences = [*missing(estate), *open_to_others(estate), *left_over(estate)]

    assert UNKNOWN not in [delivery.source for delivery in estate.deliveries()]
    assert not differences, "\n".join(dict.fromkeys(map(str, differences)))
