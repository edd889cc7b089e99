"""Start, clone, reset and stop an engine; who may access it."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import urllib3
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from harness.engine import EmbeddedEngine, engine_for, environments, local_server
from harness.errors import HarnessError
from harness.paths import ROOT
from harness.process import supervisor
from tests.engine.cloud import Cloud, eventually, worker
from tests.patience import HANG_S


@contextlib.contextmanager
def started(name: str, from_snapshot: Path | None = None) -> Iterator[Cloud]:
    engine = EmbeddedEngine(f"{name}-{worker()}", port="auto")
    engine.stop()
    if from_snapshot is None:
        engine.start(tied=True)
    else:
        engine.snapshots.start(from_snapshot, tied=True)
    try:
        engine.wait_healthy()
        yield Cloud(engine)
    finally:
        engine.stop()


def get(cloud: Cloud, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.engine.endpoint.port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_stop_ends_the_server_and_frees_its_port() -> None:
    with started("stop") as cloud:
        engine, port = cloud.engine, cloud.engine.endpoint.port
        assert engine.is_running

    assert not engine.is_running

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0

    with pytest.raises(HarnessError, match="is not running"):
        _ = engine.endpoint


def test_an_instance_starts_once(cloud: Cloud) -> None:
    with pytest.raises(HarnessError, match=r"is already running: pid \d+, port \d+"):
        EmbeddedEngine(cloud.engine.instance, port="auto").start()


def test_a_taken_port_is_named_with_its_holder(cloud: Cloud) -> None:
    engine = EmbeddedEngine(f"taken-{worker()}", port=cloud.engine.endpoint.port)

    with pytest.raises(HarnessError) as raised:
        engine.start()
    assert f"Port {cloud.engine.endpoint.port} is taken" in str(raised.value)
    assert "--port auto" in str(raised.value)

    if sys.platform == "linux":
        assert f"pid {cloud.engine.pid} " in str(raised.value)


@pytest.mark.parametrize(("name", "message"), [("aws", "needs a local engine"), ("moon", "no engine 'moon'")])
def test_other_engines_are_rejected(name: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        engine_for(name)


@pytest.mark.parametrize(
    "instance", ["", "Main", "a/b", "..", "venv", "lambda-runtime", "policy", "localstack", "code"]
)
def test_an_instance_name_cannot_leave_the_folder(instance: str) -> None:
    with pytest.raises(HarnessError, match="cannot name an engine"):
        EmbeddedEngine(instance)


def test_a_clone_has_everything_on_another_port(tmp_path: Path) -> None:
    # GIVEN a table with an item, an object, a function with an alias, and a scalable target
    with started("original") as cloud:
        cloud.client("dynamodb").create_table(
            TableName="kept",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        cloud.client("dynamodb").put_item(TableName="kept", Item={"id": {"S": "1"}})
        cloud.client("s3").create_bucket(Bucket="kept")
        cloud.client("s3").put_object(Bucket="kept", Key="a/ü.txt", Body=b"content")
        parts = {"Bucket": "kept", "Key": "in-parts"}
        upload = cloud.client("s3").create_multipart_upload(**parts, Tagging="a=b")["UploadId"]
        etag = cloud.client("s3").upload_part(**parts, UploadId=upload, PartNumber=1, Body=b"content")["ETag"]
        completed = {"Parts": [{"ETag": etag, "PartNumber": 1}]}
        cloud.client("s3").complete_multipart_upload(**parts, UploadId=upload, MultipartUpload=completed)
        metrics = {"Id": "all"}
        cloud.client("s3").put_bucket_metrics_configuration(Bucket="kept", Id="all", MetricsConfiguration=metrics)
        function = cloud.function("def handler(event, context): return 'alive'")
        cloud.alias(function)
        target = {"ServiceNamespace": "dynamodb", "ResourceId": "table/kept"}
        dimension = "dynamodb:table:ReadCapacityUnits"
        autoscaling = cloud.client("application-autoscaling")
        autoscaling.register_scalable_target(**target, ScalableDimension=dimension, MinCapacity=1, MaxCapacity=9)

        # WHEN its snapshot starts as a clone
        cloud.engine.snapshots.take(tmp_path / "snapshot")
        with started("clone", tmp_path / "snapshot") as clone:
            # THEN all resources exist and work
            assert clone.engine.endpoint.port != cloud.engine.endpoint.port
            assert clone.client("dynamodb").scan(TableName="kept")["Count"] == 1
            assert clone.client("s3").get_object(Bucket="kept", Key="a/ü.txt")["Body"].read() == b"content"
            assert clone.client("s3").get_object_tagging(**parts)["TagSet"] == [{"Key": "a", "Value": "b"}]
            stored = clone.client("s3").get_bucket_metrics_configuration(Bucket="kept", Id="all")
            assert stored["MetricsConfiguration"] == metrics
            assert clone.invoke(f"{function}:live")[1] == "alive"
            targets = clone.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="dynamodb")
            assert [target["MaxCapacity"] for target in targets["ScalableTargets"]] == [9]

            # AND a reset empties only the clone
            clone.engine.reset()
            assert clone.client("s3").list_buckets()["Buckets"] == []
            assert clone.client("dynamodb").list_tables()["TableNames"] == []
            assert clone.client("lambda").list_functions()["Functions"] == []
            targets = clone.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="dynamodb")
            assert targets["ScalableTargets"] == []
        assert [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]] == ["kept"]


def test_a_snapshot_of_another_version_is_rejected(tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (snapshot / "snapshot.json").write_text('{"front": "older"}')

    with pytest.raises(HarnessError, match="another version"):
        EmbeddedEngine(f"old-{worker()}", port="auto").snapshots.start(snapshot)


def test_connections_that_clients_have_closed_leave_no_open_file(cloud: Cloud) -> None:
    """GIVEN clients that come and go, as those of a long release THEN the server can still accept others."""
    address = ("127.0.0.1", cloud.engine.endpoint.port)
    [server] = [
        connection.pid for connection in psutil.net_connections("tcp4")
        if connection.status == psutil.CONN_LISTEN and connection.laddr == address
    ]  # fmt: skip
    before = psutil.Process(server).num_fds()

    for _ in range(50):
        with socket.create_connection(address):
            pass
        cloud.client("sqs", new=True).list_queues()

    eventually(lambda: psutil.Process(server).num_fds() <= before + 10, event="the end of the connections")


PARENT = """
import os, pathlib, signal, sys
from harness.engine import embedded, local_server
from harness.process import supervisor
from tests.engine.cloud import Cloud
local_server.FOLDER = pathlib.Path(sys.argv[1])
supervisor.RUN = local_server.FOLDER / "run"
engine = embedded.EmbeddedEngine("orphan", port="auto")
engine.start(tied=sys.argv[2] == "tied")
engine.wait_healthy()
cloud = Cloud(engine)
function = cloud.function("import time\\ndef handler(event, context): time.sleep(60)", Timeout=90)
cloud.client("lambda").invoke(FunctionName=function, InvocationType="Event")
while len([pid for leftover in supervisor.leftovers() for pid in leftover.survivors()]) < 2:
    pass  # until the worker runs
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate build folder, so that cleaning finds no engines of other tests."""
    monkeypatch.setattr(local_server, "FOLDER", tmp_path)
    monkeypatch.setattr(supervisor, "RUN", tmp_path / "run")
    return tmp_path


def kill_a_parent(folder: Path, tied: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    completed = subprocess.run(
        [sys.executable, "-c", PARENT, folder, tied], env=environment, check=False, timeout=HANG_S
    )
    assert completed.returncode == -signal.SIGKILL


@pytest.mark.parametrize("server", ["lives", "was killed too"])
def test_cleaning_ends_every_process_that_a_killed_parent_leaves(folder: Path, server: str) -> None:
    # GIVEN an engine whose parent was killed while a handler ran
    kill_a_parent(folder, "free")
    [leftover] = supervisor.leftovers()

    assert "'orphan'" in leftover.purpose
    assert len(leftover.survivors()) == 2

    if server != "lives":
        os.kill(leftover.pid, signal.SIGKILL)

    # WHEN a later command cleans up
    assert supervisor.clean_leftovers() == [leftover.purpose]

    # THEN neither the server nor the worker lives, and the keys are deleted
    assert supervisor.leftovers() == []
    assert leftover.survivors() == []
    assert not (folder / "orphan" / "engine.json").exists()


def test_a_released_engine_is_nobodys_orphan(folder: Path) -> None:
    kill_a_parent(folder, "free")

    assert supervisor.clean_leftovers(orphaned_only=True) == []
    assert len(supervisor.clean_leftovers()) == 1


def test_the_next_start_cleans_leftovers(folder: Path) -> None:
    kill_a_parent(folder, "free")
    [leftover] = supervisor.leftovers()
    os.kill(leftover.pid, signal.SIGKILL)
    engine = EmbeddedEngine("orphan", port="auto")
    eventually(lambda: not engine.is_running)
    engine.start(tied=True)
    try:
        engine.wait_healthy()
        assert leftover.survivors() == []
    finally:
        engine.stop()


def test_a_tied_engine_ends_with_its_parent(folder: Path) -> None:
    kill_a_parent(folder, "tied")
    eventually(lambda: supervisor.leftovers() == [], event="the engine's end")


def test_only_loopback_is_listened_on(cloud: Cloud) -> None:
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{cloud.engine.pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and _belongs(cloud.engine.pid, line.split()[9])
    ]
    assert listening == [f"0100007F:{cloud.engine.endpoint.port:04X}"]


def _belongs(pid: int, inode: str) -> bool:
    return any(str(link.readlink()) == f"socket:[{inode}]" for link in Path(f"/proc/{pid}/fd").iterdir())


def test_failures_are_logged(cloud: Cloud) -> None:
    # An unimplemented operation of a known service is a 5xx or a 4xx; an integration without a function is a 5xx.
    function = cloud.function("def handler(event, context): raise SystemExit(3)")
    cloud.invoke(function)

    assert all(" ERROR " in line for line in cloud.engine.last_errors(3))


def test_a_request_that_is_sent_again_although_it_was_carried_out_is_logged(cloud: Cloud) -> None:
    """GIVEN a client that loses the first answer WHEN it sends its request again THEN the log tells both."""
    sqs: Any = cloud.client("sqs", new=True)
    connection = URLLib3Session()
    lost: list[int] = []

    def lose_the_answer(request: Any, **_: Any) -> None:
        if not lost:
            lost.append(connection.send(request).status_code)
            raise ConnectionClosedError(endpoint_url=request.url)

    sqs.meta.events.register("before-send.sqs.CreateQueue", lose_the_answer)
    sqs.create_queue(QueueName=cloud.name())

    assert lost == [200]
    (line,) = [line for line in cloud.engine.last_errors(20) if "AmazonSQS.CreateQueue" in line]
    assert "was sent again, although it was answered with 200 (attempt=2" in line


CHANGES = {
    "another version": ("import embedded; embedded.MINISTACK_VERSION = '9.9'", "MiniStack 1.5.33 is installed"),
    "an attribute is gone": (
        "from ministack.services import apigateway_v1 as gw; from embedded import dispatcher; del gw._create_api_key",
        "_create_api_key",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_ministack_is_rejected(change: str) -> None:
    preparation, message = CHANGES[change]
    script = textwrap.dedent(f"""
        {preparation}
        from embedded import dispatcher
        from emulation import patch
        try:
            dispatcher.build()
        except patch.PatchError as error:
            print(error)
    """)
    completed = subprocess.run(
        [environments.ensure("venv"), "-c", script],
        env={"PYTHONPATH": str(ROOT / "localstack"), "IOT_MTLS_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert message in completed.stdout


def test_every_patch_is_needed(cloud: Cloud) -> None:
    """A patch that MiniStack no longer needs must be deleted, not kept."""
    log = cloud.engine.log.read_text()

    assert " needed: " in log
    assert "no longer needed" not in log


def test_the_readme_lists_the_patches(cloud: Cloud) -> None:
    health = json.loads(urllib3.request("GET", f"{cloud.engine.endpoint.url}/_embedded/health").data)
    readme = (ROOT / "localstack" / "README.md").read_text()

    assert sorted(re.findall(r"^\| `\w+\.py` \| `(\w+)` \|", readme, re.MULTILINE)) == sorted(health["patches"])
