"""What is lost on purpose is healed by the commands of the runbooks, on a running stack."""

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from harness.deploy.smoke_access import PlatformAccess
from harness.docs.runbooks import BlockRun
from harness.engine import Engine, environments, local_server
from harness.paths import BUILD
from harness.stack.deployment import Stack
from harness.stack.snapshot import clone_source
from tests.apply.stage import group
from tests.apply.test_deploy import FreshCheckout
from tests.patience import HANG_S

pytestmark = [group("recovery"), pytest.mark.drill]

DEADLINE_S = 120.0
Value = TypeVar("Value")


def wait(condition: Callable[[], Value | None], what: str) -> Value:
    """The first result that is not None."""
    deadline = time.monotonic() + DEADLINE_S
    while (result := condition()) is None:
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.5)
    return result


@dataclass(frozen=True)
class Recovery:
    """dev on an engine of its own, and a checkout whose commands find it."""

    stack: Stack
    checkout: FreshCheckout

    def client(self, service: str) -> Any:
        session: Any = self.stack.session
        return session.client(service, endpoint_url=self.stack.endpoint_url)

    def new_invoice(self) -> str:
        """Create an invoice by the API; returns its id."""
        body = {
            "invoiceNumber": uuid.uuid4().hex[:12],
            "customerId": uuid.uuid4().hex,
            "issueDate": "2026-11-02",
            "currency": "EUR",
            "lines": [{"description": "Thing", "quantity": 1, "unitPrice": "10.00", "taxRate": 19}],
        }
        access = PlatformAccess.on_engine(self.stack)
        response = access.request("POST", "/invoices", self.stack.api_key, body)
        assert response.status == 201, response.text
        return str(response.body["invoiceId"])

    def invoice(self, identity: str) -> dict[str, Any]:
        access = PlatformAccess.on_engine(self.stack)
        return access.request("GET", f"/invoices/{identity}", self.stack.api_key).body

    def is_complete(self, identity: str) -> bool | None:
        invoice = self.invoice(identity)
        return (invoice["status"] == "processed" and "documentUrl" in invoice) or None

    def complete_invoice(self) -> str:
        identity = self.new_invoice()
        wait(lambda: self.is_complete(identity), "a decided invoice with its PDF")
        return identity

    def undecide(self, identity: str) -> None:
        """As if the stream had given up its first record."""
        item = self.client("dynamodb").get_item(TableName=self.stack.table_name, Key={"invoiceId": {"S": identity}})
        first = item["Item"]["history"]["L"][:1]
        self.client("dynamodb").update_item(
            TableName=self.stack.table_name,
            Key={"invoiceId": {"S": identity}},
            UpdateExpression="SET #status = :created, version = :one, history = :first",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":created": {"S": "created"}, ":one": {"N": "1"}, ":first": {"L": first}},
        )

    def key_of(self, identity: str) -> str:
        created: str = self.invoice(identity)["createdAt"]
        return f"{created[:4]}/{created[5:7]}/{identity}.pdf"

    def letters(self, function: str) -> int:
        url = self.stack.dead_letter_queues[function]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(map(int, attributes.values()))

    def without(self, function: str, action: str) -> Callable[[], None]:
        """Take a grant away from a function; returns what gives it back."""
        iam = self.client("iam")
        role = {"RoleName": self.stack.functions[function], "PolicyName": "statements"}
        policy = iam.get_role_policy(**role)["PolicyDocument"]
        statements = [each for each in policy["Statement"] if action not in str(each["Action"])]
        iam.put_role_policy(**role, PolicyDocument=json.dumps({**policy, "Statement": statements}))
        return lambda: iam.put_role_policy(**role, PolicyDocument=json.dumps(policy))


def checkout_beside(engine: Engine, stack: Stack, root: Path) -> FreshCheckout:
    """A checkout whose commands find a stack on an engine that was started elsewhere."""
    build = root / "build"
    (build / "engine").mkdir(parents=True)
    (build / "artifacts").mkdir()
    for name in environments.NAMES:
        (build / "engine" / name).symlink_to(BUILD / "engine" / name)
    (build / "engine" / stack.environment).symlink_to(local_server.FOLDER / engine.instance)
    (build / "artifacts" / stack.environment).symlink_to(BUILD / "artifacts" / f"snapshot-{stack.environment}")
    (build / f"stack-{stack.environment}.json").write_text(json.dumps(stack.model_dump()), encoding="utf-8")
    return FreshCheckout.at(root)


@pytest.fixture(scope="module")
def recovery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recovery]:
    with clone_source("dev").clone("recovery") as (stack, engine):
        yield Recovery(stack, checkout_beside(engine, stack, tmp_path_factory.mktemp("recovery")))


def outputs(runs: list[BlockRun]) -> list[str]:
    return [run.output for run in runs]


