"""CloudWatch alarms, and the protocols of their clients."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.exceptions
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from tests.engine.cloud import Cloud, eventually


def put(cloud: Cloud, namespace: str, name: str, value: float, **dimensions: str) -> None:
    datum = {"MetricName": name, "Value": value, "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()]}
    cloud.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


def query(identifier: str, namespace: str, name: str, stat: str = "Sum") -> dict[str, Any]:
    metric = {"Namespace": namespace, "MetricName": name}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}, "ReturnData": False}


def alarm(cloud: Cloud, **settings: Any) -> str:
    name = cloud.name("alarm")
    common = {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    cloud.client("cloudwatch").put_metric_alarm(AlarmName=name, **{**common, **settings})
    return name


def state(cloud: Cloud, name: str) -> str:
    return str(cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])


def test_an_alarm_on_metric_math_notifies_the_topic(cloud: Cloud) -> None:
    # GIVEN an alarm on errors in more than 1 % of invocations
    namespace, (url, queue_arn) = cloud.name("Namespace"), cloud.queue()
    topic = cloud.client("sns").create_topic(Name=cloud.name("topic"))["TopicArn"]
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    rate = {"Id": "rate", "Expression": "IF(invocations > 0, 100 * errors / invocations, 0)", "ReturnData": True}
    name = alarm(
        cloud,
        Metrics=[query("errors", namespace, "Errors"), query("invocations", namespace, "Invocations"), rate],
        AlarmActions=[topic],
        TreatMissingData="notBreaching",
    )
    stored = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]

    assert [query["Id"] for query in stored["Metrics"]] == ["errors", "invocations", "rate"]
    assert "Statistic" not in stored

    eventually(lambda: state(cloud, name) == "OK", event="the state OK without data")

    # WHEN two of a hundred fail
    put(cloud, namespace, "Invocations", 100)
    put(cloud, namespace, "Errors", 2)

    # THEN the topic receives a message
    [message] = cloud.receive(url)
    notification = json.loads(json.loads(message["Body"])["Message"])

    assert (notification["AlarmName"], notification["NewStateValue"]) == (name, "ALARM")


def test_an_alarm_uses_only_its_own_dimensions(cloud: Cloud) -> None:
    namespace = cloud.name("Namespace")
    dimensions = [{"Name": "FunctionName", "Value": "mine"}]
    settings = {"Namespace": namespace, "MetricName": "Errors", "Statistic": "Sum", "Period": 60}
    name = alarm(cloud, **settings, Dimensions=dimensions, TreatMissingData="notBreaching")
    put(cloud, namespace, "Errors", 5, FunctionName="other")
    eventually(lambda: state(cloud, name) == "OK")
    put(cloud, namespace, "Errors", 5, FunctionName="mine")
    eventually(lambda: state(cloud, name) == "ALARM")


@pytest.mark.parametrize(("missing", "expected"), [("breaching", "ALARM"), ("notBreaching", "OK")])
def test_missing_data_counts_as_configured(cloud: Cloud, missing: str, expected: str) -> None:
    settings = {"Namespace": cloud.name("N"), "MetricName": "M", "Statistic": "Sum", "Period": 60}
    name = alarm(cloud, **settings, TreatMissingData=missing)
    eventually(lambda: state(cloud, name) == expected)


def test_a_percentile_alarm_has_no_statistic(cloud: Cloud) -> None:
    settings = {"Namespace": cloud.name("N"), "MetricName": "M", "ExtendedStatistic": "p95", "Period": 60}
    name = alarm(cloud, **settings)
    stored = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]

    assert stored["ExtendedStatistic"] == "p95"
    assert "Statistic" not in stored


@pytest.mark.parametrize("expression", ["__import__('os')", "SEARCH('x', 'Sum', 60)", "m1 +", "other * 2", "m1.real"])
def test_an_unsupported_expression_is_rejected(cloud: Cloud, expression: str) -> None:
    queries = [query("m1", "N", "M"), {"Id": "e", "Expression": expression, "ReturnData": True}]
    with pytest.raises(botocore.exceptions.ClientError, match="ValidationError"):
        alarm(cloud, Metrics=queries)


def call(cloud: Cloud, **form: str) -> tuple[int, str]:
    """Send a request in the Query protocol, as Terraform's provider does."""
    request = AWSRequest("POST", cloud.engine.endpoint.url + "/", data={"Version": "2010-08-01", **form})
    SigV4Auth(cloud.credentials(), "monitoring", "us-east-1").add_auth(request)
    prepared = request.prepare()
    response = urllib3.request("POST", prepared.url, body=str(prepared.body), headers=dict(prepared.headers))
    return response.status, response.data.decode()


