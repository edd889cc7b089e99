"""The settings of a table are read and compared without its name."""

import json
from dataclasses import replace
from typing import Any

from harness.restore.table_settings import TableSettings

ARN = "arn:aws:dynamodb:r:1:table/"


class Account:
    """An account with one table of any name, whose settings are these."""

    def __init__(self, name: str, **table: Any) -> None:
        self.name, self.table = name, table
        self.scaled = [f"table/{name}", f"table/{name}/index/by-day", f"table/{name}-2", "table/other"]

    def __call__(self, _: str) -> "Account":
        return self

    def describe_table(self, **_: Any) -> Any:
        schema = [{"AttributeName": "id", "KeyType": "HASH"}]
        index = {"IndexName": "by-day", "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
        table = {"TableArn": ARN + self.name, "KeySchema": schema, "GlobalSecondaryIndexes": [index]}
        return {"Table": {**table, **self.table}}

    def list_tags_of_resource(self, **_: Any) -> Any:
        return {"Tags": [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]}

    def describe_time_to_live(self, **_: Any) -> Any:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}}

    def describe_continuous_backups(self, **_: Any) -> Any:
        recovery = {"PointInTimeRecoveryStatus": "ENABLED"}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}}

    def get_paginator(self, operation: str) -> Any:
        dimension = {"ScalableDimension": "read", "MinCapacity": 1, "MaxCapacity": 9}
        own, others = [{"Name": "TableName", "Value": self.name}], [{"Name": "TableName", "Value": "others"}]
        pages = {
            "describe_scalable_targets": {
                "ScalableTargets": [{"ResourceId": resource, **dimension} for resource in self.scaled]
            },
            "describe_scaling_policies": {
                "ScalingPolicies": [
                    {
                        "ResourceId": resource,
                        "ScalableDimension": "read",
                        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0},
                    }
                    for resource in self.scaled
                ]
            },
            "describe_alarms": {
                "MetricAlarms": [
                    {"AlarmName": "plain", "Dimensions": own},
                    {"AlarmName": "math", "Metrics": [{"MetricStat": {"Metric": {"Dimensions": own}}}, {"Id": "e"}]},
                    {"AlarmName": "of-others", "Dimensions": others},
                ]
            },
            "list_event_source_mappings": {"EventSourceMappings": [{"FunctionArn": "f", "State": "Enabled"}]},
        }
        return type("Pages", (), {"paginate": lambda *_, **__: [pages[operation]]})()


STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}, "LatestStreamArn": "s"}


def test_settings_are_read_without_the_name() -> None:
    here = TableSettings.read(Account("orders", **STREAM), "orders")
    there = TableSettings.read(Account("orders-again", **STREAM), "orders-again")

    assert here == there
    assert here.tags == ("a=1", "b=2")
    assert here.scaling == ("/index/by-day:read 1..9 [70.0]", ":read 1..9 [70.0]")
    assert here.alarms == ("math", "plain")
    assert (here.stream, here.readers) == ("KEYS_ONLY", ("f Enabled",))
    assert here.indexes == ("by-day(id) ALL",)


def test_without_a_stream_nobody_reads_it() -> None:
    settings = TableSettings.read(Account("orders"), "orders")

    assert (settings.stream, settings.readers) == ("", ())
    assert settings.row("stream") == "none"


def test_what_differs_is_named() -> None:
    settings = TableSettings.read(Account("orders", **STREAM), "orders")
    restored = replace(settings, tags=(), recovery=False, scaling=())

    assert settings.differing(settings) == []
    assert settings.differing(restored) == ["tags", "recovery", "scaling"]
    assert [restored.row(name) for name in ("tags", "recovery", "scaling")] == ["none", "off", "0"]


def test_settings_survive_a_file() -> None:
    settings = TableSettings.read(Account("orders", **STREAM), "orders")

    assert TableSettings.of(json.loads(json.dumps(vars(settings)))) == settings