def test_the_runbook_heals_invoices_without_a_decision_and_without_a_pdf(recovery: Recovery) -> None:
    undecided, undrawn = recovery.complete_invoice(), recovery.complete_invoice()
    recovery.undecide(undecided)
    recovery.client("s3").delete_object(Bucket=recovery.stack.documents_bucket, Key=recovery.key_of(undrawn))

    first, since, changed, _ = outputs(recovery.checkout.types("sweep.md"))

    assert "1 undecided" in first
    assert "Nothing waits any more that the platform can heal by itself." in since
    assert "nothing to heal" in changed  # nothing has changed in that hour
    wait(lambda: recovery.is_complete(undecided), "the decision")
    wait(lambda: recovery.is_complete(undrawn), "the PDF")


def test_a_sweep_started_by_the_clock_reaches_the_function_with_its_event(recovery: Recovery) -> None:
    events = recovery.client("events")
    rules = {rule["Name"]: rule for rule in events.list_rules(NamePrefix="sweep-")["Rules"]}
    [target] = events.list_targets_by_rule(Rule="sweep-process-invoice-dev")["Targets"]

    response = recovery.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"].encode())

    assert rules["sweep-process-invoice-dev"]["ScheduleExpression"] == "rate(1 hour)"
    assert "FunctionError" not in response, response["Payload"].read()
    assert json.loads(response["Payload"].read())["failed"] == []


def test_what_waits_is_measured(recovery: Recovery) -> None:
    function = f"{recovery.stack.functions['process-invoice']}:live"

    response = recovery.client("lambda").invoke(FunctionName=function, Payload=b'{"task": "measure"}')

    assert "FunctionError" not in response, response["Payload"].read()


def test_the_runbook_delivers_events_again_that_a_function_had_failed_at(recovery: Recovery) -> None:
    give_back = recovery.without("generate-pdf", "dynamodb:GetItem")
    identity = recovery.new_invoice()
    wait(lambda: recovery.letters("generate-pdf") or None, "the event in the dead-letter queue")
    give_back()

    listed, delivered = outputs(recovery.checkout.types("redrive.md"))

    assert "invoice-created" in listed
    assert "1 of 1 handled" in delivered
    assert recovery.letters("generate-pdf") == 0
    wait(lambda: recovery.is_complete(identity), "the PDF")


def test_records_that_the_stream_still_has_are_delivered_again(recovery: Recovery) -> None:
    """Lambda gives records up after the first failure here, and keeps their positions."""
    lambdas = recovery.client("lambda")
    [mapping] = lambdas.list_event_source_mappings(FunctionName=recovery.stack.functions["process-invoice"])[
        "EventSourceMappings"
    ]
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], MaximumRetryAttempts=0)
    give_back = recovery.without("process-invoice", "events:PutEvents")
    identity = recovery.new_invoice()
    wait(lambda: recovery.letters("process-invoice") or None, "the positions in the dead-letter queue")
    give_back()
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], MaximumRetryAttempts=-1)

    run(recovery.checkout.root, "redrive", "dev", "process-invoice", "--yes")

    assert recovery.letters("process-invoice") == 0
    wait(lambda: recovery.is_complete(identity), "the decision and the PDF")


def test_the_runbook_revokes_the_key(recovery: Recovery) -> None:
    access = PlatformAccess.on_engine(recovery.stack)
    leaked = access.api_key

    [output] = outputs(recovery.checkout.types("leaked-key.md"))

    assert "The old key is revoked." in output
    statuses = [access.request("GET", "/invoices", key).status for key in (leaked, recovery.stack.api_key)]
    assert statuses == [403, 403]
    assert access.request("GET", "/invoices", access.api_key).status == 200


def run(root: Path, *arguments: str) -> str:
    """A command of the harness at that stack."""
    ended = subprocess.run(
        [str(root / "noxw"), "-s", arguments[0], "--", *arguments[1:]], cwd=root, check=False, capture_output=True,
        text=True, timeout=HANG_S,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_the_runbook_puts_a_state_file_back(recovery: Recovery, damage: str) -> None:
    s3, bucket = recovery.client("s3"), f"invoice-terraform-state-{recovery.stack.account_id}"
    state = {"Bucket": bucket, "Key": "dev/terraform.tfstate"}
    before = s3.get_object(**state)["Body"].read()
    moment = full_second()
    if damage == "gone":
        s3.delete_object(**state)
    else:
        s3.put_object(**state, Body=before[: len(before) // 2])

    checkout = replace(recovery.checkout, variables={"MOMENT": moment.isoformat()})
    listed, _, drift = outputs(checkout.types("lost-state.md"))

    assert "1 differ" in listed
    assert "dev is as its Terraform says" in drift
    assert s3.get_object(**state)["Body"].read() == before


def full_second() -> datetime:
    """The next full second, once it has begun: everything so far is before it."""
    moment = int(time.time()) + 1
    wait(lambda: time.time() > moment or None, "the next second")
    return datetime.fromtimestamp(moment, UTC)
