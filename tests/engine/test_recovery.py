"""DynamoDB: point-in-time recovery."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.exceptions
import pytest

from harness.engine import EmbeddedEngine
from tests.engine.cloud import Cloud, eventually, serving, worker

Item = dict[str, Any]

KEYS = [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "part", "AttributeType": "N"}]


class Table:
    """A table with point-in-time recovery."""

    def __init__(self, cloud: Cloud, **settings: Any) -> None:
        self.cloud, self.client, self.name = cloud, cloud.client("dynamodb"), cloud.name("table")
        self.client.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "part", "KeyType": "RANGE"}],
            **{"AttributeDefinitions": KEYS, "BillingMode": "PAY_PER_REQUEST", **settings},
        )
        self.recover()

    def recover(self, *, enabled: bool = True, **settings: int) -> None:
        specification = {"PointInTimeRecoveryEnabled": enabled, **settings}
        self.client.update_continuous_backups(TableName=self.name, PointInTimeRecoverySpecification=specification)

    def put(self, identity: str, value: str) -> None:
        self.client.put_item(TableName=self.name, Item=item(identity, value))

    def times(self) -> Item:
        described = self.client.describe_continuous_backups(TableName=self.name)["ContinuousBackupsDescription"]
        times: Item = described["PointInTimeRecoveryDescription"]
        return times

    def moment(self) -> datetime:
        """A full second that is restorable, with every change so far before it and every later one behind it."""
        moment = datetime.fromtimestamp(int(time.time()) + 1, UTC)
        eventually(lambda: self.times()["LatestRestorableDateTime"] >= moment, event="a restorable second")
        return moment

    def restored(self, **request: Any) -> str:
        name = self.cloud.name("restored")
        self.client.restore_table_to_point_in_time(SourceTableName=self.name, TargetTableName=name, **request)
        return name

    def items(self, table: str) -> dict[str, str]:
        return {each["id"]["S"]: each["value"]["S"] for each in self.client.scan(TableName=table)["Items"]}


def item(identity: str, value: str) -> Item:
    return {"id": {"S": identity}, "part": {"N": "1"}, "value": {"S": value}}


def key(identity: str) -> Item:
    return {"id": {"S": identity}, "part": {"N": "1"}}


def error_of(call: Any, **request: Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**request)
    return str(raised.value.response["Error"]["Code"])


@pytest.fixture
def table(cloud: Cloud) -> Table:
    return Table(cloud)


def test_the_items_of_a_second_are_restored_whatever_changed_them_since(table: Table) -> None:
    for identity in ("put", "updated", "deleted", "batched", "in-transaction", "by-statement", "untouched"):
        table.put(identity, "before")
    moment, client, name = table.moment(), table.client, table.name

    table.put("put", "after")
    table.put("put", "after that")
    table.put("new", "after")
    client.update_item(
        TableName=name, Key=key("updated"), UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "value"}, ExpressionAttributeValues={":v": {"S": "after"}},
    )  # fmt: skip
    client.delete_item(TableName=name, Key=key("deleted"))
    client.batch_write_item(RequestItems={name: [{"DeleteRequest": {"Key": key("batched")}}]})
    client.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": item("in-transaction", "after")}}])
    statement = f'DELETE FROM "{name}" WHERE id = ? AND part = ?'  # noqa: S608 -- a name has no parameter
    client.execute_statement(Statement=statement, Parameters=[{"S": "by-statement"}, {"N": "1"}])
    restored = table.restored(RestoreDateTime=moment)

    names = ("put", "updated", "deleted", "batched", "in-transaction", "by-statement", "untouched")
    assert table.items(restored) == dict.fromkeys(names, "before")
    assert table.items(name) == {
        "put": "after that", "new": "after", "updated": "after", "in-transaction": "after", "untouched": "before"
    }  # fmt: skip


def test_a_restored_table_is_independent_of_its_source(table: Table) -> None:
    table.put("1", "before")
    restored = table.restored(RestoreDateTime=table.moment())

    table.put("1", "after")
    table.client.delete_item(TableName=restored, Key=key("1"))

    assert table.items(table.name) == {"1": "after"}
    assert table.items(restored) == {}


def test_a_request_names_a_time_or_asks_for_the_latest(table: Table) -> None:
    table.put("1", "before")
    table.moment()

    latest = table.restored(UseLatestRestorableTime=True)
    restore = table.client.restore_table_to_point_in_time
    neither = error_of(restore, SourceTableName=table.name, TargetTableName="neither")
    both = error_of(
        restore, SourceTableName=table.name, TargetTableName="both", UseLatestRestorableTime=True,
        RestoreDateTime=datetime.now(UTC),
    )  # fmt: skip

    assert table.items(latest) == {"1": "before"}
    assert (neither, both) == ("ValidationException", "ValidationException")


def test_only_restorable_seconds_are_restored(table: Table) -> None:
    moment = table.moment()
    times, hour = table.times(), timedelta(hours=1)
    restore = table.client.restore_table_to_point_in_time

    early = error_of(restore, SourceTableName=table.name, TargetTableName="early", RestoreDateTime=moment - hour)
    late = error_of(restore, SourceTableName=table.name, TargetTableName="late", RestoreDateTime=moment + hour)

    assert (early, late) == ("InvalidRestoreTimeException", "InvalidRestoreTimeException")
    assert times["EarliestRestorableDateTime"] <= moment <= times["LatestRestorableDateTime"]
    assert times["RecoveryPeriodInDays"] == 35


def test_a_table_without_recovery_cannot_be_restored(cloud: Cloud, table: Table) -> None:
    table.put("1", "before")
    table.recover(enabled=False)
    restore = table.client.restore_table_to_point_in_time

    code = error_of(restore, SourceTableName=table.name, TargetTableName="x-1", UseLatestRestorableTime=True)
    never = error_of(restore, SourceTableName=cloud.table(), TargetTableName="x-2", UseLatestRestorableTime=True)
    unknown = error_of(restore, SourceTableName="unknown", TargetTableName="x-3", UseLatestRestorableTime=True)

    assert (code, never) == ("PointInTimeRecoveryUnavailableException", "PointInTimeRecoveryUnavailableException")
    assert unknown == "TableNotFoundException"
    assert table.times() == {"PointInTimeRecoveryStatus": "DISABLED"}


def test_recovery_that_is_enabled_again_begins_anew(table: Table) -> None:
    table.put("1", "before")
    moment = table.moment()
    table.recover(enabled=False)
    time.sleep(max(0.0, moment.timestamp() + 1.1 - time.time()))  # a full second later
    table.recover()

    code = error_of(
        table.client.restore_table_to_point_in_time,
        SourceTableName=table.name, TargetTableName="again", RestoreDateTime=moment,
    )  # fmt: skip

    assert code == "InvalidRestoreTimeException"


def test_a_recovery_period_is_one_to_thirty_five_days_long(table: Table) -> None:
    table.recover(RecoveryPeriodInDays=7)
    update = table.client.update_continuous_backups
    too_long = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 36}

    assert table.times()["RecoveryPeriodInDays"] == 7
    assert error_of(update, TableName=table.name, PointInTimeRecoverySpecification=too_long) == "ValidationException"


def test_an_existing_table_is_not_overwritten(cloud: Cloud, table: Table) -> None:
    existing = cloud.table()

    code = error_of(
        table.client.restore_table_to_point_in_time,
        SourceTableName=table.name, TargetTableName=existing, UseLatestRestorableTime=True,
    )  # fmt: skip

    assert code == "TableAlreadyExistsException"


INDEX = {
    "IndexName": "by-value",
    "KeySchema": [{"AttributeName": "value", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
    "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
}


@pytest.fixture
def furnished(cloud: Cloud) -> Table:
    """A table with everything that a restore keeps or loses."""
    key_id = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    table = Table(
        cloud,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
        AttributeDefinitions=[*KEYS, {"AttributeName": "value", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[INDEX],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key_id},
        DeletionProtectionEnabled=True,
        Tags=[{"Key": "Project", "Value": "x"}],
    )
    ttl = {"Enabled": True, "AttributeName": "expiresAt"}
    table.client.update_time_to_live(TableName=table.name, TimeToLiveSpecification=ttl)
    return table


def test_a_restore_keeps_indexes_capacity_and_encryption(furnished: Table) -> None:
    furnished.put("1", "indexed")
    restored = furnished.restored(RestoreDateTime=furnished.moment())

    source = furnished.client.describe_table(TableName=furnished.name)["Table"]
    target = furnished.client.describe_table(TableName=restored)["Table"]
    kept = ("KeySchema", "AttributeDefinitions", "BillingModeSummary", "SSEDescription")
    assert {name: target[name] for name in kept} == {name: source[name] for name in kept}
    assert target["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    [index] = target["GlobalSecondaryIndexes"]
    assert {name: index[name] for name in INDEX if name != "ProvisionedThroughput"} == {
        name: INDEX[name] for name in INDEX if name != "ProvisionedThroughput"
    }
    assert index["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
    found = furnished.client.query(
        TableName=restored, IndexName="by-value", KeyConditionExpression="#v = :v",
        ExpressionAttributeNames={"#v": "value"}, ExpressionAttributeValues={":v": {"S": "indexed"}},
    )  # fmt: skip
    assert [each["id"]["S"] for each in found["Items"]] == ["1"]


def test_a_restore_loses_tags_stream_time_to_live_protection_and_recovery(furnished: Table) -> None:
    restored, client = furnished.restored(RestoreDateTime=furnished.moment()), furnished.client

    table = client.describe_table(TableName=restored)["Table"]
    recovery = client.describe_continuous_backups(TableName=restored)["ContinuousBackupsDescription"]
    assert "StreamSpecification" not in table
    assert not table["DeletionProtectionEnabled"]
    assert client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == []
    assert client.describe_time_to_live(TableName=restored)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    assert recovery["PointInTimeRecoveryDescription"] == {"PointInTimeRecoveryStatus": "DISABLED"}


def test_a_request_overrides_billing_indexes_and_encryption(furnished: Table) -> None:
    restored = furnished.restored(
        RestoreDateTime=furnished.moment(),
        BillingModeOverride="PAY_PER_REQUEST",
        GlobalSecondaryIndexOverride=[],
        SSESpecificationOverride={"Enabled": True, "SSEType": "KMS"},
    )

    table = furnished.client.describe_table(TableName=restored)["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert not table.get("GlobalSecondaryIndexes")
    assert table["SSEDescription"]["KMSMasterKeyArn"].endswith("alias/aws/dynamodb")


def test_a_restored_table_says_where_it_comes_from(table: Table) -> None:
    moment = table.moment()
    name = table.cloud.name("restored")

    response = table.client.restore_table_to_point_in_time(
        SourceTableName=table.name, TargetTableName=name, RestoreDateTime=moment
    )["TableDescription"]
    described = table.client.describe_table(TableName=name)["Table"]

    arn = table.client.describe_table(TableName=table.name)["Table"]["TableArn"]
    summary = {"SourceTableArn": arn, "RestoreDateTime": moment}
    assert response["TableStatus"] == "CREATING"
    assert {**response["RestoreSummary"]} == {**summary, "RestoreInProgress": True}
    assert described["TableStatus"] == "ACTIVE"
    assert {**described["RestoreSummary"]} == {**summary, "RestoreInProgress": False}


@pytest.fixture
def own_engine() -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(f"recovery-{worker()}", port="auto")
    yield engine
    engine.stop()


def test_changes_survive_a_restart_of_the_engine(own_engine: EmbeddedEngine) -> None:
    with serving(own_engine) as cloud:
        table = Table(cloud)
        table.put("1", "before")
        moment = table.moment()
        table.put("1", "after")
        own_engine.snapshots.take(own_engine.folder.with_name("changes"))
    own_engine.snapshots.start(own_engine.folder.with_name("changes"), tied=True)
    own_engine.wait_healthy()
    again = Table.__new__(Table)
    again.cloud, again.name = Cloud(own_engine), table.name
    again.client = again.cloud.client("dynamodb")

    restored = again.restored(RestoreDateTime=moment)

    assert again.items(again.name) == {"1": "after"}
    assert again.items(restored) == {"1": "before"}


def test_the_latest_restorable_time_may_lag_as_on_aws(own_engine: EmbeddedEngine) -> None:
    with serving(own_engine, EMBEDDED_RESTORE_LAG="300") as cloud:
        table = Table(cloud)
        latest = table.times()["LatestRestorableDateTime"]

    assert 295 <= time.time() - latest.timestamp() <= 330
