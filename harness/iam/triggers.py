"""Who calls or delivers to what, by the plan, and the policies of what is called.

Every trigger and delivery that the plan configures is a request of an AWS service. What is asked are the permissions of
functions, and the policies of queues, topics, buckets and keys; `harness.iam.admitted` holds the two together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.iam.evaluate import AccessRequest, Value
from harness.iam.sources import Sources
from harness.paths import ROOT
from harness.plan import iam_policy
from harness.plan.arn import function_in
from harness.plan.graph import PlanGraph
from harness.plan.iam_policy import Statement
from harness.plan.resource import UNKNOWN, Resource, listed


@dataclass(frozen=True)
class Delivery:
    """One thing that an AWS service does to a resource of the plan, on behalf of another one.

    Attributes:
        why: What is configured, and where.
        target: The resource whose policy is asked: an ARN.
        request: What the service asks.
    """

    why: str
    target: str
    request: AccessRequest

    def __str__(self) -> str:
        return f"{self.request.principal[1] if self.request.principal else ''} may do {self.request} for {self.why}"


@dataclass(frozen=True)
class Guard:
    """The policy of one resource.

    Attributes:
        target: The resource's ARN.
        statements: Each with the address that it is written at.
    """

    target: str
    statements: tuple[tuple[str, Statement], ...]

    @property
    def policy(self) -> list[Statement]:
        """The statements alone."""
        return [statement for _, statement in self.statements]


@dataclass(frozen=True)
class Estate:
    """The deliveries and guards of a plan.

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

    @cached_property
    def sources(self) -> Sources:
        """On whose behalf the plan's services ask."""
        return Sources(self.plan, self.account, self.region, self.root)

    # --- what is configured -----------------------------------------------------------------------------------------

    def deliveries(self) -> list[Delivery]:
        """Everything that AWS services do to functions, queues, topics, buckets and keys of the plan."""
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
        for one in self.plan.of("aws_s3_bucket_notification"):
            buckets = self.plan.links(one, "bucket", "aws_s3_bucket")
            for notification in listed(one.get("lambda_function")):
                for bucket in buckets:
                    yield self._invocation(
                        f"{one.address} ({notification.get('id')})",
                        notification.get("lambda_function_arn"),
                        "s3.amazonaws.com",
                        f"arn:aws:s3:::{bucket.get('bucket')}",
                    )

    def _rules(self) -> Iterator[Delivery]:
        for one in self.plan.of("aws_cloudwatch_event_target"):
            rule = self._arn("events", f"rule/{one.get('event_bus_name')}/{one.get('rule')}")
            service = "events.amazonaws.com"
            if function_in(one.get("arn")):
                yield self._invocation(one.address, one.get("arn"), service, rule)
            for topic in self._named(one, "arn", "aws_sns_topic", "sns"):
                yield self._delivery(one.address, topic, "sns:Publish", service, rule)
                yield from self._through_key(one.address, topic, service, rule)
            for queue in self._queues(one, "dead_letter_config.arn"):
                yield self._delivery(f"{one.address} (dead letters)", queue, "sqs:SendMessage", service, rule)

    def _routes(self) -> Iterator[Delivery]:
        stages = [str(one.get("stage_name")) for one in self.plan.of("aws_api_gateway_stage")]
        for one in self.plan.of("aws_api_gateway_integration"):
            if not function_in(one.get("uri")):
                continue
            uri = str(one.get("uri")).split("/functions/")[1].removesuffix("/invocations")
            for stage in stages:
                source = self.sources.route(one, stage)
                yield self._invocation(one.address, uri, "apigateway.amazonaws.com", source)

    def _rotations(self) -> Iterator[Delivery]:
        for one in self.plan.of("aws_secretsmanager_secret_rotation"):
            source = self.sources.secret(one)
            yield self._invocation(one.address, one.get("rotation_lambda_arn"), "secretsmanager.amazonaws.com", source)

    def _subscriptions(self) -> Iterator[Delivery]:
        for one in self.plan.of("aws_sns_topic_subscription"):
            if one.get("protocol") != "sqs":
                continue
            for topic in self._named(one, "topic_arn", "aws_sns_topic", "sns"):
                for queue in self._queues(one, "endpoint"):
                    yield self._delivery(one.address, queue, "sqs:SendMessage", "sns.amazonaws.com", topic)

    def _access_logs(self) -> Iterator[Delivery]:
        for one in self.plan.of("aws_s3_bucket_logging"):
            (source,) = [f"arn:aws:s3:::{bucket.get('bucket')}" for bucket in self._beside(one, "aws_s3_bucket")]
            target = one.get("target_bucket")
            for bucket in self.plan.of("aws_s3_bucket"):
                linked = bucket in self.plan.links(one, "target_bucket", "aws_s3_bucket")
                if bucket.get("bucket") == target or (target is UNKNOWN and linked):
                    arn = f"arn:aws:s3:::{bucket.get('bucket')}"
                    key = f"{arn}/{one.get('target_prefix')}2026-11-22-00-00-00-X"
                    yield self._delivery(one.address, arn, "s3:PutObject", "logging.s3.amazonaws.com", source, key)

    def _alarms(self) -> Iterator[Delivery]:
        for one in self.plan.of("aws_cloudwatch_metric_alarm"):
            alarm = self._arn("cloudwatch", f"alarm:{one.get('alarm_name')}")
            for topic in self._named(one, "alarm_actions", "aws_sns_topic", "sns"):
                yield self._delivery(one.address, topic, "sns:Publish", "cloudwatch.amazonaws.com", alarm)
                yield from self._through_key(one.address, topic, "cloudwatch.amazonaws.com", alarm)

    def _budgets(self) -> Iterator[Delivery]:
        for one in self.plan.of("aws_budgets_budget"):
            budget = f"arn:aws:budgets::{self.account}:budget/{one.get('name')}"
            for topic in self._named(one, "notification.subscriber_sns_topic_arns", "aws_sns_topic", "sns"):
                yield self._delivery(one.address, topic, "sns:Publish", "budgets.amazonaws.com", budget)
                yield from self._through_key(one.address, topic, "budgets.amazonaws.com", budget)

    def _through_key(self, why: str, topic: str, service: str, source: Value) -> Iterator[Delivery]:
        """Publishing to a topic that is encrypted: the service uses the key.

        https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        """
        for one in self.plan.of("aws_sns_topic"):
            if self._arn("sns", str(one.get("name"))) == topic:
                for key in self._keys(one):
                    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
                        yield self._delivery(f"{why} ({one.address} is encrypted)", key, action, service, source)

    # --- what allows it ---------------------------------------------------------------------------------------------

    def guards(self) -> dict[str, Guard]:
        """The policies of functions' aliases, queues, topics, buckets and keys, by ARN; see `_key_arn` for keys."""
        found: dict[str, list[tuple[str, Statement]]] = {}
        for one in self.plan.of("aws_lambda_permission"):
            found.setdefault(self._alias(one), []).append((one.address, self._permission(one)))
        for target, one, text in self._policies():
            found.setdefault(target, []).extend(
                (f"{one.address} ({statement.sid})", statement) for statement in iam_policy.statements(text) or ()
            )
        return {target: Guard(target, tuple(statements)) for target, statements in found.items()}

    def _permission(self, one: Resource) -> Statement:
        """A function's permission, as the statement that Lambda makes of it."""
        conditions: list[tuple[str, str, tuple[Any, ...]]] = []
        source = self.sources.permitted(one)
        if source is not None:
            conditions.append(("ArnLike", "aws:SourceArn", (source,)))
        if one.get("source_account") is not None:
            conditions.append(("StringEquals", "aws:SourceAccount", (one.get("source_account"),)))
        return Statement(
            sid=str(one.get("statement_id")),
            effect="Allow",
            actions=(one.get("action"),),
            not_actions=(),
            resources=(self._alias(one),),
            not_resources=(),
            principals=(("Service", one.get("principal")),),
            not_principals=(),
            conditions=tuple(conditions),
        )

    def _policies(self) -> Iterator[tuple[str, Resource, Any]]:
        for one in self.plan.of("aws_sqs_queue"):
            yield self._arn("sqs", str(one.get("name"))), one, one.get("policy")
        apart = {
            topic: one
            for one in self.plan.of("aws_sns_topic_policy")
            for topic in self._named(one, "arn", "aws_sns_topic", "sns")
        }
        for one in self.plan.of("aws_sns_topic"):
            topic = self._arn("sns", str(one.get("name")))
            if topic not in apart:  # else a deployed topic shows the same policy once more
                yield topic, one, one.get("policy")
        for topic, one in apart.items():
            yield topic, one, one.get("policy")
        for one in self.plan.of("aws_s3_bucket_policy"):
            for bucket in self._beside(one, "aws_s3_bucket"):
                yield f"arn:aws:s3:::{bucket.get('bucket')}", one, one.get("policy")
        for one in self.plan.of("aws_kms_key"):
            yield _key_arn(one), one, one.get("policy")

    def _alias(self, permission: Resource) -> str:
        name, qualifier = permission.get("function_name"), permission.get("qualifier")
        return self._arn("lambda", f"function:{name}:{qualifier}" if qualifier else f"function:{name}")

    # --- names ------------------------------------------------------------------------------------------------------

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def _named(self, one: Resource, path: str, kind: str, service: str) -> list[str]:
        """The ARNs that an attribute comes to: as they are, or by the names of what it refers to."""
        values = [value for found in one.all(path) for value in (found if isinstance(found, list) else [found])]
        told = [str(value) for value in values if isinstance(value, str) and f":{service}:" in value]
        if told or not any(value is UNKNOWN for value in values):
            return sorted(set(told))
        return sorted({self._arn(service, str(each.get("name"))) for each in self._meant(one, path, kind)})

    def _meant(self, one: Resource, path: str, kind: str) -> list[Resource]:
        """What an unknown value comes from.

        That is what it refers to. Plans leave locals out: then it is what its module has, or is given, of that kind.
        """
        if linked := self.plan.links(one, path, kind):
            return linked
        if beside := self._beside(one, kind):
            return beside
        given = [self.plan.followed(each, one.module[:-1]) for each in self.plan.arguments(one.module)]
        return [each for found in given for each in found if each.type == kind]

    def _queues(self, one: Resource, path: str) -> list[str]:
        """As `_named`; of several queues of one block, the one with the same key."""
        same = [each for each in self.plan.links(one, path, "aws_sqs_queue") if each.index == one.index]
        if one.get(path) is UNKNOWN and same:
            return [self._arn("sqs", str(each.get("name"))) for each in same]
        return self._named(one, path, "aws_sqs_queue", "sqs")

    def _keys(self, topic: Resource) -> list[str]:
        """The keys that a topic is encrypted with: by the plan's references, or by the key's id or ARN."""
        value = topic.get("kms_master_key_id")
        if value is UNKNOWN:
            return [_key_arn(one) for one in self.plan.links(topic, "kms_master_key_id", "aws_kms_key")]
        return [_key_arn(one) for one in self.plan.of("aws_kms_key") if value in {one.get("key_id"), one.get("arn")}]

    def _beside(self, one: Resource, kind: str) -> list[Resource]:
        return [each for each in self.plan.of(kind) if each.module == one.module]

    def _invocation(self, why: str, arn: Any, service: str, source: Value) -> Delivery:
        return self._delivery(why, str(arn), "lambda:InvokeFunction", service, source)

    def _delivery(  # noqa: PLR0913, PLR0917 -- what, where, who, for whom
        self, why: str, target: str, action: str, service: str, source: Value, resource: str = ""
    ) -> Delivery:
        context: Mapping[str, Value] = {
            "aws:securetransport": "true",
            "aws:sourceaccount": self.account,
            "aws:sourcearn": source,
        }
        return Delivery(why, target, AccessRequest(action, resource or target, context, ("Service", service)))


def _key_arn(key: Resource) -> str:
    """A key by its address: its ARN is AWS's choice."""
    return f"key:{key.address}"
