"""A REST API whose methods answer by themselves, without a function."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from tests.engine.cloud import Cloud


@dataclass
class MockApi:
    """A REST API of MOCK integrations, and short ways to change, deploy and call it."""

    cloud: Cloud
    api_id: str
    root: str

    @classmethod
    def create(cls, cloud: Cloud) -> "MockApi":
        """Create an API without methods."""
        created = cloud.client("apigateway").create_rest_api(name=cloud.name("api"))
        return cls(cloud, created["id"], created["rootResourceId"])

    @property
    def gateway(self) -> Any:
        """The client of API Gateway."""
        return self.cloud.client("apigateway")

    def resource(self, part: str, parent: str = "") -> str:
        """Create a path part; return its id."""
        created = self.gateway.create_resource(restApiId=self.api_id, parentId=parent or self.root, pathPart=part)
        return str(created["id"])

    def method(self, resource: str, verb: str = "GET", answer: str = "first", **settings: Any) -> dict[str, str]:
        """Create a method that answers with a text; return the three ids that name it."""
        key = {"restApiId": self.api_id, "resourceId": resource, "httpMethod": verb}
        self.gateway.put_method(**key, authorizationType="NONE", **settings)
        self.gateway.put_integration(**key, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
        self.gateway.put_method_response(**key, statusCode="200")
        self.gateway.put_integration_response(**key, statusCode="200", responseTemplates={"application/json": answer})
        return key

    def deploy(self) -> str:
        """Create a deployment and let the stage ``v1`` serve it; return its id."""
        deployment = str(self.gateway.create_deployment(restApiId=self.api_id)["id"])
        stages = [stage["stageName"] for stage in self.gateway.get_stages(restApiId=self.api_id)["item"]]
        if stages:
            self.patch("update_stage", {"/deploymentId": deployment}, restApiId=self.api_id, stageName="v1")
        else:
            self.gateway.create_stage(restApiId=self.api_id, stageName="v1", deploymentId=deployment)
        return deployment

    def patch(self, operation: str, values: Mapping[str, str | None], action: str = "replace", **key: str) -> Any:
        """Call an update operation with one patch operation for each path; None is for one without a value."""
        operations = [
            {"op": action, "path": path, **({} if value is None else {"value": value})}
            for path, value in values.items()
        ]
        return getattr(self.gateway, operation)(**key, patchOperations=operations)

    def call(self, path: str, verb: str = "GET", body: Any = None) -> urllib3.BaseHTTPResponse:
        """Call the stage."""
        url = self.cloud.engine.endpoint.api_url(self.api_id, "v1") + path
        raw = None if body is None else json.dumps(body).encode()
        return urllib3.request(
            verb, url, body=raw, headers={"content-type": "application/json"}, retries=False, timeout=30
        )
