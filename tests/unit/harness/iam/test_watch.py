"""The hook in handlers' processes: it records their calls, rejects those that are forbidden, and is in no zip."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness import package
from harness.access import recorded_calls
from harness.access.kinds import Kinds
from harness.access.recorded_calls import RecordedCall, differences, merged
from harness.iam import session
from harness.iam.watch import HOOK, VARIABLE, Watch, WatchSettings
from harness.paths import BUILD, ROOT

HANDLER = """
import boto3, io, json, os, sys
from botocore.awsrequest import AWSResponse
class Body(io.BytesIO):
    def stream(self):
        yield self.read()
def respond(request, **_):
    return AWSResponse(request.url, 404, {}, Body(b"<Error><Code>NoSuchBucket</Code><Message/></Error>"))
s3 = boto3.client("s3", region_name="us-east-1")
s3.meta.events.register("before-send.s3", respond)
errors = []
try:
    s3.get_object(Bucket="invoice-uploads-dev-000000000000", Key="incoming/a.csv")
except s3.exceptions.ClientError as error:
    errors.append(error.response["Error"]["Code"])
s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "2026/11/x.pdf"})
paths = [path for path in sys.path if os.path.isdir(os.path.join(path, "harness"))]
print(json.dumps([errors, paths]))
"""
"""A function that looks for a file, here in a bucket that does not exist."""


def run(tmp_path: Path, **settings: Any) -> tuple[list[str], list[str]]:
    """Run it as an engine runs a handler. Returns the errors that it met, and the paths that have the harness."""
    value = WatchSettings("dev", str(tmp_path / "calls"), **settings).text()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(HOOK),
        VARIABLE: value,
        "AWS_LAMBDA_FUNCTION_NAME": "create-invoice-dev",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    process = subprocess.run(
        [sys.executable, "-c", HANDLER], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    errors, paths = json.loads(process.stdout)
    return errors, paths


def rows(tmp_path: Path) -> set[tuple[str, str, str]]:
    lines = [line for file in (tmp_path / "calls").glob("*.jsonl") for line in file.read_text().splitlines()]
    calls = [json.loads(line) for line in lines]
    assert {call["function"] for call in calls} == {"create-invoice"}
    return {(call["call"], call["action"], call["resource"]) for call in calls}


def test_calls_are_recorded_with_the_permissions_that_they_need(tmp_path: Path) -> None:
    errors, paths = run(tmp_path)

    assert errors == ["NoSuchBucket"]
    assert paths == []  # the handler cannot import the harness: it must fail on modules that its zip lacks
    assert rows(tmp_path) == {
        ("s3:GetObject", "s3:GetObject", "arn:aws:s3:::invoice-uploads-{environment}-{account}/incoming/x"),
        ("s3:GetObject (presigned)", "s3:GetObject", "arn:aws:s3:::b/x"),
    }


def policies(tmp_path: Path, *statements: dict[str, Any]) -> str:
    file = tmp_path / "policies.json"
    file.write_text(
        json.dumps([{"Statement": [{"Effect": "Allow", **statement} for statement in statements]}]), encoding="utf-8"
    )
    return str(file)


def test_calls_that_the_role_forbids_are_rejected(tmp_path: Path) -> None:
    errors, _ = run(tmp_path, policies=policies(tmp_path, {"Action": "s3:PutObject", "Resource": "*"}))

    assert errors == ["AccessDenied"]


def test_calls_that_the_role_allows_reach_aws(tmp_path: Path) -> None:
    errors, _ = run(tmp_path, policies=policies(tmp_path, {"Action": "s3:GetObject", "Resource": "*"}))

    assert errors == ["NoSuchBucket"]


def test_calls_that_the_evaluator_cannot_decide_are_rejected(tmp_path: Path) -> None:
    odd = {"Action": "s3:GetObject", "Resource": "*", "Condition": {"NumericLessThan": {"s3:max-keys": "10"}}}

    assert run(tmp_path, policies=policies(tmp_path, odd))[0] == ["AccessDenied"]


def test_a_call_that_is_not_in_the_table_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "unit"
    monkeypatch.setattr(recorded_calls, "folder", lambda _: folder)
    client_class = type("Client", (), {"_make_api_call": lambda *_: {}, "_emit_api_params": None})
    Watch(WatchSettings("dev", str(folder)), lambda _: "get-invoice").install(client_class)
    client: Any = client_class()
    client.meta = type("Meta", (), {"service_model": type("Model", (), {"service_name": "s3"})})

    client._make_api_call("PutBucketAcl", {})

    with pytest.raises(Exception, match=r"get-invoice calls s3:PutBucketAcl"):
        recorded_calls.seen_calls("unit")


# --- the list, compared with runs -----------------------------------------------------------------------------------

GET = RecordedCall("get-invoice", "s3:GetObject", "s3:GetObject", "arn:aws:s3:::b/x", run="unit")
PUT = RecordedCall("get-invoice", "s3:PutObject", "s3:PutObject", "arn:aws:s3:::b/x", run="e2e")


def test_a_call_that_is_not_on_the_list_is_reported_by_every_run() -> None:
    lines = differences([GET], [GET, PUT], "unit", complete=False, elsewhere={})

    assert [line.partition(":")[0] for line in lines] == ["new"]


def test_a_row_is_missed_by_the_run_that_it_names_and_by_no_other() -> None:
    assert [*differences([GET, PUT], [GET], "unit", complete=True, elsewhere={})] == []
    assert [*differences([GET, PUT], [GET], "e2e", complete=False, elsewhere={})] == []
    (line,) = differences([GET, PUT], [GET], "e2e", complete=True, elsewhere={})
    assert line.startswith("not seen any more: get-invoice: s3:PutObject")
    assert "Unless a whole run of `unit` makes it, remove its grant too" in line


def test_the_grant_of_a_call_that_another_run_still_makes_has_to_stay() -> None:
    (line,) = differences([GET, PUT], [PUT], "unit", complete=True, elsewhere={GET: "e2e"})

    assert "`e2e` still makes it: keep its grant, and record where it is made" in line
    assert "remove its grant" not in line


def test_what_the_other_runs_recorded_is_read_from_their_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_calls, "folder", lambda run: tmp_path / run)
    line = {"function": PUT.function, "call": PUT.call, "action": PUT.action, "resource": PUT.resource}
    (tmp_path / "e2e").mkdir()
    (tmp_path / "e2e" / "1.jsonl").write_text(json.dumps(line) + "\n")

    assert recorded_calls.seen_elsewhere("unit") == {PUT: "e2e"}
    assert recorded_calls.seen_elsewhere("e2e") == {}


def test_a_row_names_the_cheapest_run_that_sees_it() -> None:
    assert [(row.call, row.run) for row in merged({"unit": [GET], "e2e": [GET, PUT]})] == [
        ("s3:GetObject", "unit"),
        ("s3:PutObject", "e2e"),
    ]


def test_the_list_is_read_as_it_is_written(tmp_path: Path) -> None:
    keyed = RecordedCall(
        "a", "dynamodb:PutItem", "dynamodb:PutItem", "*", (("dynamodb:leadingkeys", ("x", "y")),), "unit"
    )
    recorded_calls.save([PUT, keyed, GET], tmp_path / "list.yaml")

    assert recorded_calls.load(tmp_path / "list.yaml") == [keyed, GET, PUT]


@pytest.mark.parametrize(
    ("argument", "complete"),
    [("tests/unit", True), ("tests/unit/harness", False), ("tests/unit/harness/iam/test_watch.py", False)],
)
def test_only_a_complete_run_can_miss_a_row(argument: str, complete: bool, pytestconfig: Any) -> None:  # noqa: FBT001
    option = type("Option", (), {})()
    config = type("Config", (), {"workerinput": {}, "args": [str(ROOT / argument)], "option": option})()
    plugin = session.Recording("unit", config)

    assert plugin._is_complete(type("Session", (), {"config": config})()) == complete
    option.keyword = "rotate"
    assert not plugin._is_complete(type("Session", (), {"config": config})())
    del pytestconfig


@pytest.mark.parametrize(("failed", "marked"), [(0, True), (1, False)])
def test_the_list_is_only_written_from_complete_and_green_runs(
    failed: int,
    marked: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "unit").mkdir()
    line = {"function": GET.function, "call": GET.call, "action": GET.action, "resource": GET.resource, "context": {}}
    monkeypatch.setattr(recorded_calls, "folder", lambda run: tmp_path / run)
    monkeypatch.setattr(recorded_calls, "load", lambda: [GET])
    option = type("Option", (), {"collectonly": False})()
    config = type("Config", (), {"args": [str(ROOT / "tests" / "unit")], "option": option})()
    plugin = session.Recording("unit", config)
    (tmp_path / "unit" / "1.jsonl").write_text(json.dumps(line), encoding="utf-8")
    pytest_session: Any = type(
        "Session", (), {"config": config, "testsfailed": failed, "exitstatus": pytest.ExitCode.OK}
    )()

    plugin.pytest_sessionfinish(pytest_session)

    assert recorded_calls.complete_mark("unit").exists() == marked
    assert pytest_session.exitstatus == pytest.ExitCode.OK
    monkeypatch.setattr(recorded_calls, "load", list)
    plugin.pytest_sessionfinish(pytest_session)
    assert pytest_session.exitstatus == pytest.ExitCode.TESTS_FAILED
    session.Recording("unit", config)
    assert not recorded_calls.complete_mark("unit").exists()


def test_kinds_are_filled_in_again_for_another_environment() -> None:
    dev, prod = (Kinds("000000000000", "us-east-1", name) for name in ("dev", "prod"))
    row = RecordedCall("f", "c", "s3:GetObject", "arn:aws:s3:::invoice-uploads-{environment}-{account}/incoming/x")

    assert dev.filled(row.request).resource == "arn:aws:s3:::invoice-uploads-dev-000000000000/incoming/x"
    assert prod.filled(row.request).resource == "arn:aws:s3:::invoice-uploads-prod-000000000000/incoming/x"


# --- the zips -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", package.Target)
def test_the_hook_is_in_no_zip(target: package.Target) -> None:
    out = BUILD / "artifacts" / f"test-{target.value}"
    for artifact in package.build(target, out, python=Path(sys.executable)):
        with zipfile.ZipFile(artifact.path) as archive:
            names = archive.namelist()
            text = b"".join(archive.read(name) for name in names if name.endswith("handler.py"))
        assert names
        assert not [name for name in names if "harness" in name.split("/") or name.endswith(("customize.py", ".pth"))]
        assert VARIABLE.encode() not in text
