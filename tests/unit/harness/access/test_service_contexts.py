"""The table of context keys: well-formed, sourced, read alike by the harness and by the engine."""

import runpy
from pathlib import Path

import pytest

from harness.access.service_contexts import FILE, KEYS, ServiceContexts, service_contexts
from harness.errors import HarnessError
from harness.paths import ROOT

ROW = """
[[request]]
principal = "events.amazonaws.com"
action = "sns:Publish"
keys = [{keys}]
page = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"
"""
VALUES = dict.fromkeys(KEYS, "value")


def test_eventbridge_sends_a_topic_neither_rule_nor_account() -> None:
    context = service_contexts().context("events.amazonaws.com", "sns:Publish", VALUES)

    assert {key for key, value in context.items() if value is not None} == {"aws:securetransport"}


def test_eventbridge_sends_a_key_the_topic_alone() -> None:
    context = service_contexts().context("events.amazonaws.com", "kms:Decrypt", VALUES, via="sns")

    sent = {key for key, value in context.items() if value is not None}
    assert sent == {"aws:securetransport", "kms:encryptioncontext:aws:sns:topicarn"}


def test_a_request_without_a_row_is_an_error() -> None:
    with pytest.raises(HarnessError, match=r"no row for sns:Publish by moon\.amazonaws\.com"):
        service_contexts().context("moon.amazonaws.com", "sns:Publish", VALUES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ROW.format(keys="") * 2, "twice"),
        (ROW.format(keys='"aws:Moon"'), "aws:Moon among its keys"),
        (ROW.format(keys="").replace("docs.aws", "blog.aws"), "page"),
        (ROW.format(keys="").replace("page", "pages"), "pages"),
        ("request = [", "cannot be read"),
    ],
)
def test_a_bad_table_is_rejected(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "service_contexts.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(HarnessError, match=message):
        ServiceContexts.read(file)


def test_the_engine_reads_the_same_table() -> None:
    engine = runpy.run_path(str(ROOT / "localstack" / "emulation" / "service_contexts.py"))

    rows = {(row.principal, row.action, row.via): row.keys for row in service_contexts().request}

    assert engine["FILE"] == FILE
    assert engine["_table"]() == rows
