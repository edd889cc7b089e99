"""The hook in handlers' processes: it notes what they do, refuses what it is told to, and ships in no zip."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness import package
from harness.iam import recorded, session
from harness.iam.kinds import Kinds
from harness.iam.recorded import RecordedCall, differences, merged
from harness.iam.watch import HOOK, VARIABLE, Watch, WatchSettings
from harness.paths import BUILD, ROOT

HANDLER = """
import boto3, io, json, os, sys
from botocore.awsrequest import AWSResponse
class Body(io.BytesIO):
    def stream(self):
        yield self.read()
def answer(request, **_):
    return AWSResponse(request.url, 404, {}, Body(b"<Error><Code>NoSuchBucket</Code><Message/></Error>"))
s3 = boto3.client("s3", region_name="us-east-1")
s3.meta.events.register("before-send.s3", answer)
told = []
try:
    s3.get_object(Bucket="invoice-uploads-dev-000000000000", Key="incoming/a.csv")
except s3.exceptions.ClientError as fault:
    told.append(fault.response["Error"]["Code"])
s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "2026/11/x.pdf"})
found = [one for one in sys.path if os.path.isdir(os.path.join(one, "harness"))]
print(json.dumps([told, found]))
"""
"""What a function does that looks for a file: here in a bucket that is not there."""


def run(tmp_path: Path, **settings: Any) -> tuple[list[str], list[str]]:
    """Run it as an engine runs a handler: the errors that it met, and where it would find the harness."""
    given = WatchSettings("dev", str(tmp_path / "calls"), **settings).text()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(HOOK),
        VARIABLE: given,
        "AWS_LAMBDA_FUNCTION_NAME": "create-invoice-dev",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    done = subprocess.run(
        [sys.executable, "-c", HANDLER], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told, found = json.loads(done.stdout)
    return told, found


def rows(tmp_path: Path) -> set[tuple[str, str, str]]:
    lines = [line for file in (tmp_path / "calls").glob("*.jsonl") for line in file.read_text().splitlines()]
    found = [json.loads(line) for line in lines]
    assert {one["function"] for one in found} == {"create-invoice"}
    return {(one["call"], one["action"], one["resource"]) for one in found}


def test_calls_are_noted_with_what_they_need(tmp_path: Path) -> None:
    told, found = run(tmp_path)

    assert told == ["NoSuchBucket"]
    assert found == []  # what its zip does not hold, a handler must miss here too: it does not find the harness
    assert rows(tmp_path) == {
        ("s3:GetObject", "s3:GetObject", "arn:aws:s3:::invoice-uploads-{environment}-{account}/incoming/x"),
        ("s3:GetObject (presigned)", "s3:GetObject", "arn:aws:s3:::b/x"),
    }


def policies(tmp_path: Path, *statements: dict[str, Any]) -> str:
    file = tmp_path / "policies.json"
    file.write_text(json.dumps([{"Statement": [{"Effect": "Allow", **one} for one in statements]}]), encoding="utf-8")
    return str(file)


def test_what_the_role_may_not_do_is_refused(tmp_path: Path) -> None:
    told, _ = run(tmp_path, policies=policies(tmp_path, {"Action": "s3:PutObject", "Resource": "*"}))

    assert told == ["AccessDenied"]


def test_what_the_role_may_do_goes_through(tmp_path: Path) -> None:
    told, _ = run(tmp_path, policies=policies(tmp_path, {"Action": "s3:GetObject", "Resource": "*"}))

    assert told == ["NoSuchBucket"]


def test_what_the_evaluator_does_not_know_is_refused(tmp_path: Path) -> None:
    odd = {"Action": "s3:GetObject", "Resource": "*", "Condition": {"NumericLessThan": {"s3:max-keys": "10"}}}

    assert run(tmp_path, policies=policies(tmp_path, odd))[0] == ["AccessDenied"]


def test_a_call_that_nobody_has_looked_up_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = tmp_path / "unit"
    monkeypatch.setattr(recorded, "folder", lambda _: noted)
    client = type("Client", (), {"_make_api_call": lambda *_: {}, "_emit_api_params": None})
    Watch(WatchSettings("dev", str(noted)), lambda _: "get-invoice").install(client)
    made: Any = client()
    made.meta = type("Meta", (), {"service_model": type("Model", (), {"service_name": "s3"})})

    made._make_api_call("PutBucketAcl", {})

    with pytest.raises(Exception, match=r"get-invoice calls s3:PutBucketAcl"):
        recorded.seen("unit")


# --- the list, held against runs ------------------------------------------------------------------------------------

GET = RecordedCall("get-invoice", "s3:GetObject", "s3:GetObject", "arn:aws:s3:::b/x", run="unit")
PUT = RecordedCall("get-invoice", "s3:PutObject", "s3:PutObject", "arn:aws:s3:::b/x", run="e2e")


def test_a_call_that_is_not_on_the_list_is_told_whatever_was_run() -> None:
    assert [one.partition(":")[0] for one in differences([GET], [GET, PUT], "unit", whole=False)] == ["new"]


def test_a_row_is_missed_by_the_run_that_it_names_and_by_no_other() -> None:
    assert [*differences([GET, PUT], [GET], "unit", whole=True)] == []
    assert [*differences([GET, PUT], [GET], "e2e", whole=False)] == []
    (told,) = differences([GET, PUT], [GET], "e2e", whole=True)
    assert told.startswith("not seen any more: get-invoice: s3:PutObject")


def test_a_row_names_the_cheapest_run_that_sees_it() -> None:
    assert [(one.call, one.run) for one in merged({"unit": [GET], "e2e": [GET, PUT]})] == [
        ("s3:GetObject", "unit"),
        ("s3:PutObject", "e2e"),
    ]


def test_the_list_is_read_as_it_is_written(tmp_path: Path) -> None:
    keyed = RecordedCall(
        "a", "dynamodb:PutItem", "dynamodb:PutItem", "*", (("dynamodb:leadingkeys", ("x", "y")),), "unit"
    )
    recorded.save([PUT, keyed, GET], tmp_path / "list.yaml")

    assert recorded.load(tmp_path / "list.yaml") == [keyed, GET, PUT]


@pytest.mark.parametrize(
    ("argument", "whole"),
    [("tests/unit", True), ("tests/unit/harness", False), ("tests/unit/harness/iam/test_watch.py", False)],
)
def test_only_a_whole_run_can_miss_something(argument: str, whole: bool, pytestconfig: Any) -> None:  # noqa: FBT001
    option = type("Option", (), {})()
    config = type("Config", (), {"workerinput": {}, "args": [str(ROOT / argument)], "option": option})()
    plugin = session.Recording("unit", config)

    assert plugin._is_whole(type("Session", (), {"config": config})()) == whole
    option.keyword = "rotate"
    assert not plugin._is_whole(type("Session", (), {"config": config})())
    del pytestconfig


@pytest.mark.parametrize(("failed", "marked"), [(0, True), (1, False)])
def test_the_list_can_be_made_from_whole_and_green_runs_alone(
    failed: int,
    marked: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "unit").mkdir()
    line = {"function": GET.function, "call": GET.call, "action": GET.action, "resource": GET.resource, "context": {}}
    monkeypatch.setattr(recorded, "folder", lambda run: tmp_path / run)
    monkeypatch.setattr(recorded, "load", lambda: [GET])
    option = type("Option", (), {"collectonly": False})()
    config = type("Config", (), {"args": [str(ROOT / "tests" / "unit")], "option": option})()
    plugin = session.Recording("unit", config)
    (tmp_path / "unit" / "1.jsonl").write_text(json.dumps(line), encoding="utf-8")
    given: Any = type("Session", (), {"config": config, "testsfailed": failed, "exitstatus": pytest.ExitCode.OK})()

    plugin.pytest_sessionfinish(given)

    assert recorded.whole_mark("unit").exists() == marked
    assert given.exitstatus == pytest.ExitCode.OK
    monkeypatch.setattr(recorded, "load", list)
    plugin.pytest_sessionfinish(given)
    assert given.exitstatus == pytest.ExitCode.TESTS_FAILED
    session.Recording("unit", config)
    assert not recorded.whole_mark("unit").exists()


def test_kinds_are_filled_in_again_for_another_environment() -> None:
    dev, prod = (Kinds("000000000000", "us-east-1", one) for one in ("dev", "prod"))
    row = RecordedCall("f", "c", "s3:GetObject", "arn:aws:s3:::invoice-uploads-{environment}-{account}/incoming/x")

    assert dev.filled(row.request).resource == "arn:aws:s3:::invoice-uploads-dev-000000000000/incoming/x"
    assert prod.filled(row.request).resource == "arn:aws:s3:::invoice-uploads-prod-000000000000/incoming/x"


# --- the zips -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", package.Target)
def test_no_zip_holds_anything_of_it(target: package.Target) -> None:
    out = BUILD / "artifacts" / f"test-{target.value}"
    for one in package.build(target, out, python=Path(sys.executable)):
        with zipfile.ZipFile(one.path) as opened:
            names = opened.namelist()
            text = b"".join(opened.read(name) for name in names if name.endswith("handler.py"))
        assert names
        assert not [name for name in names if "harness" in name.split("/") or name.endswith(("customize.py", ".pth"))]
        assert VARIABLE.encode() not in text
