"""The checks of a release's synthetic traffic: what is found, and that nothing is awaited that cannot come any more."""

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from harness.deploy.canary_traffic import CASES, CheckError, Traffic, files_at_once
from harness.deploy.smoke_access import ApiResponse

GOOD = {"invoiceNumber": "N-1", "status": "processed", "total": CASES[0].total, "documentUrl": "https://s3.example/1"}
HEADERS = {"access-control-allow-origin": "*", "content-type": "application/json"}


class Access:
    """A platform that has the PDF of each invoice, and returns one response for all of them."""

    def __init__(self, body: dict[str, Any], headers: dict[str, str], status: int) -> None:
        self.outputs = {"documents_bucket": "documents"}
        self._response = ApiResponse(status, json.dumps(body), headers)
        self.requests = 0

    def request(self, *_: object, **__: object) -> ApiResponse:
        self.requests += 1
        return self._response

    def client(self, _service: str) -> Any:
        return SimpleNamespace(list_objects_v2=lambda **_: {"KeyCount": 1})

    def download(self, _url: str) -> tuple[int, bytes]:
        return 200, b"<html>"


@pytest.mark.parametrize(
    ("body", "headers", "status", "check"),
    [
        pytest.param(
            {**GOOD, "status": "held", "documentUrl": None},
            {},
            200,
            "decision",
            id="was not accepted, so there is no link",
        ),
        pytest.param({**GOOD, "total": "29.16"}, {}, 200, "total", id="a wrong total"),
        pytest.param({**GOOD, "errorMessage": "x"}, {}, 200, "response", id="an error with status 200"),
        pytest.param(GOOD, {"access-control-allow-origin": "https://other.example"}, 200, "CORS", id="CORS"),
        pytest.param(GOOD, {}, 502, "status", id="an error"),
        pytest.param(GOOD, {}, 200, "PDF", id="what is not a PDF"),
    ],
)
def test_a_bad_invoice_is_found_by_the_first_request(
    body: dict[str, Any], headers: dict[str, str], status: int, check: str
) -> None:
    access: Any = Access(body, {**HEADERS, **headers}, status)
    nothing: Any = SimpleNamespace(new=list)
    traffic = Traffic(access, "key", "https://app.example", "01234567", nothing, nothing)
    started = time.monotonic()

    with pytest.raises(CheckError) as found:
        traffic._read("8f14e45f", CASES[0])

    assert found.value.check == check
    assert access.requests == 1
    assert time.monotonic() - started < 5


def test_a_round_imports_its_files_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function with little concurrency would make AWS wait for a minute before it tries again."""
    numbers: list[str] = []

    def put_object(**request: Any) -> None:
        assert request["Key"].startswith("incoming/canary-01234567-")
        numbers.append(request["Body"].decode().splitlines()[1].split(",")[0])

    access: Any = SimpleNamespace(
        outputs={"uploads_bucket": "uploads"}, client=lambda _: SimpleNamespace(put_object=put_object)
    )
    nothing: Any = SimpleNamespace(new=list)
    traffic = Traffic(access, "key", "https://app.example", "01234567", nothing, nothing, files=23, at_once=10)
    listed = lambda: [{"invoiceNumber": number, "invoiceId": f"id of {number}"} for number in numbers]  # noqa: E731
    followed: list[tuple[str, str]] = []
    monkeypatch.setattr(traffic, "_listed", listed)
    monkeypatch.setattr(traffic, "_read", lambda invoice_id, _: followed.append((invoice_id, "is read")))
    monkeypatch.setattr(traffic, "_pay", lambda invoice_id: followed.append((invoice_id, "is paid")))
    monkeypatch.setattr(traffic, "_check_events", lambda of, kind: followed.append((of, kind)))
    monkeypatch.setattr(traffic, "invoice", lambda _: None)

    groups = [len(numbers) for _ in traffic.round()]

    assert groups == [10, 20, 23] + [23] * len(CASES)
    assert len(set(numbers)) == 23
    assert traffic.invoice_ids == [f"id of {number}" for number in numbers]
    for invoice_id in traffic.invoice_ids:
        of_invoice = [step for each, step in followed if each == invoice_id]
        assert of_invoice == ["is read", "is paid", "invoice-processed", "invoice-paid"]


def test_the_traffic_after_a_release_imports_one_file_per_round() -> None:
    """A release that was taken back needs no more proof of chance."""
    nothing: Any = SimpleNamespace(new=list)
    access: Any = SimpleNamespace(dead_letter_queues={}, client=lambda _: None)
    traffic = Traffic(access, "key", "https://app.example", "01234567", nothing, nothing, files=44)

    traffic.begin_anew()

    assert traffic.files == 1


@pytest.mark.parametrize(
    ("reserved", "together"),
    [
        pytest.param({"create": 5, "draw": 100, "rotate-api-key": 1}, 2, id="the function with the least"),
        pytest.param({"create": 100, "draw": 100, "rotate-api-key": 1}, 10, id="no more than ten"),
        pytest.param({"create": 1}, 1, id="at least one"),
        pytest.param({"create": None}, 10, id="nothing reserved"),
    ],
)
def test_no_more_files_are_imported_together_than_half_of_what_each_function_takes(
    reserved: dict[str, int | None], together: int
) -> None:
    """GIVEN functions that take five calls WHEN ten files arrive THEN an alarm would say that calls were throttled."""

    def get_function_concurrency(FunctionName: str) -> dict[str, int]:  # noqa: N803 -- AWS's name
        concurrency = reserved[FunctionName]
        return {} if concurrency is None else {"ReservedConcurrentExecutions": concurrency}

    access: Any = SimpleNamespace(
        outputs={"functions": {name: name for name in reserved}},
        client=lambda _: SimpleNamespace(get_function_concurrency=get_function_concurrency),
    )

    assert files_at_once(access) == together
