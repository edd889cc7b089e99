"""The settings of a table, of which a restore keeps some and loses the others.

AWS restores the indexes, the billing mode, the capacity and the encryption of the source. The rest has to be set again:
"auto scaling policies, IAM policies, CloudWatch metrics and alarms, tags, stream settings, Time to Live (TTL) settings,
deletion protection settings, point in time recovery settings".
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

Client = Callable[[str], Any]


@dataclass(frozen=True)
class TableSettings:
    """A table's settings, in words that can be compared: no name of the table is in them.

    Attributes:
        keys: The table's keys.
        indexes: Each index with its keys and its projection.
        billing: The billing mode.
        encryption: The kind of the key, and the key.
        tags: The tags.
        stream: The content of the stream; empty without one.
        time_to_live: The attribute with the time at which items expire; empty without one.
        recovery: Whether the table has point-in-time recovery.
        deletion_protection: Whether the table cannot be deleted.
        scaling: What is scaled, with its bounds and its policy.
        alarms: The alarms that watch the table.
        readers: The functions that read the stream.
    """

    keys: tuple[str, ...]
    indexes: tuple[str, ...]
    billing: str
    encryption: str
    tags: tuple[str, ...]
    stream: str
    time_to_live: str
    recovery: bool
    deletion_protection: bool
    scaling: tuple[str, ...]
    alarms: tuple[str, ...]
    readers: tuple[str, ...]

    @classmethod
    def read(cls, client: Client, name: str) -> "TableSettings":
        """Read the settings of a table.

        Args:
            client: Makes a client of a service in the table's account and region.
            name: The table's name.
        """
        dynamodb = client("dynamodb")
        table = dynamodb.describe_table(TableName=name)["Table"]
        tags = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
        expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        sse = table.get("SSEDescription", {})
        stream = table.get("StreamSpecification", {})
        return cls(
            keys=_keys(table["KeySchema"]),
            indexes=tuple(sorted(_index(index) for index in table.get("GlobalSecondaryIndexes", []))),
            billing=table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            encryption=" ".join(str(sse.get(member, "")) for member in ("SSEType", "KMSMasterKeyArn")).strip(),
            tags=tuple(sorted(f"{tag['Key']}={tag['Value']}" for tag in tags)),
            stream=stream.get("StreamViewType", "") if stream.get("StreamEnabled") else "",
            time_to_live=expiry.get("AttributeName", "") if expiry["TimeToLiveStatus"] != "DISABLED" else "",
            recovery=backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED",
            deletion_protection=bool(table.get("DeletionProtectionEnabled")),
            scaling=_scaling(client("application-autoscaling"), name),
            alarms=_alarms(client("cloudwatch"), name),
            readers=_readers(client("lambda"), table.get("LatestStreamArn") if stream.get("StreamEnabled") else None),
        )

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "TableSettings":
        """From JSON, where tuples are lists."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**values)

    def differing(self, other: "TableSettings") -> list[str]:
        """The names of the settings that another table has otherwise."""
        return [field.name for field in fields(self) if getattr(self, field.name) != getattr(other, field.name)]

    def row(self, setting: str) -> str:
        """A setting for people, in one line."""
        value = getattr(self, setting)
        if isinstance(value, tuple):
            return str(len(value)) if setting in {"scaling", "alarms"} else ", ".join(value) or "none"
        if isinstance(value, bool):
            return "on" if value else "off"
        return str(value) or "none"


def _keys(schema: list[dict[str, str]]) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in schema)


def _index(index: dict[str, Any]) -> str:
    projection = index["Projection"]
    others = sorted(projection.get("NonKeyAttributes", []))
    name = f"{index['IndexName']}({', '.join(_keys(index['KeySchema']))})"
    return " ".join([name, projection["ProjectionType"], *others])


def _scaling(autoscaling: Any, table: str) -> tuple[str, ...]:
    """Each scaled dimension of the table and its indexes, with its bounds and the targets of its policies."""
    targets = autoscaling.get_paginator("describe_scalable_targets").paginate(ServiceNamespace="dynamodb")
    policies = autoscaling.get_paginator("describe_scaling_policies").paginate(ServiceNamespace="dynamodb")
    aims: dict[tuple[str, str], list[float]] = {}
    for page in policies:
        for policy in page["ScalingPolicies"]:
            configuration = policy.get("TargetTrackingScalingPolicyConfiguration", {})
            place = (policy["ResourceId"], policy["ScalableDimension"])
            aims.setdefault(place, []).append(configuration.get("TargetValue", 0.0))
    own = f"table/{table}"
    rows = []
    for page in targets:
        for target in page["ScalableTargets"]:
            resource, dimension = target["ResourceId"], target["ScalableDimension"]
            if resource == own or resource.startswith(f"{own}/"):
                bounds = f"{target['MinCapacity']}..{target['MaxCapacity']}"
                rows.append(f"{resource.removeprefix(own)}:{dimension} {bounds} {aims.get((resource, dimension))}")
    return tuple(sorted(rows))


def _alarms(cloudwatch: Any, table: str) -> tuple[str, ...]:
    """The names of the alarms with a metric of the table."""
    dimension = {"Name": "TableName", "Value": table}
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
    return tuple(
        sorted(
            alarm["AlarmName"]
            for page in pages
            for alarm in page["MetricAlarms"]
            if dimension in alarm.get("Dimensions", []) or any(map(_has(dimension), alarm.get("Metrics", [])))
        )
    )


def _has(dimension: dict[str, str]) -> Callable[[dict[str, Any]], bool]:
    return lambda query: dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])


def _readers(lambdas: Any, stream_arn: str | None) -> tuple[str, ...]:
    """The functions, or their aliases, that get the stream's records, and whether they get them now."""
    if not stream_arn:
        return ()
    pages = lambdas.get_paginator("list_event_source_mappings").paginate(EventSourceArn=stream_arn)
    mappings = [mapping for page in pages for mapping in page["EventSourceMappings"]]
    return tuple(sorted(f"{mapping['FunctionArn']} {mapping['State']}" for mapping in mappings))
