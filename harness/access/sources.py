"""The ARNs on whose behalf AWS services call: routes, buckets, rules, topics and secrets, and similar ones.

AWS chooses an API's id and the end of a secret's ARN. Before apply, a placeholder built from the name replaces them on
both sides: in the request, and in the permission. The permission's source is then read from the expression in the
module's source, such as ``"${module.api.execution_arn}/*/GET/invoices"``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Final

from harness.contract.routes import Route, planned_routes
from harness.contract.source import below
from harness.paths import ROOT
from harness.plan.evaluate import Value
from harness.plan.graph import ModulePath, PlanGraph
from harness.plan.resource import UNKNOWN, Resource, shown
from harness.terraform.module import read

_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

_WRITTEN = re.compile(r'"\$\{\s*(?P<within>[\w.-]+)\s*\}(?P<rest>[^"$]*)"|(?P<bare>[\w.-]+)')
"""One reference, alone or at the beginning of a string."""


def rule_path(bus: Value, rule: Value) -> str:
    """The last part of a rule's ARN, which names no bus for rules of the default bus.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
    """
    return f"rule/{rule}" if bus in {None, "default"} else f"rule/{bus}/{rule}"


@dataclass(frozen=True)
class Sources:
    """The ARNs of a plan that requests come from.

    Args:
        plan: Of a whole environment.
        account: Its account.
        region: Its region.
        root: The repository whose modules the plan was made from.
    """

    plan: PlanGraph
    account: str
    region: str
    root: Path = ROOT

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the plan's account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    # --- sources of requests ----------------------------------------------------------------------------------------

    def route(self, integration: Resource, stage: str) -> Value:
        """The source of a route's calls, with ``x`` for each path parameter; `UNKNOWN` if its path is not known.

        Args:
            integration: An ``aws_api_gateway_integration``.
            stage: The stage's name.
        """
        api, path = self._api(integration), self._path(integration)
        if api is UNKNOWN or path is UNKNOWN:
            return UNKNOWN
        called_path = re.sub(r"\{[^}]*\}", "x", path)
        return self.arn("execute-api", f"{api}/{stage}/{integration.get('http_method')}{called_path}")

    def secret(self, rotation: Resource) -> Value:
        """The secret of an ``aws_secretsmanager_secret_rotation``.

        Raises:
            LookupError: It is not named by its ARN, which is what Secrets Manager calls for.
        """
        secret = rotation.get("secret_id")
        if secret is not UNKNOWN:
            if not str(secret).startswith("arn:"):
                raise LookupError(
                    f"secret_id of {rotation.address} is {shown(secret)}, which is no ARN: "
                    "write secret_id = aws_secretsmanager_secret.<name>.id"
                )
            return secret
        return self._only(self.plan.links(rotation, "secret_id", "aws_secretsmanager_secret"), "arn")

    def _api(self, integration: Resource) -> Any:
        if integration.get("rest_api_id") is not UNKNOWN:
            return integration.get("rest_api_id")
        linked = self.plan.links(integration, "rest_api_id", "aws_api_gateway_rest_api")
        return linked[0].get("name") if len(linked) == 1 else UNKNOWN

    def _path(self, integration: Resource) -> Any:
        """From the resource's id where it is known, after an apply; otherwise from the planned routes."""
        paths = {each.get("id"): each.get("path") for each in self.plan.of("aws_api_gateway_resource")}
        resource = integration.get("resource_id")
        if resource is not UNKNOWN:
            return paths.get(resource, UNKNOWN)
        return self._routes.get(integration.address.replace("_integration.", "_method."), UNKNOWN)

    @cached_property
    def _routes(self) -> Mapping[str, str]:
        return {route.where: route.path for route in planned_routes(self.plan, {}) if isinstance(route, Route)}

    # --- sources that a permission admits ---------------------------------------------------------------------------

    def permitted(self, permission: Resource) -> Any:
        """The source of an ``aws_lambda_permission``: None for any; `UNKNOWN` if it is not known before apply."""
        planned = permission.get("source_arn")
        if planned is not UNKNOWN:
            return planned
        for module, text in self._expressions(permission):
            match = _WRITTEN.fullmatch(text)
            if match is None:
                return UNKNOWN
            reference = match["within"] or match["bare"]
            source = self._only(self.plan.followed(reference, module), reference.rpartition(".")[2])
            return UNKNOWN if source is UNKNOWN else f"{source}{match['rest'] or ''}"
        return UNKNOWN

    def _expressions(self, permission: Resource) -> Iterator[tuple[ModulePath, str]]:
        """The expressions of a permission's source, and their module: its own, or that of its module's caller."""
        for block in read(self.root / PurePosixPath(permission.definition).parent).of("resource"):
            if block.labels == ("aws_lambda_permission", permission.name) and "source_arn" in block.attributes:
                text = block.attributes["source_arn"].text
                if text != "each.value.source_arn":
                    yield permission.module, text
        caller = permission.module[:-1]
        for resource in self.plan.resources:
            if caller and resource.module == caller and not resource.data:
                keys = (str(permission.module[-1][1]), str(permission.index))
                for item in below(self.root / PurePosixPath(resource.definition).parent, keys, "source_arn"):
                    yield caller, item.text
                return

    def _only(self, resources: list[Resource], attribute: str) -> Value:
        """The ARN of a single resource, with a placeholder for the part that AWS will choose."""
        if len(resources) != 1:
            return UNKNOWN
        name = str(resources[0].get("name"))
        return {
            ("aws_api_gateway_rest_api", "execution_arn"): self.arn("execute-api", name),
            ("aws_secretsmanager_secret", "arn"): self.arn("secretsmanager", f"secret:{name}-StandI"),
        }.get((resources[0].type, attribute), UNKNOWN)

    # --- sources that it must not admit -----------------------------------------------------------------------------

    def beside(self, source: str) -> Iterator[tuple[str, str]]:
        """Other sources of the same service in the same account, existing or possible: a description and the ARN.

        Nothing for services that call for a whole account here: alarms and budgets.
        """
        service = source.split(":")[2]
        others = {
            "events": self._rules,
            "execute-api": self._calls,
            "s3": self._buckets,
            "secretsmanager": self._secrets,
            "sns": self._topics,
        }.get(service)
        if others is None:
            return
        yield from (("another one of the plan", arn) for arn in sorted(others) if arn != source)
        if service == "execute-api":
            yield from _neighbours(source)
        else:
            yield "one whose name only begins alike", f"{source}x"
        if service == "events":
            bus, _, rule = source.rpartition("/")
            yield "a rule of that name on another bus", f"{bus}x/{rule}"

    @cached_property
    def _buckets(self) -> set[str]:
        return {f"arn:aws:s3:::{bucket.get('bucket')}" for bucket in self.plan.of("aws_s3_bucket")}

    @cached_property
    def _rules(self) -> set[str]:
        return {
            self.arn("events", rule_path(rule.get("event_bus_name"), rule.get("name")))
            for rule in self.plan.of("aws_cloudwatch_event_rule")
        }

    @cached_property
    def _topics(self) -> set[str]:
        return {self.arn("sns", str(topic.get("name"))) for topic in self.plan.of("aws_sns_topic")}

    @cached_property
    def _secrets(self) -> set[str]:
        secrets = self.plan.of("aws_secretsmanager_secret")
        arns = {secret.get("arn") or self._only([secret], "arn") for secret in secrets}
        return {arn for arn in arns if isinstance(arn, str)}

    @cached_property
    def _calls(self) -> set[str]:
        stages = [str(stage.get("stage_name")) for stage in self.plan.of("aws_api_gateway_stage")]
        integrations = self.plan.of("aws_api_gateway_integration")
        routes = (self.route(integration, stage) for integration in integrations for stage in stages)
        return {route for route in routes if isinstance(route, str)}


def _neighbours(call: str) -> Iterator[tuple[str, str]]:
    """Calls that differ from a call in one thing: the method, the API, or the first step of the path."""
    head, _, rest = call.rpartition(":")
    api, stage, method, first, *more = rest.split("/")
    for other in _METHODS:
        if other != method:
            yield "another method of its path", f"{head}:{'/'.join((api, stage, other, first, *more))}"
    yield "another API", f"{head}:{'/'.join((f'{api}x', stage, method, first, *more))}"
    yield "a path that only begins alike", f"{head}:{'/'.join((api, stage, method, f'{first}x', *more))}"
