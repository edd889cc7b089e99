"""One AWS account in memory, under the functions' own clients of boto3.

It takes the place of botocore's call of an operation: no request is written or signed, and an attempt costs
microseconds. The SDK's repetitions are those of its mode ``standard``. `tests.resilience.on_moto` has the same under
the whole of botocore, and a test compares them.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import botocore.client
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from tests.resilience.faults import THROTTLES, Failure, Wire
from tests.resilience.memory.dynamodb import Item, Table
from tests.resilience.memory.errors import ServiceError
from tests.resilience.memory.keys import Gateway, Secret
from tests.resilience.memory.s3 import Buckets

TRANSACTION = "TransactWriteItems"
NOT_REPEATED = {TRANSACTION, "PutEvents"}
"""What the SDK does not repeat when it is throttled: the response is a canceled transaction, or a success."""

REJECTED_ENTRY = {
    "FailedEntryCount": 1,
    "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "of the test"}],
}
"""How EventBridge throttles one entry: in a response with status 200.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
"""
Request = Mapping[str, Any]


class Memory:
    """The account.

    Args:
        wire: What the functions' calls go through.
        pause: Called with the seconds between two attempts.
        written: Called after each change of an item.
        published: Called with each entry that EventBridge has accepted.
    """

    def __init__(
        self,
        wire: Wire,
        pause: Callable[[float], None],
        written: Callable[[str, Item | None, Item], None],
        published: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._wire, self._pause, self._written, self._published = wire, pause, written, published
        self.reset()

    def reset(self) -> None:
        """An empty account."""
        self.table, self.buckets, self.letters = Table(self._written), Buckets(), list[str]()
        self.secret, self.gateway = Secret(), Gateway()
        services = (self.table, self.buckets, self.secret, self.gateway)
        self._operations: dict[str, Callable[[Request], Any]] = {
            name: getattr(service, name) for service in services for name in dir(service) if "_" in name.strip("_")
        }
        self._operations |= {
            "query": self.table.query,
            "put_events": self._put_events,
            "send_message": self._send_message,
        }

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put this in the place of AWS."""

        def call(client: Any, operation: str, request: Request) -> Any:
            service = client.meta.service_model.service_name
            if operation == "CopyObject":  # a hook of the functions adds a header to it
                request = {**request, "headers": {}, "body": b"", "url": "", "url_path": "", "context": {}}
                model = client.meta.service_model.operation_model(operation)
                more = {"model": model, "request_signer": client._request_signer, "context": {}}
                client.meta.events.emit(f"before-call.s3.{operation}", params=request, **more)
            if not self._wire.watches:
                return self._respond(client, operation, lambda: self._carry_out(operation, request))
            self._wire.call(service, operation)
            return self._respond(client, operation, lambda: self._attempts(client, operation, request))

        patch.setattr(botocore.client.BaseClient, "_make_api_call", call)

    def items(self) -> dict[str, Item]:
        """The table's items by their ids."""
        return self.table.items

    def objects(self, bucket: str) -> dict[str, list[bytes]]:
        """The contents of each key of a bucket that holds something, all its versions, the latest one last."""
        return {
            key: [version.content for version in self.buckets.versions[bucket, key] if version.content is not None]
            for key in self.buckets.keys(bucket)
        }

    def upload(self, bucket: str, key: str, content: bytes) -> tuple[str, str]:
        """Write an object; returns its tag and its version."""
        response = self.buckets.put_object({"Bucket": bucket, "Key": key, "Body": content})
        return response["ETag"].strip('"'), response["VersionId"]

    def create_keys(self, name: str, value: str) -> tuple[str, str]:
        """The API's first key, in its plan and in the secret; returns the ids of the plan and of the secret."""
        identity = self.gateway.create_api_key({"name": name, "value": value, "enabled": True})["id"]
        self.gateway.create_usage_plan_key({"keyId": identity})
        self.secret.values["first"] = json.dumps({"apiKeyId": identity, "apiKey": value})
        self.secret.labels["AWSCURRENT"] = "first"
        return "plan", "secret"

    def request_rotation(self, token: str) -> None:
        """RotateSecret's own part."""
        self.secret.request_rotation(token)

    def keys(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The values by the secret's labels, and the API's keys."""
        values = {label: self.secret.values[version] for label, version in self.secret.labels.items()}
        keys = [{**key, "planned": key["id"] in self.gateway.planned} for key in self.gateway.keys.values()]
        return {label: json.loads(value or "null") for label, value in values.items()}, keys

    def _attempts(self, client: Any, operation: str, request: Request) -> Any:
        """The response to a call, after as many attempts as the client makes at it."""
        most = client.meta.config.retries["total_max_attempts"]
        url, transacted = client.meta.endpoint_url, False

        def carry_out() -> Any:
            nonlocal transacted
            if transacted:  # DynamoDB knows it by the token that the SDK has sent with it
                return {}
            response = self._carry_out(operation, request)
            transacted = operation == TRANSACTION
            return response

        for attempt in range(1, most + 1):
            outcome = self._wire.attempt(carry_out)
            if not isinstance(outcome, Failure):
                return outcome
            final = outcome is Failure.THROTTLED and operation in NOT_REPEATED
            if final or attempt == most:
                break
            self._pause(2 ** (attempt - 1))
        if outcome is Failure.THROTTLED and operation == "PutEvents":
            return REJECTED_ENTRY
        if outcome is Failure.NO_RESPONSE:
            raise ReadTimeoutError(endpoint_url=url)
        if outcome is Failure.NO_CONNECTION:
            raise ConnectTimeoutError(endpoint_url=url)
        if outcome is Failure.ERROR:
            raise ServiceError("InternalError")
        raise throttled(client.meta.service_model.service_name, operation, request)

    def _carry_out(self, operation: str, request: Request) -> Any:
        return self._operations[xform_name(operation)](request)

    def _respond(self, client: Any, operation: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except ServiceError as error:
            response: Any = {"Error": {"Code": error.code, "Message": "of the test"}, **error.members}
            exception = client.exceptions.from_code(error.code)
            assert issubclass(exception, ClientError)
            raise exception(response, operation) from None

    def _put_events(self, request: Request) -> dict[str, Any]:
        for entry in request["Entries"]:
            self._published(entry)
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in request["Entries"]]}

    def _send_message(self, request: Request) -> dict[str, Any]:
        self.letters.append(request["MessageBody"])
        return {"MessageId": "m"}


def throttled(service: str, operation: str, request: Request) -> ServiceError:
    """The error of a call that was throttled until the SDK gave up."""
    if operation == TRANSACTION:
        reasons = [{"Code": "None"} for _ in request["TransactItems"][1:]]
        return ServiceError("TransactionCanceledException", CancellationReasons=[*reasons, {"Code": "ThrottlingError"}])
    return ServiceError(THROTTLES[service][1])
