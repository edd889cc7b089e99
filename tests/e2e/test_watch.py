"""What is saved in the functions' sources is live at once on a stack that runs, and no call is lost meanwhile."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.deploy import watch
from harness.deploy.smoke_access import PlatformAccess
from harness.deploy.watch import Publisher
from harness.engine import Engine
from harness.errors import HarnessError
from harness.stack.deployment import Stack
from harness.stack.snapshot import clone_source

pytestmark = pytest.mark.xdist_group("smoke")

PAUSE_S = 0.1
"""Between two calls of one of the three clients: together they stay below the 50 calls per second of the usage plan."""

ANSWER = 'return resolver.response(body)\n\n\n@app.get("/payments")'


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Stack, Engine]]:
    """A separate stack: its functions get other code than those of other tests."""
    with clone_source("dev").clone("e2e-watch") as running:
        yield running


@pytest.fixture(scope="module")
def stack(running: tuple[Stack, Engine]) -> Stack:
    return running[0]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, to edit."""
    return Path(shutil.copytree(watch.SOURCES, tmp_path_factory.mktemp("edited") / "lambdas"))


@pytest.fixture(scope="module")
def publisher(running: tuple[Stack, Engine], sources: Path) -> Publisher:
    publisher = watch.publisher_of(*running, sources)
    publisher.remember()
    assert publisher.publish() == [], "nothing was edited"
    return publisher


def edit(sources: Path, edition: int) -> None:
    """Let the list of invoices say its edition in a header."""
    original = (watch.SOURCES / "query_invoices/handler.py").read_text(encoding="utf-8")
    assert ANSWER in original
    edited = original.replace(ANSWER, ANSWER.replace("(body)", f'(body, Edition="{edition}")'))
    (sources / "query_invoices/handler.py").write_text(edited, encoding="utf-8")


def edition_of(access: PlatformAccess, key: str) -> int:
    response = access.request("GET", "/invoices", key, limit="1")
    assert response.status == 200, response.text
    return int(response.headers.get("Edition", "0"))


def test_an_edit_is_live_when_it_is_published_and_no_call_is_lost(
    stack: Stack, sources: Path, publisher: Publisher
) -> None:
    access, ended = PlatformAccess.on_engine(stack), threading.Event()

    def call_on() -> list[int]:
        editions = []
        while not ended.wait(PAUSE_S):
            editions.append(edition_of(access, stack.api_key))
        return editions

    with ThreadPoolExecutor(3) as callers:
        calls = [callers.submit(call_on) for _ in range(3)]
        try:
            for edition in (1, 2, 3):
                edit(sources, edition)
                (published,) = publisher.publish()
                assert published.name == "query-invoices"
                assert edition_of(access, stack.api_key) == edition
        finally:
            ended.set()
        seen = [call.result() for call in calls]

    assert all(editions == sorted(editions) for editions in seen), "a caller went back to an older edition"
    assert {edition for editions in seen for edition in editions} >= {0, 3}


def test_a_module_that_functions_share_is_live_in_all_of_them(sources: Path, publisher: Publisher) -> None:
    shared = sources / "invoicing/api/resolver.py"
    shared.write_text(f"{shared.read_text(encoding='utf-8')}\n# edited\n", encoding="utf-8")

    names = {published.name for published in publisher.publish()}

    assert names >= {"create-invoice", "get-invoice", "query-invoices", "update-invoice-status"}
    assert not names & {"generate-pdf", "rotate-api-key"}


def test_a_source_that_cannot_be_built_changes_nothing(stack: Stack, sources: Path, publisher: Publisher) -> None:
    access = PlatformAccess.on_engine(stack)
    before = edition_of(access, stack.api_key)
    (sources / "query_invoices/handler.py").write_text("def broken(:\n", encoding="utf-8")

    with pytest.raises(HarnessError, match=r"handler\.py:1 does not parse"):
        publisher.publish()

    assert edition_of(access, stack.api_key) == before
