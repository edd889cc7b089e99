"""A fault of the engine's own code is told at once: clients would try again for minutes."""

import json
import subprocess
import textwrap

import pytest

from harness.engine import environments
from harness.paths import ROOT

SCRIPT = """
    import asyncio, json, sys
    from embedded import faults

    async def app(scope, receive, send):
        if scope["path"] == "/late":
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise IndexError("list index out of range")

    async def main():
        sent = []
        async def send(message):
            sent.append(message)
        credential = b"AWS4-HMAC-SHA256 Credential=A/1/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=0"
        headers = [(b"authorization", credential % sys.argv[2].encode()), (b"x-amz-date", b"20261130T000000Z")]
        try:
            await faults.serve(app, {"method": "POST", "path": sys.argv[1], "headers": headers}, None, send)
        except IndexError:
            sent.append({"closed": True})
        print(json.dumps(sent, default=bytes.decode))

    asyncio.run(main())
"""
"""Serves one request to an application that fails, and prints the messages that its client gets."""


def serve(path: str, service: str) -> list[dict[str, object]]:
    completed = subprocess.run(
        [environments.ensure("venv"), "-c", textwrap.dedent(SCRIPT), path, service],
        env={"PYTHONPATH": str(ROOT / "localstack")},
        capture_output=True,
        text=True,
        check=True,
    )
    messages: list[dict[str, object]] = json.loads(completed.stdout)
    return messages


@pytest.mark.parametrize(
    ("service", "form"),
    [
        pytest.param("kms", '{"__type": "EngineFault", "message": "', id="JSON"),
        pytest.param("iam", "<ErrorResponse><Error><Type>Sender</Type><Code>EngineFault</Code>", id="XML"),
        pytest.param("s3", "<Error><Code>EngineFault</Code>", id="S3"),
    ],
)
def test_a_fault_is_answered_in_the_form_of_the_service_with_a_status_that_nobody_repeats(
    service: str, form: str
) -> None:
    start, body = serve("/", service)

    assert start["status"] == 501
    assert str(body["body"]).startswith(form)
    assert "IndexError: list index out of range (" in str(body["body"])


def test_an_answer_that_has_begun_is_not_completed() -> None:
    start, closed = serve("/late", "kms")

    assert (start["status"], closed) == (200, {"closed": True})
