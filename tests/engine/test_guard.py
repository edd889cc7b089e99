"""The engine belongs to who started it: nothing changes, and nothing is read, without the keys of its users."""

import http.client
import json
import multiprocessing
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import urllib3
from botocore.auth import S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from harness.engine import REGION, EmbeddedEngine, local_server
from tests.engine.cloud import Cloud, allow, worker

NOBODY = 65534
CREATE_ROLE = "Action=CreateRole&Version=2010-05-08&RoleName=intruder&AssumeRolePolicyDocument=%7B%7D"
CONTROL_PATHS = ["/_ministack/reset", "/_ministack/config", "/_embedded/save", "/_localstack/health"]


@pytest.fixture(scope="module")
def user(cloud: Cloud) -> Credentials:
    """The keys of an IAM user who may do everything."""
    iam, name = cloud.client("iam"), cloud.name("user")
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": [allow("*")]}
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def document(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """An object of S3: its bucket and key."""
    bucket = cloud.name("bucket")
    cloud.client("s3").create_bucket(Bucket=bucket)
    cloud.client("s3").put_object(Bucket=bucket, Key="a.pdf", Body=b"%PDF", ContentType="application/pdf")
    yield bucket, "a.pdf"
    cloud.client("s3").delete_object(Bucket=bucket, Key="a.pdf")


def send(cloud: Cloud, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None) -> int:
    """Send a request just as it is; returns the response's status."""
    connection = http.client.HTTPConnection("127.0.0.1", cloud.engine.endpoint.port, timeout=10)
    headers = dict(headers or {})
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            connection.putheader(name, value)
        connection.endheaders(body.encode())
        return connection.getresponse().status
    finally:
        connection.close()


def signed(cloud: Cloud, keys: Credentials, service: str, path: str = "/", body: str = "") -> dict[str, str]:
    """The headers of a signed POST."""
    request = AWSRequest("POST", cloud.engine.endpoint.url + path, data=body)
    if body:
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    SigV4Auth(keys, service, REGION).add_auth(request)
    return dict(request.headers.items())


def presigned(cloud: Cloud, keys: Credentials, method: str, bucket: str, key: str) -> str:
    request = AWSRequest(method, f"{cloud.engine.endpoint.url}/{bucket}/{key}")
    S3SigV4QueryAuth(keys, "s3", REGION, expires=60).add_auth(request)
    assert request.url
    return request.url


def root(cloud: Cloud) -> Credentials:
    return cloud.credentials()


def roles(cloud: Cloud) -> list[str]:
    return [role["RoleName"] for role in cloud.client("iam").list_roles()["Roles"]]


def test_each_engine_has_root_keys_of_its_own(cloud: Cloud) -> None:
    other = EmbeddedEngine(f"guard-{worker()}", port="auto")
    other.start(tied=True)
    try:
        other.wait_healthy()
        keys = {name.lower(): value for name, value in other.endpoint.environment().items() if "KEY" in name}

        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            boto3.client("iam", endpoint_url=cloud.engine.endpoint.url, region_name=REGION, **keys).list_roles()

        assert keys != cloud.keys()
    finally:
        other.stop()


@pytest.mark.parametrize("path", CONTROL_PATHS)
@pytest.mark.parametrize("query", ["", "?Signature=x", "?X-Amz-Signature=x&X-Amz-Credential=test/1/2/s3/aws4_request"])
def test_control_paths_need_a_signature(cloud: Cloud, path: str, query: str) -> None:
    table = cloud.table()

    assert send(cloud, "POST", path + query) == 403
    assert send(cloud, "GET", path + query) == 403

    assert table in cloud.client("dynamodb").list_tables()["TableNames"]


@pytest.mark.parametrize("path", CONTROL_PATHS)
def test_control_paths_are_for_root_alone(cloud: Cloud, user: Credentials, path: str) -> None:
    assert send(cloud, "POST", path, headers=signed(cloud, user, "engine", path)) == 403


@pytest.mark.parametrize(
    "keys", [("test", "test"), ("000000000000", "test"), ("123456789012", "x"), ("AKIAIOSFODNN7EXAMPLE", "x")]
)
def test_keys_that_everybody_knows_open_nothing(cloud: Cloud, keys: tuple[str, str]) -> None:
    headers = signed(cloud, Credentials(*keys), "iam", body=CREATE_ROLE)

    assert send(cloud, "POST", "/", CREATE_ROLE, headers) == 403

    assert "intruder" not in roles(cloud)


def test_unsigned_requests_change_nothing(cloud: Cloud) -> None:
    assert send(cloud, "POST", "/", CREATE_ROLE, {"Content-Type": "application/x-www-form-urlencoded"}) == 403
    assert send(cloud, "POST", "/?" + CREATE_ROLE) == 403
    assert send(cloud, "PUT", "/stolen-bucket") == 403
    assert send(cloud, "POST", "/restapis", "{}", {"Content-Type": "text/plain"}) == 403

    assert "intruder" not in roles(cloud)
    assert "stolen-bucket" not in [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]


def test_a_wrong_secret_opens_nothing(cloud: Cloud) -> None:
    keys = Credentials(root(cloud).access_key, "guessed")

    assert send(cloud, "POST", "/", CREATE_ROLE, signed(cloud, keys, "iam", body=CREATE_ROLE)) == 403

    assert "intruder" not in roles(cloud)


def test_a_signature_covers_the_body(cloud: Cloud, document: tuple[str, str]) -> None:
    headers = signed(cloud, root(cloud), "iam", body="Action=ListRoles&Version=2010-05-08")
    assert send(cloud, "POST", "/", CREATE_ROLE, headers) == 403

    url = f"{cloud.engine.endpoint.url}/{document[0]}/b.txt"
    request = AWSRequest("PUT", url, data=b"mine", headers={"x-amz-content-sha256": "0" * 64})
    SigV4Auth(root(cloud), "s3", REGION).add_auth(request)
    assert send(cloud, "PUT", urlsplit(url).path, "else", dict(request.headers.items())) == 403


def test_a_signature_is_for_one_path(cloud: Cloud) -> None:
    headers = signed(cloud, root(cloud), "engine", "/_ministack/health")

    assert send(cloud, "POST", "/_ministack/reset", headers=headers) == 403


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("iam", "list_roles"),
        ("s3", "list_buckets"),
        ("dynamodb", "list_tables"),
        ("sts", "get_caller_identity"),
        ("sns", "list_topics"),
    ],
)
def test_the_rejection_is_one_that_clients_can_read(cloud: Cloud, service: str, operation: str) -> None:
    keys = {**cloud.keys(), "aws_secret_access_key": "guessed"}
    client = boto3.client(service, endpoint_url=cloud.engine.endpoint.url, region_name=REGION, **keys)

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        getattr(client, operation)()


