"""LocalStack on this computer belongs to who started it, like the embedded engine: the same attacks, by HTTP."""

import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from urllib.parse import urlsplit

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from harness.engine import REGION, pythons
from harness.engine.localstack_host import PYTHON
from tests.engine.cloud import Cloud
from tests.engine.test_guard import CREATE_ROLE, presigned, roles, root, send, signed

pytestmark = pytest.mark.skipif(
    pythons.find(PYTHON) is None, reason=f"no Python {PYTHON} on PATH, under pyenv or known to uv: LocalStack needs it"
)

CONTROL_PATHS = [
    "/_localstack/health",  # POST may end or restart LocalStack
    "/_localstack/state/reset",
    "/_localstack/info",
    "/_localstack/init",
    "/_aws/lambda/runtimes",
    "/_aws/sqs/messages",
    "//_localstack/state/reset",
    "/%5flocalstack/state/reset",
]
PUBLIC_KEYS = [
    ("test", "test"),
    ("000000000000", "test"),
    ("__internal_call__", "__internal_call__"),
    ("000000000000", "__internal_call__"),
    ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY"),  # moto's answer to GetSessionToken
    ("injectedaccesskey", "test"),
]


@pytest.fixture(scope="module")
def user(cloud: Cloud) -> Credentials:
    """The keys of an IAM user."""
    name = cloud.name("user")
    cloud.client("iam").create_user(UserName=name)
    key = cloud.client("iam").create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def session(cloud: Cloud) -> Credentials:
    """The keys of a role's session, as a function has them."""
    keys = cloud.client("sts").assume_role(RoleArn=cloud.role(), RoleSessionName="test")["Credentials"]
    return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


