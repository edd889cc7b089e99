"""On whose behalf AWS services ask: the ARNs of routes, buckets, rules, topics and secrets, and of what is beside them.

An API's id and the end of a secret's ARN are AWS's own choice. Before the apply a stand-in made of the name is there
instead, on both sides: in what asks, and in the permission, whose source is then read from the expression that the
module's source writes, such as ``"${module.api.execution_arn}/*/GET/invoices"``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Final

from harness.contract.routes import Route, planned_routes
from harness.contract.source import below
from harness.iam.evaluate import Value
from harness.paths import ROOT
from harness.plan.graph import ModulePath, PlanGraph
from harness.plan.resource import UNKNOWN, Resource
from harness.terraform.module import read

_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

_WRITTEN = re.compile(r'"\$\{\s*(?P<within>[\w.-]+)\s*\}(?P<rest>[^"$]*)"|(?P<bare>[\w.-]+)')
"""One reference, alone or at the beginning of a string."""


@dataclass(frozen=True)
class Sources:
    """The ARNs of a plan that requests come from.

    Args:
        plan: Of a whole environment.
        account: Its account.
        region: Its region.
        root: The repository, whose modules the plan was made from.
    """

    plan: PlanGraph
    account: str
    region: str
    root: Path = ROOT

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in the plan's account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    # --- what asks --------------------------------------------------------------------------------------------------

    def route(self, integration: Resource, stage: str) -> Value:
        """The source of a route's calls, ``x`` being each of its path's parameters; `UNKNOWN` if its path is not told.

        Args:
            integration: An ``aws_api_gateway_integration``.
            stage: The stage's name.
        """
        api, path = self._api(integration), self._path(integration)
        if api is UNKNOWN or path is UNKNOWN:
            return UNKNOWN
        called = re.sub(r"\{[^}]*\}", "x", path)
        return self.arn("execute-api", f"{api}/{stage}/{integration.get('http_method')}{called}")

    def secret(self, rotation: Resource) -> Value:
        """The secret that an ``aws_secretsmanager_secret_rotation`` is about."""
        if rotation.get("secret_id") is not UNKNOWN:
            return rotation.get("secret_id")
        return self._only(self.plan.links(rotation, "secret_id", "aws_secretsmanager_secret"), "arn")

    def _api(self, integration: Resource) -> Any:
        if integration.get("rest_api_id") is not UNKNOWN:
            return integration.get("rest_api_id")
        linked = self.plan.links(integration, "rest_api_id", "aws_api_gateway_rest_api")
        return linked[0].get("name") if len(linked) == 1 else UNKNOWN

    def _path(self, integration: Resource) -> Any:
        """By the resource's id where that is known, after an apply; else as the routes are told."""
        paths = {one.get("id"): one.get("path") for one in self.plan.of("aws_api_gateway_resource")}
        resource = integration.get("resource_id")
        if resource is not UNKNOWN:
            return paths.get(resource, UNKNOWN)
        return self._routes.get(integration.address.replace("_integration.", "_method."), UNKNOWN)

    @cached_property
    def _routes(self) -> Mapping[str, str]:
        return {one.where: one.path for one in planned_routes(self.plan, {}) if isinstance(one, Route)}

    # --- what may ask -----------------------------------------------------------------------------------------------

    def permitted(self, permission: Resource) -> Any:
        """The source of an ``aws_lambda_permission``: None for any; `UNKNOWN` if nothing tells it before the apply."""
        planned = permission.get("source_arn")
        if planned is not UNKNOWN:
            return planned
        for module, text in self._expressions(permission):
            found = _WRITTEN.fullmatch(text)
            if found is None:
                return UNKNOWN
            reference = found["within"] or found["bare"]
            source = self._only(self.plan.followed(reference, module), reference.rpartition(".")[2])
            return UNKNOWN if source is UNKNOWN else f"{source}{found['rest'] or ''}"
        return UNKNOWN

    def _expressions(self, permission: Resource) -> Iterator[tuple[ModulePath, str]]:
        """What is written as a permission's source, and where: at itself, or in the map that its module is given."""
        for block in read(self.root / PurePosixPath(permission.definition).parent).of("resource"):
            if block.labels == ("aws_lambda_permission", permission.name) and "source_arn" in block.attributes:
                text = block.attributes["source_arn"].text
                if text != "each.value.source_arn":
                    yield permission.module, text
        caller = permission.module[:-1]
        for one in self.plan.resources:
            if caller and one.module == caller and not one.data:
                keys = (str(permission.module[-1][1]), str(permission.index))
                for item in below(self.root / PurePosixPath(one.definition).parent, keys, "source_arn"):
                    yield caller, item.text
                return

    def _only(self, found: list[Resource], attribute: str) -> Value:
        """The ARN of the one resource that is found, a stand-in for what AWS will choose of it."""
        if len(found) != 1:
            return UNKNOWN
        name = str(found[0].get("name"))
        return {
            ("aws_api_gateway_rest_api", "execution_arn"): self.arn("execute-api", name),
            ("aws_secretsmanager_secret", "arn"): self.arn("secretsmanager", f"secret:{name}-StandI"),
        }.get((found[0].type, attribute), UNKNOWN)

    # --- what may not -----------------------------------------------------------------------------------------------

    def beside(self, source: str) -> Iterator[tuple[str, str]]:
        """What else of the same service there is, or could be, in the same account: what it is, and its ARN.

        Nothing for services that speak for a whole account here: alarms and budgets.
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
        yield from (("another one of the plan", one) for one in sorted(others) if one != source)
        if service == "execute-api":
            yield from _neighbours(source)
        else:
            yield "one whose name only begins alike", f"{source}x"
        if service == "events":
            bus, _, rule = source.rpartition("/")
            yield "a rule of that name on another bus", f"{bus}x/{rule}"

    @cached_property
    def _buckets(self) -> set[str]:
        return {f"arn:aws:s3:::{one.get('bucket')}" for one in self.plan.of("aws_s3_bucket")}

    @cached_property
    def _rules(self) -> set[str]:
        return {
            self.arn("events", f"rule/{one.get('event_bus_name')}/{one.get('name')}")
            for one in self.plan.of("aws_cloudwatch_event_rule")
        }

    @cached_property
    def _topics(self) -> set[str]:
        return {self.arn("sns", str(one.get("name"))) for one in self.plan.of("aws_sns_topic")}

    @cached_property
    def _secrets(self) -> set[str]:
        known = {one.get("arn") or self._only([one], "arn") for one in self.plan.of("aws_secretsmanager_secret")}
        return {one for one in known if isinstance(one, str)}

    @cached_property
    def _calls(self) -> set[str]:
        stages = [str(one.get("stage_name")) for one in self.plan.of("aws_api_gateway_stage")]
        found = (self.route(one, at) for one in self.plan.of("aws_api_gateway_integration") for at in stages)
        return {one for one in found if isinstance(one, str)}


def _neighbours(call: str) -> Iterator[tuple[str, str]]:
    """Calls that differ in one thing from one: in the method, the API, or the first step of the path."""
    head, _, rest = call.rpartition(":")
    api, stage, method, first, *more = rest.split("/")
    for other in _METHODS:
        if other != method:
            yield "another method of its path", f"{head}:{'/'.join((api, stage, other, first, *more))}"
    yield "another API", f"{head}:{'/'.join((f'{api}x', stage, method, first, *more))}"
    yield "a path that only begins alike", f"{head}:{'/'.join((api, stage, method, f'{first}x', *more))}"