def test_a_url_presigned_by_a_user_opens_its_object(cloud: Cloud, user: Credentials, document: tuple[str, str]) -> None:
    response = urllib3.request("GET", presigned(cloud, user, "GET", *document))

    assert (response.status, response.data, response.headers["Content-Type"]) == (200, b"%PDF", "application/pdf")
    assert urllib3.request("HEAD", presigned(cloud, user, "HEAD", *document)).status == 200
    assert urllib3.request("PUT", presigned(cloud, user, "PUT", document[0], "b.txt"), body=b"b").status == 200


def test_a_changed_presigned_url_opens_nothing(cloud: Cloud, user: Credentials, document: tuple[str, str]) -> None:
    url = presigned(cloud, user, "GET", *document)

    assert urllib3.request("GET", url.replace("a.pdf", "b.pdf")).status == 403
    assert urllib3.request("GET", url.partition("?")[0]).status == 403
    assert urllib3.request("PUT", url, body=b"x").status == 403


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_urls_that_root_presigned_are_not_honoured(cloud: Cloud, method: str, document: tuple[str, str]) -> None:
    assert urllib3.request(method, presigned(cloud, root(cloud), method, *document)).status == 403
    assert urllib3.request(method, presigned(cloud, Credentials("test", "test"), method, *document)).status == 403


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_presigned_urls_change_nothing_but_an_object(
    cloud: Cloud, user: Credentials, method: str, document: tuple[str, str]
) -> None:
    assert urllib3.request(method, presigned(cloud, user, method, *document)).status == 403

    body = cloud.client("s3").get_object(Bucket=document[0], Key=document[1])["Body"].read()
    assert body == b"%PDF"


def test_presigned_urls_create_no_bucket(cloud: Cloud, user: Credentials) -> None:
    assert urllib3.request("PUT", presigned(cloud, user, "PUT", "stolen-bucket", "")).status == 403


def test_other_services_take_no_presigned_urls(cloud: Cloud, user: Credentials) -> None:
    request = AWSRequest("GET", f"{cloud.engine.endpoint.url}/?{CREATE_ROLE}")
    SigV4QueryAuth(user, "iam", REGION, expires=60).add_auth(request)

    assert request.url
    assert urllib3.request("GET", request.url).status == 403

    assert "intruder" not in roles(cloud)


