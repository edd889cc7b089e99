"""Settings, functions and source: facts that agree pass, and a difference is reported on both sides."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.contract import routes, settings, source
from harness.contract.functions import Function, function_called, functions_of
from harness.contract.mismatch import Mismatch, report, symbol
from harness.contract.settings import Setting
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN
from tests.unit.harness.contract.facts import ADDRESS, MAKE, arn, only, plan_of

DECLARED = [Setting("TABLE", required=True, symbol="code/settings.py: Make.table")]


class TestSettings:
    def compared(self, declared: list[Setting], function: Function) -> list[Mismatch]:
        return [*settings.compare(declared, function, model="code/settings.py: Make", read_by_libraries={"LOG"})]

    def test_variables_that_are_provided_and_read_agree(self) -> None:
        function = replace(MAKE, variables={"TABLE": "things", "LOG": "INFO"})
        optional = Setting("BRAND", required=False, symbol="code/settings.py: Make.brand")

        assert not self.compared([*DECLARED, optional], function)

    @pytest.mark.parametrize("variables", [{"TABEL": "things"}, {"TABLE": ""}])
    def test_a_required_setting_that_is_not_provided(self, variables: dict[str, str]) -> None:
        mismatch = self.compared(DECLARED, replace(MAKE, variables=variables))[0]

        assert mismatch.code == "code/settings.py: Make.table requires TABLE"
        assert mismatch.plan.startswith(f"{ADDRESS} provides {next(iter(variables))}")

    def test_a_similar_name_is_suggested(self) -> None:
        mismatches = self.compared(DECLARED, replace(MAKE, variables={"TABEL": "things"}))

        assert "did you mean TABEL?" in mismatches[0].plan
        assert "did you mean TABLE?" in mismatches[1].code

    def test_a_variable_that_nobody_reads(self) -> None:
        mismatch = only(self.compared(DECLARED, replace(MAKE, variables={**MAKE.variables, "OLD": "x"})))

        assert mismatch.about == "The variable OLD of make is read by nobody"
        assert mismatch.plan == f'{ADDRESS} provides OLD = "x"'
        assert mismatch.code == "code/settings.py: Make reads TABLE"

    def test_a_value_that_the_model_rejects(self) -> None:
        errors = {"TABLE": "too short", "OTHER": "missing"}

        mismatch = only(settings.compare_values(MAKE, lambda _: errors, model="Make"))

        assert mismatch.code == "Make: too short"
        assert mismatch.plan == f'{ADDRESS} provides TABLE = "things"'

    def test_the_name_of_another_resource(self) -> None:
        mismatch = only(settings.compare_names({"make": MAKE}, {"TABLE": "others"}, symbols={"TABLE": "Make.table"}))

        assert mismatch.plan == f'{ADDRESS} provides TABLE = "things"'
        assert "others" in mismatch.code
        assert not [*settings.compare_names({"make": MAKE}, {"TABLE": "things", "ELSE": "x"}, symbols={})]

    def test_an_unknown_value_comes_from_the_other_functions_or_is_a_placeholder(self) -> None:
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
        function = functions_of(self.plan(environment=[{"variables": {"A": "1"}}]))["make"]

        assert (function.handler, function.timeout, function.variables) == ("make.handler.run", 30.0, {"A": "1"})
        assert function.aliases == {"live"}

    def test_a_zip_that_is_not_in_the_plan_is_not_a_function_of_ours(self) -> None:
        assert [*functions_of(self.plan(s3_key="f/else.zip"))] == ["? (f/else.zip)"]

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (arn(), "make"),
            (f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn()}/invocations", "make"),
            (arn(""), "make (not by its alias: -)"),
            (arn(":beta"), "make (not by its alias: beta)"),
            (arn().replace("make-dev", "other"), "(other: not in this plan)"),
            ("arn:aws:sns:us-east-1:0:t", "(arn:aws:sns:us-east-1:0:t: not a function)"),
            (UNKNOWN, "(known after apply)"),
        ],
    )
    def test_the_function_that_is_called(self, value: Any, name: str) -> None:
        assert function_called(value, {"make": MAKE}) == name


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
        environment = source.environment_of(folder, "make")

        assert {name: item.text for name, item in environment.items()} == {
            "TABLE": "local._table",
            "URL": "module.api.url",
            "PLAN_ID": "module.api.plan_id",
            "LEVEL": "var.level",
        }
        assert environment["PLAN_ID"].where.endswith("main.tf:7")

    def test_the_entries_of_an_argument(self, folder: Path) -> None:
        items = source.entries(folder, "module", "secret", "value")

        assert [(item.key, item.text) for item in items] == [("key", "module.api.key"), ("keyId", "module.api.key_id")]
        assert source.entries(folder, "module", "secret", "other") == []
        assert source.entries(folder, "module", "function", "source") == []

    def test_entries_by_name(self, folder: Path) -> None:
        assert [item.text for item in source.items(folder, "TABLE")] == ["local._table", '"no environment"']


def test_a_symbol_starts_with_its_file() -> None:
    assert symbol(Mismatch, "about") == "harness/contract/mismatch.py: Mismatch.about"
    assert symbol(report) == "harness/contract/mismatch.py: report"
    assert symbol(routes) == "harness/contract/routes.py"