@pytest.fixture(scope="module")
def document(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """An object of S3: its bucket and key."""
    bucket = cloud.name("bucket")
    cloud.client("s3").create_bucket(Bucket=bucket)
    cloud.client("s3").put_object(Bucket=bucket, Key="a b.pdf", Body=b"%PDF")
    yield bucket, "a%20b.pdf"
    body = cloud.client("s3").get_object(Bucket=bucket, Key="a b.pdf")["Body"].read()
    assert body == b"%PDF"


@pytest.fixture(scope="module")
def api(cloud: Cloud) -> str:
    """The path of a deployed API that answers GET with 204."""
    gateway = cloud.client("apigateway")
    api_id = gateway.create_rest_api(name=cloud.name("api"))["id"]
    where = {"restApiId": api_id, "resourceId": gateway.get_resources(restApiId=api_id)["items"][0]["id"]}
    get = {**where, "httpMethod": "GET"}
    gateway.put_method(**get, authorizationType="NONE")
    gateway.put_integration(**get, type="MOCK", requestTemplates={"application/json": '{"statusCode": 204}'})
    gateway.put_method_response(**get, statusCode="204")
    gateway.put_integration_response(**get, statusCode="204")
    gateway.create_deployment(restApiId=api_id, stageName="v1")
    return f"/_aws/execute-api/{api_id}/v1/"


@pytest.mark.parametrize("path", CONTROL_PATHS)
def test_control_paths_are_for_root_alone(cloud: Cloud, user: Credentials, path: str) -> None:
    table = cloud.table()

    for query in ("", "?Signature=x", "?X-Amz-Signature=x&X-Amz-Credential=test/1/2/s3/aws4_request"):
        assert send(cloud, "POST", path + query, '{"action": "kill"}') == 403
    assert send(cloud, "POST", path, headers=signed(cloud, user, "engine", path)) == 403

    assert table in cloud.client("dynamodb").list_tables()["TableNames"]


def test_health_needs_no_keys(cloud: Cloud) -> None:
    assert send(cloud, "GET", "/_localstack/health") == 200


@pytest.mark.parametrize("keys", PUBLIC_KEYS)
def test_keys_that_everybody_knows_open_nothing(cloud: Cloud, keys: tuple[str, str]) -> None:
    assert send(cloud, "POST", "/", CREATE_ROLE, signed(cloud, Credentials(*keys), "iam", body=CREATE_ROLE)) == 403

    assert "intruder" not in roles(cloud)


def test_unsigned_requests_change_nothing(cloud: Cloud) -> None:
    assert send(cloud, "POST", "/", CREATE_ROLE, {"Content-Type": "application/x-www-form-urlencoded"}) == 403
    assert send(cloud, "POST", "/?" + CREATE_ROLE) == 403
    assert send(cloud, "PUT", "/stolen-bucket") == 403
    assert send(cloud, "POST", "/", CREATE_ROLE, {"x-host-internal": "", "x-localstack-data": "{}"}) == 403
    assert send(cloud, "GET", "/", headers={"Upgrade": "websocket", "Connection": "Upgrade"}) == 403

    assert "intruder" not in roles(cloud)
    assert "stolen-bucket" not in [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]


def test_a_signature_covers_secret_body_and_path(cloud: Cloud) -> None:
    guessed = Credentials(root(cloud).access_key, "guessed")
    others = signed(cloud, root(cloud), "iam", body="Action=ListRoles&Version=2010-05-08")
    elsewhere = signed(cloud, root(cloud), "engine", "/_localstack/info")

    assert send(cloud, "POST", "/", CREATE_ROLE, signed(cloud, guessed, "iam", body=CREATE_ROLE)) == 403
    assert send(cloud, "POST", "/", CREATE_ROLE, others) == 403
    assert send(cloud, "POST", "/_localstack/state/reset", headers=elsewhere) == 403

    assert "intruder" not in roles(cloud)


def test_users_and_roles_have_keys_of_their_own(cloud: Cloud, user: Credentials, session: Credentials) -> None:
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    without_token = Credentials(session.access_key, session.secret_key)

    assert send(cloud, "POST", "/", body, signed(cloud, user, "sts", body=body)) == 200
    assert send(cloud, "POST", "/", body, signed(cloud, session, "sts", body=body)) == 200
    assert send(cloud, "POST", "/", body, signed(cloud, without_token, "sts", body=body)) == 403


@pytest.mark.parametrize("service", ["iam", "s3", "dynamodb", "sts"])
def test_the_rejection_is_one_that_clients_can_read(cloud: Cloud, service: str) -> None:
    operation = {"iam": "list_roles", "s3": "list_buckets", "dynamodb": "list_tables", "sts": "get_caller_identity"}
    keys = {**cloud.keys(), "aws_secret_access_key": "guessed"}
    client = boto3.client(service, endpoint_url=cloud.engine.endpoint.url, region_name=REGION, **keys)

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        getattr(client, operation[service])()


def test_presigned_urls_open_one_object(
    cloud: Cloud, user: Credentials, session: Credentials, document: tuple[str, str]
) -> None:
    for keys in (user, session):
        assert urllib3.request("GET", presigned(cloud, keys, "GET", *document)).data == b"%PDF"
    assert urllib3.request("PUT", presigned(cloud, session, "PUT", document[0], "b.txt"), body=b"b").status == 200

    url = presigned(cloud, user, "GET", *document)
    assert urllib3.request("GET", url.replace("a%20b.pdf", "b.txt")).status == 403
    assert urllib3.request("GET", url.partition("?")[0]).status == 403
    assert urllib3.request("PUT", url, body=b"x").status == 403
    for keys in (root(cloud), *(Credentials(*public) for public in PUBLIC_KEYS)):
        assert urllib3.request("GET", presigned(cloud, keys, "GET", *document)).status == 403
    for method in ("DELETE", "POST"):
        assert urllib3.request(method, presigned(cloud, user, method, *document)).status == 403
    assert urllib3.request("PUT", presigned(cloud, user, "PUT", "stolen-bucket", "")).status == 403


def test_other_presigned_requests_are_rejected(cloud: Cloud, user: Credentials, document: tuple[str, str]) -> None:
    request = AWSRequest("GET", f"{cloud.engine.endpoint.url}/?{CREATE_ROLE}")
    SigV4QueryAuth(user, "iam", REGION, expires=60).add_auth(request)
    keys = {"aws_access_key_id": user.access_key, "aws_secret_access_key": user.secret_key}
    config = Config(signature_version="s3")
    s3 = boto3.client("s3", endpoint_url=cloud.engine.endpoint.url, region_name=REGION, config=config, **keys)
    old = s3.generate_presigned_url("get_object", Params={"Bucket": document[0], "Key": "a b.pdf"})

    assert urllib3.request("GET", str(request.url)).status == 403
    assert urllib3.request("GET", old).status == 403


@pytest.mark.parametrize("host", ["evil.example", "", "bucket.s3.localhost", "a1.execute-api.localhost", "127.0.0.1."])
def test_a_foreign_host_is_rejected(cloud: Cloud, api: str, host: str) -> None:
    assert send(cloud, "GET", "/_localstack/health", headers={"Host": host}) == 403
    assert send(cloud, "GET", api, headers={"Host": host}) == 403


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_pages_of_other_sites_reach_only_deployed_apis(
    cloud: Cloud, user: Credentials, document: tuple[str, str], api: str, headers: dict[str, str]
) -> None:
    url = urlsplit(presigned(cloud, user, "GET", *document))

    assert send(cloud, "GET", "/_localstack/health", headers=headers) == 403
    assert send(cloud, "GET", f"{url.path}?{url.query}", headers=headers) == 403
    assert send(cloud, "POST", "/", CREATE_ROLE, signed(cloud, root(cloud), "iam", body=CREATE_ROLE) | headers) == 403
    assert send(cloud, "GET", api) == 204


@pytest.mark.parametrize(
    "path",
    [
        "/_aws/execute-api/a1b2c3/v1/", "/_aws/execute-api/a1b2c3/v1", "/restapis/a1b2c3/v1/_user_request_/",
        "/_aws/execute-api/a1b2c3", "/_aws/execute-api/../../_localstack/state/reset", "/2015-03-31/functions",
        "/_aws/execute-api/a1b2c3/v1/..%2f..%2f..%2f..%2f_localstack/state/reset",
    ],
)  # fmt: skip
def test_where_no_api_is_deployed_nothing_is_open(cloud: Cloud, path: str) -> None:
    """Not even if the headers name another service, as LocalStack would believe."""
    table = cloud.table()
    target = {"X-Amz-Target": "DynamoDB_20120810.DeleteTable", "Content-Type": "application/x-amz-json-1.0"}

    assert send(cloud, "POST", path, json.dumps({"TableName": table}), target) in {403, 404}

    assert table in cloud.client("dynamodb").list_tables()["TableNames"]


def test_headers_do_not_turn_a_call_of_an_api_into_another(cloud: Cloud, api: str) -> None:
    table = cloud.table()
    target = {"X-Amz-Target": "DynamoDB_20120810.DeleteTable", "Content-Type": "application/x-amz-json-1.0"}

    for path in (api, api.rstrip("/"), f"{api}nowhere"):
        send(cloud, "POST", path, json.dumps({"TableName": table}), target)

    assert table in cloud.client("dynamodb").list_tables()["TableNames"]


def test_a_page_cannot_create_and_call_a_function(cloud: Cloud) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    headers = {"Content-Type": "text/plain", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

    assert send(cloud, "POST", "/2015-03-31/functions", "{}", headers) == 403
    assert send(cloud, "POST", "/2015-03-31/functions/intruder/invocations", "{}", headers) == 403
    assert send(cloud, "POST", "/2015-03-31/functions", "{}") == 403


def test_keys_are_random_and_the_owners_alone(cloud: Cloud) -> None:
    folder = cloud.engine.log.parent

    assert root(cloud).access_key != "test"
    assert len(root(cloud).secret_key) >= 32
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "engine.json").stat().st_mode) == 0o600
    assert os.access(folder / "engine.json", os.R_OK)


def test_a_function_has_neither_roots_keys_nor_the_internal_secret(cloud: Cloud) -> None:
    """All that a function sees in its environment are the keys of its role."""
    name = cloud.function("""
        import os
        def handler(event, context):
            return dict(os.environ)
    """)
    cloud.client("lambda").get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    environment = cloud.invoke(name)[1]

    assert environment["AWS_ACCESS_KEY_ID"] != root(cloud).access_key
    assert root(cloud).secret_key not in environment.values()
    keys = Credentials(environment["AWS_ACCESS_KEY_ID"], "__internal_call__", environment["AWS_SESSION_TOKEN"])
    request = AWSRequest("GET", cloud.engine.endpoint.url + "/")
    SigV4Auth(keys, "s3", REGION).add_auth(request)
    assert send(cloud, "GET", "/", headers=dict(request.headers.items())) == 403
