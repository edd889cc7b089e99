"""The drill's items and their damage."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.restore import commands, drill
from harness.restore.checksum import TableChecksum
from harness.restore.drill import DrillFigures, damages, seeds
from harness.restore.restoration import check_name, new_name, own_name

TEMPLATES = [{"id": {"S": "a"}, "total": {"N": "1"}}, {"id": {"S": "b"}, "total": {"N": "2"}}]


def test_seeds_are_copies_under_keys_of_their_own() -> None:
    items = [request["PutRequest"]["Item"] for request in seeds(TEMPLATES, "id", 5)]

    assert len({item["id"]["S"] for item in items}) == 5
    assert [item["total"]["N"] for item in items] == ["1", "2", "1", "2", "1"]
    assert items == [request["PutRequest"]["Item"] for request in seeds(TEMPLATES, "id", 5)]


def test_half_is_deleted_and_half_is_overwritten() -> None:
    requests = list(damages(seeds(TEMPLATES, "id", 4), ["id"]))

    assert [next(iter(request)) for request in requests] == ["PutRequest", "DeleteRequest"] * 2
    assert "total" not in requests[0]["PutRequest"]["Item"]
    assert requests[1]["DeleteRequest"]["Key"] == {"id": {"S": "restore-drill-0000001"}}


def test_content_that_should_be_equal_or_differ_and_does_not_is_a_failure() -> None:
    one, other = TableChecksum(1, "aa"), TableChecksum(1, "bb")
    figures = DrillFigures(1, {"filled": one, "damaged": other, "restored": one})

    figures.expect("damaged", "filled", equal=False)
    figures.expect("restored", "filled")
    assert figures.failures == []

    figures.expect("damaged", "filled")
    figures.expect("restored", "filled", equal=False)
    assert len(figures.failures) == 2


def test_a_drill_damages_nothing_on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_ENGINE", "aws")
    monkeypatch.setattr(drill, "Drill", None)

    with pytest.raises(HarnessError, match="damages a table on purpose"):
        drill.run("prod", 1)


@pytest.mark.parametrize("name", ["invoices-prod", "invoices-20261130t160000-prod"])
def test_the_names_of_an_environments_tables(name: str) -> None:
    check_name(name, "prod")


@pytest.mark.parametrize(
    "name", ["orders-prod", "invoices-dev", "invoices-x-dev", "invoices-X-prod", "invoices-x-y-prod", "invoices--prod"]
)
def test_other_names_are_rejected(name: str) -> None:
    with pytest.raises(HarnessError, match="is not the name of a table of prod"):
        check_name(name, "prod")


def test_a_name_has_its_time_in_it_and_utc() -> None:
    moment = commands.full_second("2026-11-30T17:29:53+01:00")

    assert new_name("prod", moment) == "invoices-20261130t162953-prod"
    assert own_name("prod") == "invoices-prod"
    check_name(new_name("prod", moment), "prod")


def test_fractions_of_a_second_are_rejected() -> None:
    with pytest.raises(ValueError, match="2026"):
        commands.full_second("2026-11-30T16:29:53.5Z")


def test_modules_take_the_same_names() -> None:
    variables = Path("modules/invoice-platform/variables.tf").read_text(encoding="utf-8")

    assert "^invoices-([a-z0-9]+-)?${var.environment}$" in variables


def test_a_drill_needs_something_to_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty:
        def describe_table(self, **_: Any) -> Any:
            return {"Table": {"KeySchema": [{"AttributeName": "id"}]}}

        def get_paginator(self, _: str) -> Any:
            return type("Pages", (), {"paginate": lambda *_, **__: [{"Items": [{"other": {"S": "x"}}]}]})()

    unprepared = drill.Drill.__new__(drill.Drill)
    unprepared.environment, unprepared.dynamodb = "prod", Empty()
    monkeypatch.chdir("/")

    with pytest.raises(HarnessError, match="nothing that the drill could copy"):
        unprepared._templates("invoices-prod", ["id"])
