"""The same account by moto, under the whole of botocore: requests, responses, and the SDK's own repetitions."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import boto3
import botocore.endpoint
import botocore.retries.quota
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import MockRawResponse
from moto.core.model_instances import reset_model_data
from moto.dynamodb.models import dynamodb_backends
from moto.moto_api._internal import mock_random
from moto.s3.models import FakeDeleteMarker, s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends

from tests.resilience.faults import THROTTLES, Failure, Wire
from tests.resilience.memory.account import REJECTED_ENTRY, TRANSACTION, throttled
from tests.resilience.memory.dynamodb import Item
from tests.unit import conftest as unit

REGION = "us-east-1"
SECRET = "invoice-api-keys-dev"
_WRITES = {"PutItem", "UpdateItem", TRANSACTION}
_BUCKETS = ("uploads", "archives", "documents")


class Moto:
    """The account; its members are those of `tests.resilience.memory.account.Memory`."""

    def __init__(
        self,
        wire: Wire,
        pause: Callable[[float], None],
        written: Callable[[str, Item | None, Item], None],
        published: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._wire, self._pause, self._written, self._published = wire, pause, written, published
        self._clients: dict[str, Any] = {}
        self._images: dict[str, Item] = {}
        self._tokens: set[str] = set()
        self.reset()

    def reset(self) -> None:
        """An empty account, with the table, the buckets, the bus and the queue."""
        BackendDict.reset()
        reset_model_data()
        mock_random.seed(1)
        self._images, self._tokens = {}, set()
        definition = json.loads(unit.TABLE.read_text(encoding="utf-8"))
        self._client("dynamodb").create_table(TableName="invoices-dev", BillingMode="PAY_PER_REQUEST", **definition)
        s3 = self._client("s3")
        for bucket in _BUCKETS:
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self._client("events").create_event_bus(Name="invoice-events-dev")
        self._client("sqs").create_queue(QueueName="process-invoice-dev-dlq")

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put the wire below every client of boto3."""
        endpoint: Any = botocore.endpoint.Endpoint
        send, attempt = endpoint._send_request, endpoint._do_get_response

        def sent(this: Any, request: Any, operation: Any) -> Any:
            if self._wire.watches:
                self._wire.call(operation.service_model.service_name, operation.name)
            return send(this, request, operation)

        def attempted(this: Any, request: Any, operation: Any, context: Any) -> Any:
            def carry_out() -> Any:
                return self._carry_out(lambda: attempt(this, request, operation, context), request, operation)

            if not self._wire.watches:
                return carry_out()
            outcome = self._wire.attempt(carry_out)
            return _failed(outcome, request, operation) if isinstance(outcome, Failure) else outcome

        patch.setattr(endpoint, "_send_request", sent)
        patch.setattr(endpoint, "_do_get_response", attempted)
        patch.setattr("botocore.endpoint.time.sleep", self._pause)
        # One process makes the calls of hundreds here; each of them would begin with a full quota of repetitions.
        patch.setattr(botocore.retries.quota.RetryQuota, "acquire", lambda *_: True)

    def items(self) -> dict[str, Item]:
        """The table's items by their ids."""
        table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables["invoices-dev"]
        return {item.attrs["invoiceId"].value: item.to_json()["Attributes"] for item in table.all_items()}

    def objects(self, bucket: str) -> dict[str, list[bytes]]:
        """The contents of each key of a bucket that holds something, all its versions, the latest one last."""
        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys
        versions = {name: keys.getlist(name) for name in sorted({*keys})}
        return {
            name: [version.value for version in of if not isinstance(version, FakeDeleteMarker)]
            for name, of in versions.items()
            if not isinstance(of[-1], FakeDeleteMarker)
        }

    @property
    def letters(self) -> list[str]:
        """The messages in the dead-letter queue."""
        queue = sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues["process-invoice-dev-dlq"]
        return [message.body for message in queue._messages]

    def upload(self, bucket: str, key: str, content: bytes) -> tuple[str, str]:
        """Write an object; returns its tag and its version."""
        response = self._client("s3").put_object(Bucket=bucket, Key=key, Body=content)
        return response["ETag"].strip('"'), response["VersionId"]

    def create_keys(self, name: str, value: str) -> tuple[str, str]:
        """The API's first key, in its plan and in the secret; returns the ids of the plan and of the secret."""
        gateway = self._client("apigateway")
        plan: str = gateway.create_usage_plan(name=name)["id"]
        first = gateway.create_api_key(name=name, value=value, enabled=True)["id"]
        gateway.create_usage_plan_key(usagePlanId=plan, keyId=first, keyType="API_KEY")
        content = json.dumps({"apiKeyId": first, "apiKey": value})
        secret: str = self._client("secretsmanager").create_secret(Name=SECRET, SecretString=content)["ARN"]
        return plan, secret

    def request_rotation(self, token: str) -> None:
        """RotateSecret's own part, which would run the function in Docker."""
        secret: Any = secretsmanager_backends[DEFAULT_ACCOUNT_ID][REGION].secrets[SECRET]
        secret.rotation_requested = secret.rotation_enabled = True
        secret.remove_version_stages_from_old_versions(["AWSPENDING"])
        secret.versions[token] = {"createdate": 0, "version_id": token, "version_stages": ["AWSPENDING"]}

    def keys(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The values by the secret's labels, and the API's keys."""
        secret: Any = secretsmanager_backends[DEFAULT_ACCOUNT_ID][REGION].secrets.get(SECRET)
        if secret is None:
            return {}, []
        stages = self._client("secretsmanager").describe_secret(SecretId=SECRET)["VersionIdsToStages"]
        labels = {label: version for version, named in stages.items() for label in named}
        values = {label: json.loads(secret.versions[of].get("secret_string", "null")) for label, of in labels.items()}
        gateway = self._client("apigateway")
        plan = gateway.get_usage_plans()["items"][0]["id"]
        planned = {key["id"] for key in gateway.get_usage_plan_keys(usagePlanId=plan)["items"]}
        keys = gateway.get_api_keys(includeValues=True)["items"]
        return values, [{**key, "planned": key["id"] in planned} for key in keys]

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=REGION)  # type: ignore[call-overload]
        return self._clients[service]

    def _carry_out(self, attempt: Callable[[], Any], request: Any, operation: Any) -> Any:
        """Let the service do it.

        DynamoDB knows a transaction that the SDK sends again by its token, which moto does not: it has happened, so it
        is not done twice. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
        """
        body = request.body or b""
        token = json.loads(body).get("ClientRequestToken") if operation.name == TRANSACTION else None
        if token in self._tokens:
            response = AWSResponse(request.url, 200, HTTPHeaders(), MockRawResponse(b"{}"))
            return (response, {"ResponseMetadata": {"HTTPStatusCode": 200}}), None
        if operation.name == "DeleteObject" and request.headers.get("If-Match") in ("*", b"*"):
            del request.headers["If-Match"]  # "if it exists", which moto compares as a tag
        outcome = attempt()
        if outcome[0] is not None and outcome[0][0].status_code < 300:
            self._tokens |= {token} if token else set()
            self._follow(operation.name, body)
        return outcome

    def _follow(self, operation: str, body: bytes) -> None:
        if operation == "PutEvents":
            for entry in json.loads(body)["Entries"]:
                self._published(entry)
        elif operation in _WRITES:
            images = deepcopy(self.items())
            for name, new in images.items():
                if self._images.get(name) != new:
                    self._written(name, self._images.get(name), new)
            self._images = images


def _failed(failure: Failure, request: Any, operation: Any) -> Any:
    """A failure as `botocore.endpoint.Endpoint` expects it: a response with an error, or an exception."""
    if failure is Failure.NO_RESPONSE:
        return None, ReadTimeoutError(endpoint_url=request.url)
    if failure is Failure.NO_CONNECTION:
        return None, ConnectTimeoutError(endpoint_url=request.url)
    service = operation.service_model.service_name
    status, code, members = 500, "InternalError" if service == "s3" else "InternalServerError", {}
    if failure is Failure.THROTTLED:
        status = THROTTLES[service][0] if operation.name != TRANSACTION else 400
        error = throttled(service, operation.name, json.loads(request.body) if operation.name == TRANSACTION else {})
        code, members = error.code, error.members
    if failure is Failure.THROTTLED and operation.name == "PutEvents":
        response = AWSResponse(request.url, 200, HTTPHeaders(), MockRawResponse(b"{}"))
        return (response, {**REJECTED_ENTRY, "ResponseMetadata": {"HTTPStatusCode": 200}}), None
    response = AWSResponse(request.url, status, HTTPHeaders(), MockRawResponse(b""))
    parsed = {"Error": {"Code": code, "Message": "of the test"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return (response, {**parsed, **members}), None
