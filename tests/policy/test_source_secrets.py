"""Source shows a secret that no plan shows: one in a local that nothing uses."""

import base64
from pathlib import Path

import pytest

from harness.policy import rules, source_secrets
from harness.policy.secret_shapes import random_in, shape_of

assert rules

KEY = "wJalrXUtnFEMI/" + "K7MDENG/bPxRfiCYEXAMPLEKEY"  # of AWS's documentation
TOKEN = "q7Rk2ZpX9v" + "LmT4sWbN8cYd1F"
UUID = "01234567-89ab-" + "4cde-8f01-23456789abcd"
PEM = "-----BEGIN EC PRIVATE" + " KEY-----\nMHcCAQEEIA"

SECRETS = [
    ("an AWS access key", "AK" + "IA" + "A" * 16),
    ("a chat webhook", "https://hooks." + "slack.com/services/T00000000/B00000000/XXXXXXXX"),
    ("a webhook", "https://hooks." + "zapier.com/hooks/catch/1234567/abcdefg/"),
    ("a webhook", "https://hook.eu1." + "make.com/" + "a" * 32),
    ("a webhook", "https://open." + "feishu.cn/open-apis/bot/v2/hook/" + UUID),
    ("a webhook", "https://open." + "larksuite.com/open-apis/bot/v2/hook/" + UUID),
    ("a chat webhook", "https://qyapi." + "weixin.qq.com/cgi-bin/webhook/send?key=" + UUID),
    ("a chat webhook", "https://oapi." + "dingtalk.com/robot/send?access_token=" + "0123456789abcdef" * 4),
    ("a webhook", "https://alert." + "victorops.com/integrations/generic/20131114/alert/" + UUID + "/everybody"),
    ("a webhook", "https://example.app." + "n8n.cloud/webhook/" + UUID),
    ("a webhook", "https://n8n.example.com/" + "webhook-test/" + UUID),
    (
        "a webhook",
        "https://events." + "pagerduty.com/integration/" + "R" + "0123456789ABCDEFGHIJKLMNOPQRSTU" + "/enqueue",
    ),
    ("a webhook", "https://example.azurewebsites.net/api/notify?" + "code=" + "Ab1" * 12),
    ("an API key", "pagerduty_integration_key: " + "R" + "0123456789ABCDEFGHIJKLMNOPQRSTU"),
    ("an API key", "u+" + "AbCdEf123456789012"),
    ("an API key", "S" + "K" + "0123456789abcdef" * 2),
    ("an API key", "A" + "C" + "0123456789abcdef" * 2),
    ("a token", "TWILIO_AUTH_" + "TOKEN=" + "0123456789abcdef" * 2),
    ("a shared access signature", "https://example.blob.core.windows.net/x?sv=1&sig=" + "A" * 44),
    ("a presigned address", "https://example.s3.amazonaws.com/x?X-Amz-" + "Signature=" + "0" * 64),
    ("an address with a password", "amqps://user:" + "not-a-password@mq.example.com/"),
    ("an address with a password", "POSTGRES://user:" + "not/a:password@db.example.com/"),
    ("an address with a password", "https://" + "0123456789abcdef" * 2 + "@o1.ingest.sentry.io/2"),
    ("an address with a password", "jdbc:oracle:thin:" + "user/not-a-password@db.example.com:1521/x"),
    ("an address with a password", "user/" + "not-a-password@//db.example.com:1521/x"),
    ("an address with a password", "user:" + "not-a-password@tcp(db.example.com:3306)/x"),
    ("a connection string", "Server=db.example.com;User Id=app;Pass" + "word=not-a-password"),
    ("a connection string", "host=db.example.com user=app pass" + "word=not-a-password"),
    ("a connection string", "pass" + "word='not-a-password' host=db.example.com"),
    ("a connection string", "PGPASS" + "WORD=not-a-password psql"),
    ("a connection string", "master_pass" + 'word = "not-a-password"'),
    ("a connection string", "user: app\npass" + "word: not-a-password\n"),
    ("a connection string", "machine db.example.com login app pass" + "word not-a-password"),
    ("a connection string", "mysql --pass" + "word not-a-password"),
    ("a connection string", "DSN=x;PWD={not-a-" + "password}"),
    ("a connection string", "jdbc:postgresql://db.example.com/x?user=app&pass" + "word=not-a-password"),
    ("a connection string", "jdbc:postgresql://db.example.com/x?pass" + "word=not-a-password&user=app"),
    ("a connection string", "https://api.example.com/?api_" + "key=not-a-key"),
    ("a connection string", '{"user": "app", "pass' + 'word": "not-a-password"}'),
    ("a password", "The mailbox of the alarms, pass" + "word: not-a-passw0rd"),
    ("a password", "the pass" + "word is not-a-passw0rd, for everybody"),
    ("an API key", "rk" + "_live_" + "A" * 16),
    ("a token", "github" + "_pat_" + "A" * 22),
    ("a token", "gl" + "rt-" + "A" * 20),
    ("a token", "sntry" + "s_" + "A" * 40),
    ("a token", "api_token: " + "0123456789abcdef" * 2),
    ("a private key", "-----BEGIN RSA PRIVATE" + " KEY-----"),
    ("a private key", "PuTTY-User-" + "Key-File-3: ssh-ed25519"),
    ("a private key, encoded", base64.b64encode(PEM.encode()).decode()),
    ("a private key, encoded", base64.b64encode(base64.b64encode(PEM.encode())).decode()),
    ("a connection string, encoded", "Server%3Dx%3BPass" + "word%3Dnot-a-password"),
]


