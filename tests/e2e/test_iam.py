"""IAM on a deployed stack, and what use leaves of its infrastructure.

A grant that is taken out stops its function and no other. After that and after every flow nothing has moved: the plan
is empty; and being of a deployed stack, it knows every id, so what it grants is held against what is used once more.
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

from harness.engine import ACCOUNT_ID, Engine
from harness.iam.admission import left_over, missing, open_to_others
from harness.iam.calls import SECRETS_KEY
from harness.iam.environments import proof_of
from harness.iam.grants import roles
from harness.iam.proof import ledger
from harness.iam.triggers import Estate
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
    ("update-invoice-status", "dynamodb:UpdateItem", "table/invoices-dev"),
]
"""What one short call of its function needs: function, action, end of the resource. All others are taken out in
tests/contract/test_iam.py, where the evaluator says what would fail: those that take a file or a rotation, and the use
of the secret's key, which the engine does not ask for."""


REFUSED = ("AccessDenied", "not authorized", "(403)")
"""How a refusal reads; the last is HeadObject's, whose answer has no body."""


class Flows:
    """One short call of each function that does most of what the function ever does; each may be repeated."""

    def __init__(self, stack: Stack, client: Callable[[str], Any], invoice: dict[str, Any]) -> None:
        self.stack, self.client = stack, client
        self.invoice_id, self.invoice = invoice["invoiceId"], invoice

    def fails(self, function: str) -> str:
        """Why a function could not do its work; empty if it could."""
        return str(getattr(self, function.replace("-", "_"))())

    def create_invoice(self) -> str:
        return self._asks("POST", "/invoices", new_invoice())

    def get_invoice(self) -> str:
        return self._asks("GET", f"/invoices/{self.invoice_id}")

    def query_invoices(self) -> str:
        return self._asks("GET", "/invoices?limit=1")

    def update_invoice_status(self) -> str:
        payment = {"paymentId": uuid.uuid4().hex, "amount": "0.01"}
        return self._asks("PATCH", f"/invoices/{self.invoice_id}", {"status": "partially-paid", "payment": payment})

    def generate_pdf(self) -> str:
        return self._invoked("generate-pdf", {"detail": {"invoiceId": self.invoice_id}})

    def process_invoice(self) -> str:
        """The insert of the invoice once more, by a customer of whom nothing has been claimed yet."""
        key = {"invoiceId": {"S": self.invoice_id}}
        item = self.client("dynamodb").get_item(TableName=self.stack.table_name, Key=key)["Item"]
        image = {**item, "customerId": {"S": uuid.uuid4().hex}, "status": {"S": "created"}, "version": {"N": "1"}}
        change = {"Keys": key, "NewImage": image, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES"}
        record = {"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}
        return self._invoked("process-invoice", {"Records": [record]})

    def rotate_api_key(self) -> str:
        """The last two steps, for the version that is current already: they look, and find nothing to do."""
        secret = self.stack.api_key_secret_arn
        versions = self.client("secretsmanager").describe_secret(SecretId=secret)["VersionIdsToStages"]
        (current,) = [version for version, labels in versions.items() if "AWSCURRENT" in labels]
        steps = [
            {"Step": step, "SecretId": secret, "ClientRequestToken": current} for step in ("testSecret", "finishSecret")
        ]
        return "".join(self._invoked("rotate-api-key", step) for step in steps)

    def _asks(self, method: str, path: str, body: object = None) -> str:
        headers = {"x-api-key": self.stack.api_key, "content-type": "application/json"}
        answer = urllib3.request(
            method, self.stack.api_url + path, headers=headers, body=json.dumps(body) if body else None, timeout=35.0
        )
        return "" if answer.status < 300 else f"{answer.status} {answer.data.decode()}"

    def _invoked(self, function: str, event: dict[str, Any]) -> str:
        name = f"{self.stack.functions[function]}:live"
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        said = json.loads(answer["Payload"].read() or b"null")
        failed = answer.get("FunctionError") or (said or {}).get("batchItemFailures")
        return json.dumps(said) if failed else ""


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
    """A stack of its own: roles are changed here."""
    with clone_source("dev").clone("e2e-iam") as clone:
        yield clone


@pytest.fixture(scope="module")
def flows(apart: tuple[Stack, Engine], wait: Callable[..., Any]) -> Flows:
    stack, _ = apart

    def client(service: str) -> Any:
        return stack.session.client(service, endpoint_url=stack.endpoint_url)

    headers = {"x-api-key": stack.api_key, "content-type": "application/json"}
    made = urllib3.request(
        "POST", f"{stack.api_url}/invoices", json=new_invoice(), headers=headers, timeout=35.0
    ).json()

    def documented() -> dict[str, Any] | None:
        url = f"{stack.api_url}/invoices/{made['invoiceId']}"
        found: dict[str, Any] = urllib3.request("GET", url, headers=headers, timeout=35.0).json()
        return found if "documentUrl" in found and found["status"] == "processed" else None

    made_of_it = Flows(stack, client, wait(documented, "the invoice's PDF"))
    assert not [told for name in stack.functions if (told := made_of_it.fails(name))]
    return made_of_it


def without(document: dict[str, Any], action: str, ending: str) -> dict[str, Any]:
    """A policy less one action on one resource, each other one in a statement of its own."""
    single = [
        {**one, "Sid": "", "Action": granted, "Resource": resource}
        for one in document["Statement"]
        for granted in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
        for resource in ([one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"])
    ]
    left = [
        one
        for one in single
        if (one["Action"], one["Resource"][len(one["Resource"]) - len(ending) :]) != (action, ending)
    ]
    assert len(left) == len(single) - 1, f"{action} on ...{ending} is granted {len(single) - len(left)} times"
    return {**document, "Statement": [{name: value for name, value in one.items() if value} for one in left]}


@pytest.mark.parametrize(("function", "action", "ending"), GRANTS)
def test_a_grant_that_is_taken_out_stops_its_function_and_no_other(
    flows: Flows, wait: Callable[..., Any], function: str, action: str, ending: str
) -> None:
    iam, role = flows.client("iam"), {"RoleName": flows.stack.functions[function], "PolicyName": "statements"}
    whole = iam.get_role_policy(**role)["PolicyDocument"]

    since = datetime.now(UTC)
    iam.put_role_policy(**role, PolicyDocument=json.dumps(without(whole, action, ending)))
    try:
        failed = {name: told for name in flows.stack.functions if (told := flows.fails(name))}
    finally:
        iam.put_role_policy(**role, PolicyDocument=json.dumps(whole))

    assert failed.keys() == {function}, failed
    if function != "process-invoice":  # of a record that fails, the answer alone tells: it is delivered again

        def refused() -> list[str] | None:
            told = [failed[function], *(line.message for line in lines(flows.stack, [function], since))]
            return [one for one in told if any(word in one for word in REFUSED)] or None

        wait(refused, f"AccessDenied in the log of {function}")


@pytest.fixture(scope="module")
def used(apart: tuple[Stack, Engine], flows: Flows, wait: Callable[..., Any], tmp_path_factory: Any) -> TerraformPlan:
    """The plan after every flow: API, PDF and payments have run above; now come a file, and two rotations."""
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
    """The folder that a stack was applied from: Terraform keeps the zips' paths, and others would be a change."""
    code = next(one for one in state["resources"] if (one["type"], one["name"]) == ("aws_s3_object", "code"))
    return Path(code["instances"][0]["attributes"]["source"]).parent


def test_use_changes_nothing_that_terraform_has_made(used: TerraformPlan) -> None:
    assert used.is_empty, str(used)


@pytest.fixture
def known(used: TerraformPlan, flows: Flows, apart: tuple[Stack, Engine]) -> PlanGraph:
    """That plan, with the ids that AWS chose replaced by what stands for them elsewhere."""
    stack, _ = apart
    key = flows.client("secretsmanager").describe_secret(SecretId=stack.api_key_secret_arn)["KmsKeyId"]
    about = flows.client("lambda").get_function_configuration(FunctionName=stack.functions["rotate-api-key"])
    plan_id = about["Environment"]["Variables"]["USAGE_PLAN_ID"]
    document = copy.deepcopy(dict(used.raw))
    for one in document["resource_changes"]:
        if one["type"] == "aws_iam_role_policy":
            text = one["change"]["after"]["policy"].replace(f"/usageplans/{plan_id}/", "/usageplans/x/")
            one["change"]["after"]["policy"] = text.replace(
                key, f"arn:aws:kms:{REGION}:{stack.account_id}:{SECRETS_KEY}"
            )
    return PlanGraph(document, stack.environment, f"live/{stack.environment}")


def test_what_stands_for_unknown_ids_is_what_is_deployed(known: PlanGraph) -> None:
    """The offline plan of the same folder leaves three resources open; see policy/unknown_resources.yaml."""
    there, offline = (
        {str(grant) for role in roles(plan, account=ACCOUNT_ID, region=REGION).values() for grant in role.grants()}
        for plan in (known, plans.stored_plan(ROOT / "live" / known.environment).planned)
    )

    assert there == offline


def test_what_is_deployed_grants_what_is_used_and_nothing_else(known: PlanGraph) -> None:
    proof = proof_of(known)

    wrong = [str(one) for one in (*proof.ungranted(), *proof.unneeded(ledger()))]
    assert not wrong, "\n".join(wrong)


def test_what_is_deployed_admits_its_triggers_and_nothing_else(known: PlanGraph) -> None:
    """Here the API's and the secret's own ARNs are known, and paths and stages are looked at."""
    estate = Estate(known, ACCOUNT_ID, REGION)

    assert UNKNOWN not in [one.request.context["aws:sourcearn"] for one in estate.deliveries()]
    wrong = [*missing(estate), *open_to_others(estate), *left_over(estate)]
    assert not wrong, "\n".join(dict.fromkeys(wrong))
