"""What is published when sources are saved, and what is not."""

import base64
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from harness.deploy import watch
from harness.deploy.watch import Published, Publisher
from harness.errors import HarnessError
from harness.package import Artifact

OLD, NEW = "00" * 32, "11" * 32


class Lambda:
    """Two functions, each with one version behind its alias."""

    def __init__(self, **weights: float) -> None:
        self.weights = weights
        self.moved: dict[str, str] = {}

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, Any]:  # noqa: N803 - as boto3
        assert Name == "live"
        routing = {"RoutingConfig": {"AdditionalVersionWeights": self.weights}} if self.weights else {}
        return {"FunctionVersion": self.moved.get(FunctionName, "1"), **routing}

    def get_function_configuration(self, **_: str) -> dict[str, Any]:
        return {"CodeSha256": base64.b64encode(bytes.fromhex(OLD)).decode()}

    def update_function_code(self, *, FunctionName: str, ZipFile: bytes, Publish: bool) -> dict[str, Any]:  # noqa: N803
        assert Publish
        assert ZipFile == b"zip"
        assert FunctionName not in self.moved
        return {"Version": "2"}

    def get_waiter(self, _: str) -> "Lambda":
        return self

    def wait(self, **_: object) -> None:
        """The update has ended."""

    def update_alias(self, *, FunctionName: str, Name: str, FunctionVersion: str, RoutingConfig: Any) -> None:  # noqa: N803
        assert (Name, RoutingConfig) == ("live", {})
        self.moved[FunctionName] = FunctionVersion


@pytest.fixture
def zip_file(tmp_path: Path) -> Path:
    file = tmp_path / "function.zip"
    file.write_bytes(b"zip")
    return file


def publisher_of(functions: Lambda, zip_file: Path, **digests: str) -> Publisher:
    artifacts = [Artifact(name, zip_file, digest, 3, 3) for name, digest in digests.items()]
    publisher = Publisher(functions, {"get": "get-dev", "list": "list-dev"}, lambda: artifacts)
    publisher.remember()
    return publisher


def test_what_has_changed_is_published_once(zip_file: Path) -> None:
    functions = Lambda()
    publisher = publisher_of(functions, zip_file, get=NEW, list=OLD)

    assert publisher.publish() == [Published("get", "2")]
    assert publisher.publish() == []
    assert functions.moved == {"get-dev": "2"}


def test_a_function_that_the_stack_does_not_have_is_left_to_terraform(zip_file: Path) -> None:
    assert publisher_of(Lambda(), zip_file, new=NEW).publish() == []


def test_a_release_in_stages_is_not_mixed_with_edits(zip_file: Path) -> None:
    with pytest.raises(HarnessError, match="A release in stages of get, list is under way"):
        publisher_of(Lambda(**{"2": 0.1}), zip_file)


def test_an_error_of_the_sources_is_shown_and_does_not_end_the_watch(capsys: pytest.CaptureFixture[str]) -> None:
    def publish() -> list[Published]:
        raise HarnessError("handler.py:3 does not parse: invalid syntax.", remedy="Fix that line.")

    watch.show(publish)

    assert capsys.readouterr().out == "Not live: handler.py:3 does not parse: invalid syntax.\nFix that line.\n"


def test_saves_are_seen_and_caches_are_not(tmp_path: Path) -> None:
    stopped = threading.Event()
    (tmp_path / "__pycache__").mkdir()

    def save() -> None:
        time.sleep(0.5)
        (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"")
        (tmp_path / "a.py").write_text("", encoding="utf-8")

    thread = threading.Thread(target=save)
    thread.start()
    try:
        saved = next(watch.saves(tmp_path, stopped))
    finally:
        stopped.set()
        thread.join()

    assert saved == {str(tmp_path / "a.py")}


def test_aws_gets_deploys_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_ENGINE", "aws")

    with pytest.raises(HarnessError, match="on a local engine only"):
        watch.watch("dev")
