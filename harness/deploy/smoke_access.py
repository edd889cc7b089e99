"""Access to a deployed platform, the same on AWS and on an engine: its outputs, AWS clients, and its API over HTTP."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import boto3
import urllib3

from harness.stack.deployment import REGION, Stack

TIMEOUT_S = 35.0
"""Seconds for one HTTP request: API Gateway ends a request after 29."""


@dataclass(frozen=True)
class ApiResponse:
    """An HTTP response of the API.

    Attributes:
        status: The status code.
        text: The body.
        headers: The headers; their names match in any case.
    """

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is none."""
        try:
            body = json.loads(self.text)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


@dataclass(frozen=True)
class PlatformAccess:
    """A deployed platform.

    Attributes:
        environment: The live folder's name.
        api_url: The API's address, stage included, without a slash at the end.
        outputs: The output ``stack`` of the live folder.
        client: Returns the client of an AWS service, with the permissions of the caller.
    """

    environment: str
    api_url: str
    outputs: Mapping[str, Any]
    client: Callable[[str], Any]
    _http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=TIMEOUT_S), repr=False
    )

    @classmethod
    def on_engine(cls, stack: Stack) -> Self:
        """The platform as a running stack describes it."""
        session: Any = stack.session  # the stubs know one overload for each service
        client = partial(session.client, endpoint_url=stack.endpoint_url)
        return cls(stack.environment, stack.api_url, stack.model_dump(), client)

    @classmethod
    def on_aws(cls, environment: str, outputs: Mapping[str, Any]) -> Self:
        """The platform in the AWS account of the caller's credentials."""
        session: Any = boto3.Session(region_name=REGION)
        return cls(environment, outputs["api_url"], outputs, session.client)

    @property
    def api_key(self) -> str:
        """The API's current key, from its secret."""
        secret = self.client("secretsmanager").get_secret_value(SecretId=self.outputs["api_key_secret_arn"])
        return str(json.loads(secret["SecretString"])["apiKey"])

    def request(
        self, method: str, path: str, key: str, body: object = None, *, origin: str = "", **query: str
    ) -> ApiResponse:
        """Send a request to the API; with an origin, as the script of a web page does."""
        url = f"{self.api_url}{path}"
        headers = {"x-api-key": key} | ({"Origin": origin} if origin else {})
        if body is None:
            response = self._http.request(method, url, fields=query, headers=headers)
        else:
            response = self._http.request(method, url, json=body, headers=headers)
        return ApiResponse(response.status, response.data.decode(errors="replace"), response.headers)

    def download(self, url: str) -> tuple[int, bytes]:
        """The status and content at a presigned URL. It needs no API key, so none is sent."""
        response = self._http.request("GET", url)
        return response.status, response.data

    @property
    def dead_letter_queues(self) -> dict[str, str]:
        """The URLs of all dead-letter queues, by the function's name, or by rule and target."""
        return {**self.outputs["dead_letter_queues"], **self.outputs["event_dead_letter_queues"]}
