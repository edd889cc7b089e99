"""Settings, functions and what is read from source: what agrees passes, what differs is told with both of its ends."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.contract import routes, settings, source
from harness.contract.functions import Function, called, functions_of
from harness.contract.mismatch import Mismatch, symbol, told
from harness.contract.settings import Setting
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN
from tests.unit.harness.contract.facts import ADDRESS, MAKE, arn, only, plan_of

DECLARED = [Setting("TABLE", required=True, symbol="code/settings.py: Make.table")]


class TestSettings:
    def compared(self, declared: list[Setting], function: Function) -> list[Mismatch]:
        return [*settings.compare(declared, function, model="code/settings.py: Make", read_by_libraries={"LOG"})]

    def test_what_is_given_and_read_agrees(self) -> None:
        given = replace(MAKE, variables={"TABLE": "things", "LOG": "INFO"})
        optional = Setting("BRAND", required=False, symbol="code/settings.py: Make.brand")

        assert not self.compared([*DECLARED, optional], given)

    @pytest.mark.parametrize("given", [{"TABEL": "things"}, {"TABLE": ""}])
    def test_a_required_one_that_is_not_given(self, given: dict[str, str]) -> None:
        found = self.compared(DECLARED, replace(MAKE, variables=given))[0]

        assert found.code == "code/settings.py: Make.table requires TABLE"
        assert found.plan.startswith(f"{ADDRESS} gives {next(iter(given))}")

    def test_the_likely_other_name_is_told(self) -> None:
        found = self.compared(DECLARED, replace(MAKE, variables={"TABEL": "things"}))

        assert "did you mean TABEL?" in found[0].plan
        assert "did you mean TABLE?" in found[1].code

    def test_one_that_nobody_reads(self) -> None:
        found = only(self.compared(DECLARED, replace(MAKE, variables={**MAKE.variables, "OLD": "x"})))

        assert found.about == "The variable OLD of make is read by nobody"
        assert found.plan == f'{ADDRESS} gives OLD = "x"'
        assert found.code == "code/settings.py: Make reads TABLE"

    def test_a_value_that_the_model_refuses(self) -> None:
        found = only(settings.malformed(MAKE, lambda _: {"TABLE": "too short", "OTHER": "missing"}, model="Make"))

        assert found.code == "Make: too short"
        assert found.plan == f'{ADDRESS} gives TABLE = "things"'

    def test_a_name_that_is_another_ones(self) -> None:
        found = only(settings.named({"make": MAKE}, {"TABLE": "others"}, symbols={"TABLE": "Make.table"}))

        assert found.plan == f'{ADDRESS} gives TABLE = "things"'
        assert "others" in found.code
        assert not [*settings.named({"make": MAKE}, {"TABLE": "things", "ELSE": "x"}, symbols={})]

    def test_what_the_plan_does_not_tell_is_taken_from_the_others_or_made_up(self) -> None:
        unknown = replace(MAKE, variables={"TABLE": UNKNOWN, "LEVEL": UNKNOWN, "OWN": "1"})
        others = [replace(MAKE, variables={"TABLE": table, "LEVEL": "INFO"}) for table in ("a", "b")]

        assert settings.variables(unknown, others) == {"TABLE": settings.PLACEHOLDER, "LEVEL": "INFO", "OWN": "1"}


class TestFunctions:
    def plan(self, **more: Any) -> PlanGraph:
        function = {"function_name": "make-dev", "handler": "make.handler.run", "timeout": 30, "s3_bucket": "zips"}
        return plan_of(
            ("aws_lambda_function.this", {**function, "s3_key": "f/make.zip", **more}),
            ("aws_lambda_alias.this", {"function_name": "make-dev", "name": "live"}),
            ("aws_s3_object.code", {"bucket": "zips", "key": "f/make.zip", "source": "/out/make.zip"}),
        )

    def test_a_function_is_known_by_its_zip(self) -> None:
        found = functions_of(self.plan(environment=[{"variables": {"A": "1"}}]))["make"]

        assert (found.handler, found.timeout, found.variables) == ("make.handler.run", 30.0, {"A": "1"})
        assert found.aliases == {"live"}

    def test_a_zip_that_is_not_in_the_plan_is_no_function_of_ours(self) -> None:
        assert [*functions_of(self.plan(s3_key="f/else.zip"))] == ["? (f/else.zip)"]

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (arn(), "make"),
            (f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn()}/invocations", "make"),
            (arn(""), "make (past its alias: -)"),
            (arn(":beta"), "make (past its alias: beta)"),
            (arn().replace("make-dev", "other"), "(other: not in this plan)"),
            ("arn:aws:sns:us-east-1:0:t", "(arn:aws:sns:us-east-1:0:t: no function)"),
            (UNKNOWN, "(known after apply)"),
        ],
    )
    def test_what_is_called(self, value: Any, said: str) -> None:
        assert called(value, {"make": MAKE}) == said


MODULE = """
locals {
  _functions = {
    make = { environment = { TABLE = local._table, "URL" = module.api.url }, handler = "x" }
    drop = { environment = { OTHER = 1 } }
  }
  _environment_by_id = { make = { PLAN_ID = module.api.plan_id } }
  _table             = { TABLE = "no environment" }
}

module "function" {
  source      = "../lambda"
  environment = merge(each.value.environment, { LEVEL = var.level })
}

module "secret" {
  source = "../secret"
  value  = { key = module.api.key, keyId = module.api.key_id }
}
"""


class TestSource:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "main.tf").write_text(MODULE, encoding="utf-8")
        return tmp_path

    def test_the_environment_of_a_function(self, folder: Path) -> None:
        found = source.environment_of(folder, "make")

        assert {name: one.text for name, one in found.items()} == {
            "TABLE": "local._table",
            "URL": "module.api.url",
            "PLAN_ID": "module.api.plan_id",
            "LEVEL": "var.level",
        }
        assert found["PLAN_ID"].where.endswith("main.tf:7")

    def test_the_entries_of_an_argument(self, folder: Path) -> None:
        found = source.entries(folder, "module", "secret", "value")

        assert [(one.key, one.text) for one in found] == [("key", "module.api.key"), ("keyId", "module.api.key_id")]
        assert source.entries(folder, "module", "secret", "other") == []
        assert source.entries(folder, "module", "function", "source") == []

    def test_entries_by_name(self, folder: Path) -> None:
        assert [one.text for one in source.items(folder, "TABLE")] == ["local._table", '"no environment"']


def test_a_symbol_is_told_by_its_file() -> None:
    assert symbol(Mismatch, "about") == "harness/contract/mismatch.py: Mismatch.about"
    assert symbol(told) == "harness/contract/mismatch.py: told"
    assert symbol(routes) == "harness/contract/routes.py"