def test_old_query_signatures_are_rejected(cloud: Cloud, user: Credentials, document: tuple[str, str]) -> None:
    keys = {"aws_access_key_id": user.access_key, "aws_secret_access_key": user.secret_key}
    config = Config(signature_version="s3")
    s3 = boto3.client("s3", endpoint_url=cloud.engine.endpoint.url, region_name=REGION, config=config, **keys)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": document[0], "Key": document[1]})

    assert "Signature=" in url
    assert urllib3.request("GET", url).status == 403


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "bucket.s3.localhost",
        "a1b2c3.execute-api.localhost", "evil.localhost", "evil@127.0.0.1", "user:evil@localhost:4566",
        "127.0.0.1/evil", "127.0.0.1?evil", "localhost:evil", "localhost,evil.example",
    ],
)  # fmt: skip
def test_a_foreign_host_is_rejected(cloud: Cloud, host: str) -> None:
    assert send(cloud, "GET", "/_embedded/health", headers={"Host": host}) == 403
    assert send(cloud, "GET", "/_aws/execute-api/a1b2c3/v1/invoices", headers={"Host": host}) == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:4566", "[::1]:1"])
def test_a_loopback_host_is_accepted(cloud: Cloud, host: str) -> None:
    assert send(cloud, "GET", "/_embedded/health", headers={"Host": host}) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_reach_only_apis(
    cloud: Cloud, user: Credentials, document: tuple[str, str], headers: dict[str, str]
) -> None:
    """Even with a signature; the API answers 404 here, for there is none with that id."""
    url = urlsplit(presigned(cloud, user, "GET", *document))

    assert send(cloud, "GET", "/_embedded/health", headers=headers) == 403
    assert send(cloud, "GET", f"{url.path}?{url.query}", headers=headers) == 403
    assert send(cloud, "POST", "/", CREATE_ROLE, signed(cloud, root(cloud), "iam", body=CREATE_ROLE) | headers) == 403
    assert send(cloud, "GET", "/_aws/execute-api/a1b2c3/v1/invoices", headers=headers) == 404


@pytest.mark.parametrize(
    "path",
    [
        "/restapis/a1b2c3/deployments", "/_aws/execute-api/a1b2c3", "/_aws/lambda-url/a1b2c3/", "/_aws/ses",
        "/_aws/execute-api/../../_ministack/reset", "//_ministack/reset",
    ],
)  # fmt: skip
def test_only_the_invocation_path_of_an_api_is_open(cloud: Cloud, path: str) -> None:
    table = cloud.table()

    assert send(cloud, "POST", path) in {403, 404}

    assert table in cloud.client("dynamodb").list_tables()["TableNames"]


def test_what_the_engine_keeps_is_the_owners_alone(cloud: Cloud) -> None:
    folder = cloud.engine.log.parent

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "engine.json").stat().st_mode) == 0o600
    readable = [path for path in (folder / "state").rglob("*") if path.stat().st_mode & 0o077]
    assert readable == []


def intrude(port: int, pid: int, folder: str, result: Any) -> None:
    """As another user of the machine: read what can be read, and send what can be sent."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    readable = []
    for path in [Path(folder), Path(folder) / "engine.json", Path(folder) / "state", Path(f"/proc/{pid}/environ")]:
        try:
            readable.append(str(list(path.iterdir()) if path.is_dir() else path.read_bytes()))
        except PermissionError:
            continue
    statuses = []
    for method, target in [
        ("POST", "/_ministack/reset"),
        ("POST", f"/?{CREATE_ROLE}"),
        ("GET", "/"),
        ("PUT", "/stolen"),
    ]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, target)
        statuses.append(connection.getresponse().status)
        connection.close()
    result.put((readable, statuses))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user of this machine")
def test_another_user_of_the_machine_gets_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an engine in a folder that everybody can reach
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    monkeypatch.setattr(local_server, "FOLDER", folder)
    engine = EmbeddedEngine(f"shared-{worker()}", port="auto")
    engine.start(tied=True)
    try:
        engine.wait_healthy()
        table = Cloud(engine).table()

        # WHEN another user tries to read its files and to change something
        processes = multiprocessing.get_context("fork")
        result = processes.SimpleQueue()
        intruder = processes.Process(
            target=intrude, args=(engine.endpoint.port, engine.pid, str(engine.folder), result)
        )
        intruder.start()
        intruder.join(30)

        # THEN nothing can be read, and nothing is done
        assert intruder.exitcode == 0
        assert result.get() == ([], [403, 403, 403, 403])
        assert Cloud(engine).client("dynamodb").list_tables()["TableNames"] == [table]
        assert roles(Cloud(engine)) == []
    finally:
        engine.stop()
        shutil.rmtree(folder)