def test_the_query_protocol_loses_nothing(cloud: Cloud) -> None:
    name = cloud.name("alarm")
    form = {
        "AlarmName": name,
        "EvaluationPeriods": "2",
        "DatapointsToAlarm": "1",
        "Threshold": "0.5",
        "ComparisonOperator": "GreaterThanThreshold",
        "InsufficientDataActions.member.1": "arn:aws:sns:us-east-1:000000000000:t",
        "Metrics.member.1.Id": "m1",
        "Metrics.member.1.ReturnData": "true",
        "Metrics.member.1.MetricStat.Stat": "Sum",
        "Metrics.member.1.MetricStat.Period": "60",
        "Metrics.member.1.MetricStat.Metric.Namespace": "N",
        "Metrics.member.1.MetricStat.Metric.MetricName": "M",
        "Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Name": "D",
        "Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Value": "<&>",
        "Tags.member.1.Key": "Environment",
        "Tags.member.1.Value": "dev",
    }

    assert call(cloud, Action="PutMetricAlarm", **form)[0] == 200

    stored = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]

    assert stored["InsufficientDataActions"] == ["arn:aws:sns:us-east-1:000000000000:t"]
    assert stored["DatapointsToAlarm"] == 1
    assert stored["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "D", "Value": "<&>"}]

    status, xml = call(cloud, Action="DescribeAlarms", **{"AlarmNames.member.1": name})

    assert status == 200
    assert "<Value>&lt;&amp;&gt;</Value>" in xml
    assert "<Threshold>0.5</Threshold>" in xml

    arn = stored["AlarmArn"]

    assert "<Key>Environment</Key><Value>dev</Value>" in call(cloud, Action="ListTagsForResource", ResourceARN=arn)[1]


def test_errors_have_the_codes_of_the_query_protocol(cloud: Cloud) -> None:
    status, xml = call(cloud, Action="GetDashboard", DashboardName="none")

    assert (status, "<Code>ResourceNotFound</Code>" in xml) == (404, True)
    with pytest.raises(botocore.exceptions.ClientError, match="ResourceNotFound"):
        cloud.client("cloudwatch").get_dashboard(DashboardName="none")


def call_in_cbor(cloud: Cloud, operation: str, body: bytes) -> urllib3.BaseHTTPResponse:
    """Send a request in the CBOR protocol, as boto3 does."""
    url = f"{cloud.engine.endpoint.url}/service/GraniteServiceVersion20100801/operation/{operation}"
    headers = {"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}
    request = AWSRequest("POST", url, data=body, headers=headers)
    SigV4Auth(cloud.credentials(), "monitoring", "us-east-1").add_auth(request)
    return urllib3.request("POST", url, body=body, headers=dict(request.headers.items()))


def text(value: str) -> bytes:
    """A short text in CBOR."""
    return bytes([0x60 | len(value)]) + value.encode()


def test_cbor_is_read_in_every_form_that_encoders_may_write(cloud: Cloud) -> None:
    # GIVEN lists and maps of unknown length, a half-precision float, and a time with a tag
    namespace, now = cloud.name("N"), int(time.time())
    value, timestamp = b"\xf9\x3c\x00", b"\xc1\x1a" + now.to_bytes(4, "big")
    datum = text("MetricName") + text("M") + text("Value") + value + text("Timestamp") + timestamp
    body = b"\xbf" + text("Namespace") + text(namespace) + text("MetricData") + b"\x9f\xbf" + datum + b"\xff\xff\xff"

    assert call_in_cbor(cloud, "PutMetricData", body).status == 200

    # WHEN boto3 reads the metric back, in CBOR too
    minute = datetime.fromtimestamp(now - now % 60, UTC)
    period = {"StartTime": minute, "EndTime": minute + timedelta(minutes=1), "Period": 60}
    metric = {"Namespace": namespace, "MetricName": "M", "Statistics": ["Sum"]}
    points = cloud.client("cloudwatch").get_metric_statistics(**metric, **period)["Datapoints"]

    # THEN numbers and times have their types
    assert [(point["Timestamp"], point["Sum"]) for point in points] == [(minute, 1.0)]


@pytest.mark.parametrize("body", [b"\x62a", b"\x9f", b"\x1c"])
def test_what_is_not_cbor_is_rejected(cloud: Cloud, body: bytes) -> None:
    response = call_in_cbor(cloud, "DescribeAlarms", body)

    assert (response.status, response.headers["x-amzn-query-error"]) == (400, "SerializationException;Sender")


def test_a_message_in_a_dead_letter_queue_starts_its_alarm(cloud: Cloud) -> None:
    url, arn = cloud.queue()
    dimensions = [{"Name": "QueueName", "Value": arn.rpartition(":")[2]}]
    settings = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Statistic": "Maximum"}
    name = alarm(cloud, **settings, Period=60, Threshold=0, Dimensions=dimensions, TreatMissingData="notBreaching")
    eventually(lambda: state(cloud, name) == "OK")
    cloud.client("sqs").send_message(QueueUrl=url, MessageBody="failed")
    eventually(lambda: state(cloud, name) == "ALARM")


def test_rejected_requests_start_a_buckets_alarm(cloud: Cloud) -> None:
    # GIVEN a bucket that counts all requests, and separately those below a prefix
    s3, bucket = cloud.client("s3"), cloud.name("bucket")
    s3.create_bucket(Bucket=bucket)
    for identity, prefix_filter in {"All": {}, "Reports": {"Filter": {"Prefix": "reports/"}}}.items():
        configuration = {"Id": identity, **prefix_filter}
        s3.put_bucket_metrics_configuration(Bucket=bucket, Id=identity, MetricsConfiguration=configuration)

    def alarm_on(identity: str) -> str:
        dimensions = [{"Name": "BucketName", "Value": bucket}, {"Name": "FilterId", "Value": identity}]
        settings = {"Namespace": "AWS/S3", "MetricName": "4xxErrors", "Statistic": "Sum", "Period": 60}
        return alarm(cloud, **settings, Dimensions=dimensions, TreatMissingData="notBreaching", Threshold=2)

    everything, reports = alarm_on("All"), alarm_on("Reports")

    # WHEN two objects do not exist, one request is not permitted, and the bucket has no lifecycle
    for _ in range(2):
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket=bucket, Key="gone")
    s3.put_object(Bucket=bucket, Key="reports/1", Body=b"1")
    stranger = cloud.function(
        f"""
        import boto3
        def handler(event, context):
            boto3.client("s3").get_object(Bucket="{bucket}", Key="reports/1")
        """
    )

    assert "AccessDenied" in cloud.invoke(stranger)[1]["errorMessage"]
    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)

    # THEN one alarm starts and the other does not
    eventually(lambda: state(cloud, everything) == "ALARM")

    assert state(cloud, reports) == "OK"

    metrics = cloud.client("cloudwatch").list_metrics(Namespace="AWS/S3", MetricName="4xxErrors")["Metrics"]
    filters = {tuple(d["Value"] for d in sorted(m["Dimensions"], key=lambda d: d["Name"])) for m in metrics}

    assert filters >= {(bucket, "All"), (bucket, "Reports")}
