"""Source shows a secret that no plan shows: one in a local that nothing uses."""

from pathlib import Path

import pytest

from harness.policy import rules, source_secrets
from harness.policy.rules.leaks import shape_of

assert rules

SECRETS = {
    "an AWS access key": "AK" + "IA" + "A" * 16,
    "a chat webhook": "https://hooks." + "slack.com/services/T00000000/B00000000/XXXXXXXX",
    "a shared access signature": "https://example.blob.core.windows.net/x?sv=1&sig=" + "A" * 44,
    "a presigned address": "https://example.s3.amazonaws.com/x?X-Amz-" + "Signature=" + "0" * 64,
    "an address with a password": "amqps://user:" + "not-a-password@mq.example.com/",
    "a connection string": "Server=db.example.com;User Id=app;Pass" + "word=not-a-password",
    "an API key": "rk" + "_live_" + "A" * 16,
    "a token": "github" + "_pat_" + "A" * 22,
    "a private key": "-----BEGIN RSA PRIVATE" + " KEY-----",
}


@pytest.mark.parametrize(("name", "text"), SECRETS.items())
def test_a_secret_is_known_by_its_shape(name: str, text: str) -> None:
    assert shape_of(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::123456789012:role/signature",
        "https://invoices.example.com,https://admin.invoices.example.com",
        "module.function.create-invoice.aws_sqs_queue.dead_letter",
        "Basic authentication is not offered.",
        "redis://cache.example.com:6379/0",
        "DE89 3704 0044 0532 0130 00",
    ],
)
def test_other_texts_are_no_secrets(text: str) -> None:
    assert shape_of(text) is None


def test_an_unused_local_is_found_with_its_line_and_without_its_value(tmp_path: Path) -> None:
    secret = SECRETS["an address with a password"]
    (tmp_path / "modules" / "queue").mkdir(parents=True)
    (tmp_path / "modules" / "queue" / "main.tf").write_text(f'locals {{\n  dsn = "{secret}"\n}}\n', encoding="utf-8")

    (finding,) = source_secrets.findings(tmp_path)

    assert (finding.rule_id, finding.file, finding.line) == ("CKV_INV_703", "modules/queue/main.tf", 2)
    assert "an address with a password" in finding.message
    assert secret not in str(finding)


def test_our_terraform_holds_no_secrets() -> None:
    assert source_secrets.findings() == []
