"""The triggers and deliveries of a plan, and the policies of their targets.

Every trigger and delivery that a plan configures is a request of an AWS service. It needs a permission of the function,
or a statement in the policy of the queue, topic, bucket or key; `harness.access.admission` compares the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.access.service_contexts import service_contexts
from harness.access.sources import Sources, rule_path
from harness.paths import ROOT
from harness.plan import iam_policy
from harness.plan.arn import function_in
from harness.plan.evaluate import AccessRequest, Value
from harness.plan.graph import PlanGraph
from harness.plan.iam_policy import Statement
from harness.plan.resource import UNKNOWN, Resource, listed, shown


@dataclass(frozen=True)
class Delivery:
    """One request of an AWS service to a resource of the plan, on behalf of another resource.

    Attributes:
        why: The address of the configuration that causes it.
        target: The ARN of the resource whose policy has to allow it.
        request: The service's request, with the context keys that AWS sends and no others.
        source: The resource on whose behalf the service calls; the request may not carry it.
    """

    why: str
    target: str
    request: AccessRequest
    source: Value = None

    @property
    def address(self) -> str:
        """The address of the configuration, without its explanation."""
        return self.why.partition(" (")[0]

    def __str__(self) -> str:
        return f"{self.request.principal[1] if self.request.principal else ''} may do {self.request} for {self.why}"


@dataclass(frozen=True)
class ResourcePolicy:
    """The policy of one resource.

    Attributes:
        target: The resource's ARN.
        statements: Each with its address.
    """

    target: str
    statements: tuple[tuple[str, Statement], ...]

    @property
    def policy(self) -> list[Statement]:
        """The statements without their addresses."""
        return [statement for _, statement in self.statements]


@dataclass(frozen=True)
class Estate:
    """The deliveries and guards of a plan.

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

    @cached_property
    def sources(self) -> Sources:
        """The resources on whose behalf the plan's services call."""
        return Sources(self.plan, self.account, self.region, self.root)

    # --- what is configured -----------------------------------------------------------------------------------------

    def deliveries(self) -> list[Delivery]:
        """Every request of AWS services to functions, queues, topics, buckets and keys of the plan."""
        return [
            *self._uploads(),
            *self._rules(),
            *self._routes(),
            *self._rotations(),
            *self._subscriptions(),
            *self._access_logs(),
            *self._alarms(),
            *self._budgets(),
        ]

    def _uploads(self) -> Iterator[Delivery]:
        for resource in self.plan.of("aws_s3_bucket_notification"):
            buckets = self.plan.links(resource, "bucket", "aws_s3_bucket")
            for notification in listed(resource.get("lambda_function")):
                for bucket in buckets:
                    yield self._invocation(
                        f"{resource.address} ({notification.get('id')})",
                        notification.get("lambda_function_arn"),
                        "s3.amazonaws.com",
                        f"arn:aws:s3:::{bucket.get('bucket')}",
                    )

    def _rules(self) -> Iterator[Delivery]:
        for target in self.plan.of("aws_cloudwatch_event_target"):
            rule = self._arn("events", rule_path(target.get("event_bus_name"), target.get("rule")))
            service = "events.amazonaws.com"
            if function_in(target.get("arn")):
                yield self._invocation(target.address, target.get("arn"), service, rule)
            for topic in self._named(target, "arn", "aws_sns_topic", "sns"):
                yield self._delivery(target.address, topic, "sns:Publish", service, rule)
                yield from self._through_key(target.address, topic, service, rule)
            for queue in self._queues(target, "dead_letter_config.arn"):
                yield self._delivery(f"{target.address} (dead letters)", queue, "sqs:SendMessage", service, rule)

    def _routes(self) -> Iterator[Delivery]:
        stages = [str(stage.get("stage_name")) for stage in self.plan.of("aws_api_gateway_stage")]
        for integration in self.plan.of("aws_api_gateway_integration"):
            if not function_in(integration.get("uri")):
                continue
            uri = self._called(integration)
            for stage in stages:
                source = self.sources.route(integration, stage)
                yield self._invocation(integration.address, uri, "apigateway.amazonaws.com", source)

    @staticmethod
    def _called(integration: Resource) -> str:
        """The ARN in the path that API Gateway calls a function by.

        https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html (uri)

        Raises:
            LookupError: It is another path, or the ARN alone.
        """
        uri = str(integration.get("uri"))
        _, path, arn = uri.partition("/functions/")
        if not path:
            raise LookupError(
                f"uri of {integration.address} is {shown(uri)}, by which API Gateway calls no function: "
                "write uri = aws_lambda_alias.<name>.invoke_arn"
            )
        return arn.removesuffix("/invocations")

    def _rotations(self) -> Iterator[Delivery]:
        for rotation in self.plan.of("aws_secretsmanager_secret_rotation"):
            source = self.sources.secret(rotation)
            yield self._invocation(
                rotation.address, rotation.get("rotation_lambda_arn"), "secretsmanager.amazonaws.com", source
            )

    def _subscriptions(self) -> Iterator[Delivery]:
        for subscription in self.plan.of("aws_sns_topic_subscription"):
            if subscription.get("protocol") != "sqs":
                continue
            for topic in self._named(subscription, "topic_arn", "aws_sns_topic", "sns"):
                for queue in self._queues(subscription, "endpoint"):
                    yield self._delivery(subscription.address, queue, "sqs:SendMessage", "sns.amazonaws.com", topic)

    def _access_logs(self) -> Iterator[Delivery]:
        for logging in self.plan.of("aws_s3_bucket_logging"):
            source = f"arn:aws:s3:::{self._logged(logging).get('bucket')}"
            target = logging.get("target_bucket")
            for bucket in self.plan.of("aws_s3_bucket"):
                linked = bucket in self.plan.links(logging, "target_bucket", "aws_s3_bucket")
                if bucket.get("bucket") == target or (target is UNKNOWN and linked):
                    arn = f"arn:aws:s3:::{bucket.get('bucket')}"
                    key = f"{arn}/{logging.get('target_prefix')}2026-11-22-00-00-00-X"
                    yield self._delivery(logging.address, arn, "s3:PutObject", "logging.s3.amazonaws.com", source, key)

    def _logged(self, logging: Resource) -> Resource:
        """The bucket whose requests are logged: by the reference to it, else by its name.

        Raises:
            LookupError: It is no bucket of the plan, or one of several.
        """
        name = logging.get("bucket")
        named = [bucket for bucket in self.plan.of("aws_s3_bucket") if bucket.get("bucket") == name]
        linked = self.plan.links(logging, "bucket", "aws_s3_bucket") if name is UNKNOWN else named
        if len(linked) != 1:
            found = f"{len(linked)} buckets of this plan" if linked else "no bucket of this plan"
            raise LookupError(
                f"bucket of {logging.address} is {shown(name)}, which is {found}: "
                "write bucket = aws_s3_bucket.<name>.id, with the bucket whose requests are logged"
            )
        return linked[0]

    def _alarms(self) -> Iterator[Delivery]:
        for alarm in self.plan.of("aws_cloudwatch_metric_alarm"):
            source = self._arn("cloudwatch", f"alarm:{alarm.get('alarm_name')}")
            for topic in self._named(alarm, "alarm_actions", "aws_sns_topic", "sns"):
                yield self._delivery(alarm.address, topic, "sns:Publish", "cloudwatch.amazonaws.com", source)
                yield from self._through_key(alarm.address, topic, "cloudwatch.amazonaws.com", source)

    def _budgets(self) -> Iterator[Delivery]:
        for budget in self.plan.of("aws_budgets_budget"):
            source = f"arn:aws:budgets::{self.account}:budget/{budget.get('name')}"
            for topic in self._named(budget, "notification.subscriber_sns_topic_arns", "aws_sns_topic", "sns"):
                yield self._delivery(budget.address, topic, "sns:Publish", "budgets.amazonaws.com", source)
                yield from self._through_key(budget.address, topic, "budgets.amazonaws.com", source)

    def _through_key(self, why: str, topic: str, service: str, source: Value) -> Iterator[Delivery]:
        """Publishing to an encrypted topic also uses its key.

        https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        """
        for resource in self.plan.of("aws_sns_topic"):
            if self._arn("sns", str(resource.get("name"))) == topic:
                for key in self._keys(resource):
                    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
                        yield self._delivery(
                            f"{why} ({resource.address} is encrypted)", key, action, service, source, topic=topic
                        )

    # --- what allows it ---------------------------------------------------------------------------------------------

    def guards(self) -> dict[str, ResourcePolicy]:
        """The policies of functions' aliases, queues, topics, buckets and keys, by ARN; see `_key_arn` for keys."""
        by_target: dict[str, list[tuple[str, Statement]]] = {}
        for permission in self.plan.of("aws_lambda_permission"):
            statement = (permission.address, self._permission(permission))
            by_target.setdefault(self._alias(permission), []).append(statement)
        for target, resource, text in self._policies():
            by_target.setdefault(target, []).extend(
                (f"{resource.address} ({each.sid})", each) for each in iam_policy.statements(text) or ()
            )
        return {target: ResourcePolicy(target, tuple(statements)) for target, statements in by_target.items()}

    def _permission(self, permission: Resource) -> Statement:
        """A function's permission, as the statement that Lambda creates from it."""
        conditions: list[tuple[str, str, tuple[Any, ...]]] = []
        source = self.sources.permitted(permission)
        if source is not None:
            conditions.append(("ArnLike", "aws:SourceArn", (source,)))
        if permission.get("source_account") is not None:
            conditions.append(("StringEquals", "aws:SourceAccount", (permission.get("source_account"),)))
        return Statement(
            sid=str(permission.get("statement_id")),
            effect="Allow",
            actions=(permission.get("action"),),
            not_actions=(),
            resources=(self._alias(permission),),
            not_resources=(),
            principals=(("Service", permission.get("principal")),),
            not_principals=(),
            conditions=tuple(conditions),
        )

    def _policies(self) -> Iterator[tuple[str, Resource, Any]]:
        for queue in self.plan.of("aws_sqs_queue"):
            yield self._arn("sqs", str(queue.get("name"))), queue, queue.get("policy")
        separate = {
            topic: policy
            for policy in self.plan.of("aws_sns_topic_policy")
            for topic in self._named(policy, "arn", "aws_sns_topic", "sns")
        }
        for resource in self.plan.of("aws_sns_topic"):
            topic = self._arn("sns", str(resource.get("name")))
            if topic not in separate:  # otherwise a deployed topic shows the same policy a second time
                yield topic, resource, resource.get("policy")
        for topic, policy in separate.items():
            yield topic, policy, policy.get("policy")
        for policy in self.plan.of("aws_s3_bucket_policy"):
            for bucket in self._beside(policy, "aws_s3_bucket"):
                yield f"arn:aws:s3:::{bucket.get('bucket')}", policy, policy.get("policy")
        for key in self.plan.of("aws_kms_key"):
            yield _key_arn(key), key, key.get("policy")

    def _alias(self, permission: Resource) -> str:
        name, qualifier = permission.get("function_name"), permission.get("qualifier")
        return self._arn("lambda", f"function:{name}" if qualifier in {None, ""} else f"function:{name}:{qualifier}")

    # --- names ------------------------------------------------------------------------------------------------------

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def _named(self, resource: Resource, path: str, kind: str, service: str) -> list[str]:
        """The ARNs in an attribute: as they are, or from the names of the resources that it refers to."""
        attributes = resource.all(path)
        values = [value for each in attributes for value in (each if isinstance(each, list) else [each])]
        arns = [str(value) for value in values if isinstance(value, str) and f":{service}:" in value]
        if arns or not any(value is UNKNOWN for value in values):
            return sorted(set(arns))
        return sorted({self._arn(service, str(each.get("name"))) for each in self._referenced(resource, path, kind)})

    def _referenced(self, resource: Resource, path: str, kind: str) -> list[Resource]:
        """The resources that an unknown value comes from: those that it refers to.

        Plans leave out locals. Then they are those of this kind that the module has, or that are passed to it.
        """
        if linked := self.plan.links(resource, path, kind):
            return linked
        if beside := self._beside(resource, kind):
            return beside
        arguments = [self.plan.followed(each, resource.module[:-1]) for each in self.plan.arguments(resource.module)]
        return [each for passed in arguments for each in passed if each.type == kind]

    def _queues(self, resource: Resource, path: str) -> list[str]:
        """As `_named`; if one block has several queues, the queue with the same key."""
        same = [each for each in self.plan.links(resource, path, "aws_sqs_queue") if each.index == resource.index]
        if resource.get(path) is UNKNOWN and same:
            return [self._arn("sqs", str(each.get("name"))) for each in same]
        return self._named(resource, path, "aws_sqs_queue", "sqs")

    def _keys(self, topic: Resource) -> list[str]:
        """The keys that encrypt a topic: by the plan's references, or by the key's id or ARN.

        Raises:
            LookupError: It is none of the plan's: nobody can say which services may use it.
        """
        value = topic.get("kms_master_key_id")
        if value is UNKNOWN:
            return [_key_arn(key) for key in self.plan.links(topic, "kms_master_key_id", "aws_kms_key")]
        keys = [key for key in self.plan.of("aws_kms_key") if value in {key.get("key_id"), key.get("arn")}]
        if not keys and value not in {None, ""}:
            raise LookupError(
                f"kms_master_key_id of {topic.address} is {shown(value)}, which is no key of this plan, and AWS's own "
                "key admits no service that publishes: write kms_master_key_id = module.key.key_id"
            )
        return [_key_arn(key) for key in keys]

    def _beside(self, resource: Resource, kind: str) -> list[Resource]:
        return [each for each in self.plan.of(kind) if each.module == resource.module]

    def _invocation(self, why: str, arn: Any, service: str, source: Value) -> Delivery:
        return self._delivery(why, str(arn), "lambda:InvokeFunction", service, source)

    def _delivery(  # noqa: PLR0913, PLR0917 -- why, target, action, service and source
        self, why: str, target: str, action: str, service: str, source: Value, resource: str = "", *, topic: str = ""
    ) -> Delivery:
        """A request as AWS sends it.

        Args:
            why: The address of what configures it.
            target: The ARN of the resource whose policy decides.
            action: The action.
            service: The calling service.
            source: The resource on whose behalf it calls.
            resource: The resource of the request, if it is not the target itself.
            topic: The encrypted topic, if the target is its key.
        """
        values = {
            "aws:SourceAccount": self.account,
            "aws:SourceArn": source,
            "kms:EncryptionContext:aws:sns:topicArn": topic,
        }
        context = service_contexts().context(service, action, values, via="sns" if topic else "")
        return Delivery(why, target, AccessRequest(action, resource or target, context, ("Service", service)), source)


def _key_arn(key: Resource) -> str:
    """A key's address instead of its ARN, which AWS chooses."""
    return f"key:{key.address}"