@pytest.mark.parametrize(("name", "text"), SECRETS)
def test_a_secret_is_known_by_its_shape(name: str, text: str) -> None:
    assert (shape_of(text) or "").startswith(name)


@pytest.mark.parametrize("text", [KEY, f"secret={KEY}", KEY.replace("/", "x"), TOKEN, f'default = "{KEY}"'])
def test_a_secret_without_a_known_shape_is_random(text: str) -> None:
    assert random_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "/home/Developer1/Work/2026/Invoices/main/",  # 40 characters of those that AWS's keys have, as they all are
        "/Users/Anna/Documents/Platform2/Release3",
        "build/terraform/Plans/Production/Nov2026",
        "/tmp/tmpAb3dE9xY/build/artifacts/Zip1Ab2",
        "functions/create/" + "0123456789abcdef" * 4 + ".zip",
        "AWSLambdaBasicExecutionRoleForInvoices2026",
        "/var/Build1/Agent2/Work3/Checkout4/Repo5",
        "0123ABCD-89ab-4DEF-8123-456789abcdef",
    ],
)
def test_paths_names_and_digests_are_not_random(text: str) -> None:
    assert random_in(text) is None
    assert shape_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::123456789012:role/signature",
        "https://invoices.example.com,https://admin.invoices.example.com",
        "module.function.create-invoice.aws_sqs_queue.dead_letter",
        "Basic authentication is not offered.",
        "https://docs.example.com/webhooks/how-to-configure-the-webhooks-of-an-account",
        "https://example.com/invoices?code=200&key=invoices",
        "arn:aws:lambda:us-east-1:123456789012:function:webhook/integrations",
        "redis://cache.example.com:6379/0",
        "https://example.com:8443/packages/@scope",
        "password = var.password",
        "password = random_password.first.result",
        "password = jsondecode(data.x)",
        "password: give the name of the secret, not its value",
        "The password is rotated every 30 days, and a password is 12 characters long.",
        "api_key_secret = {",
        "password=${var.password}",
        "Set the password in the secret, and no other.",
        "https://reader@db.example.com/orders",
        base64.b64encode(b"a description of an invoice, in words").decode(),
        "DE89 3704 0044 0532 0130 00",
    ],
)
def test_other_texts_are_no_secrets(text: str) -> None:
    assert shape_of(text) is None


def test_an_unused_local_is_found_with_its_line_and_without_its_value(tmp_path: Path) -> None:
    secret = "amqps://user:" + "not-a-password@mq.example.com/"
    (tmp_path / "modules" / "queue").mkdir(parents=True)
    (tmp_path / "modules" / "queue" / "main.tf").write_text(f'locals {{\n  dsn = "{secret}"\n}}\n', encoding="utf-8")

    (finding,) = source_secrets.findings(tmp_path)

    assert (finding.rule_id, finding.file, finding.line) == ("CKV_INV_703", "modules/queue/main.tf", 2)
    assert "an address with a password" in finding.message
    assert secret not in str(finding)


def test_our_terraform_holds_no_secrets() -> None:
    assert source_secrets.findings() == []
