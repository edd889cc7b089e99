"""The contracts detect changes: each thing renamed, in the code's facts or in the plan's, is reported on both sides."""

import copy
import zipfile
from collections.abc import Callable
from dataclasses import replace
from operator import methodcaller
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from pydantic import create_model

from harness.contract import events, routes, settings, tables
from harness.contract.functions import functions_of
from harness.contract.mismatch import Mismatch, report, symbol
from harness.contract.routes import BodyModel, Route
from harness.contract.source import Item
from harness.package import Artifact
from harness.plan.graph import PlanGraph
from harness.plan.resource import parsed
from invoicing.api import resolver
from invoicing.api.request_schemas import draft_04
from invoicing.domain.models import CreateInvoice
from invoicing.runtime import settings as declared
from invoicing.runtime.settings import Settings
from tests.contract.code import LoadedFunction, NotStartedError, Probe, described
from tests.contract.conftest import PLATFORM, Environment
from tests.contract.test_events import emitted
from tests.contract.test_handlers import handler_mismatches
from tests.contract.test_outside import misread
from tests.contract.test_table import the_table

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def dev(environments: dict[str, Environment]) -> Environment:
    return environments["dev"]


def edited(live: Environment, address: str, edit: Edit) -> Environment:
    """The environment with one resource planned differently."""
    document = copy.deepcopy(dict(live.plan.document))
    entries = [entry for entry in document["resource_changes"] if entry["address"].endswith(address)]
    assert len(entries) == 1, address
    edit(entries[0]["change"]["after"])
    return Environment(live.name, PlanGraph(document, live.plan.environment, live.plan.source))


def names(mismatches: list[Mismatch], *parts: str) -> None:
    """There is a mismatch, and the message has both sides."""
    assert mismatches
    for part in parts:
        assert part in report(mismatches)


def renamed(block: dict[str, Any], old: str, new: str) -> None:
    block[new] = block.pop(old)


class TestVariables:
    FUNCTION = 'module.function["query-invoices"].aws_lambda_function.this'
    CODE = "lambdas/invoicing/runtime/settings.py: TableSettings.table_name"

    def compared(self, live: Environment, loaded: LoadedFunction, **changes: Any) -> list[Mismatch]:
        declared = [
            replace(setting, **changes) if setting.name == "TABLE_NAME" else setting for setting in loaded.declared
        ]
        function = live.functions["query-invoices"]
        libraries = {"LOG_LEVEL", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}
        return [*settings.compare(declared, function, model=symbol(loaded.settings), read_by_libraries=libraries)]

    def test_nothing_is_renamed(self, dev: Environment, code: dict[str, LoadedFunction]) -> None:
        assert not self.compared(dev, code["query-invoices"])

    def test_in_the_code(self, dev: Environment, code: dict[str, LoadedFunction]) -> None:
        mismatches = self.compared(dev, code["query-invoices"], name="INVOICE_TABLE")

        names(mismatches, f"{self.CODE} requires INVOICE_TABLE", f"{self.FUNCTION} provides TABLE_NAME")

    def test_in_the_settings_alone(self, dev: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
        """The function does not start then, and nothing else can be compared."""
        renamed = create_model("GetInvoiceSettings", __base__=Settings, invoices_table=(str, ...))
        monkeypatch.setattr(declared, "GetInvoiceSettings", renamed)

        with pytest.raises(NotStartedError) as error:
            LoadedFunction.load("get-invoice", dev.variables("get-invoice"))

        assert "The function get-invoice does not start" in str(error.value)
        assert "lambdas/get_invoice/handler.py:" in str(error.value)
        assert "invoices_table" in str(error.value)
        assert "TABLE_NAME" in str(error.value)

    def test_in_terraform(self, dev: Environment, code: dict[str, LoadedFunction]) -> None:
        live = edited(dev, self.FUNCTION, lambda it: renamed(it["environment"][0]["variables"], "TABLE_NAME", "TABLE"))

        mismatches = self.compared(live, code["query-invoices"])

        names(
            mismatches,
            f"{self.CODE} requires TABLE_NAME",
            f"{self.FUNCTION} provides ALLOWED_ORIGINS",
            "provides TABLE = ",
        )

    def test_in_terraform_where_the_plan_does_not_show_it(
        self, dev: Environment, code: dict[str, LoadedFunction]
    ) -> None:
        """One variable of rotate-api-key is unknown, and therefore, to the provider, its whole environment."""
        function = dev.functions["rotate-api-key"]
        variables, written = ({**mapping} for mapping in (function.variables, function.written))
        renamed(variables, "USAGE_PLAN_ID", "PLAN_ID")
        written["PLAN_ID"] = replace(written.pop("USAGE_PLAN_ID"), key="PLAN_ID")
        loaded = code["rotate-api-key"]

        mismatches = [
            *settings.compare(
                loaded.declared,
                replace(function, variables=variables, written=written),
                model=symbol(loaded.settings),
                read_by_libraries=variables.keys() - {"PLAN_ID"},
            )
        ]

        names(
            mismatches,
            "settings.py: ApiKeySettings.usage_plan_id",
            function.address,
            "modules/invoice-platform/functions.tf:",
        )


class TestIndexes:
    TABLE = "module.table.aws_dynamodb_table.this"
    CODE = "lambdas/invoicing/table/queries.py: InvoiceIndexes._read"

    @pytest.fixture
    def queries(self) -> list[tables.Query]:
        indexes = {"customerId-index": "customerId", "status-index": "status", "createdAt-index": "yearMonth"}
        return [
            tables.Query(self.CODE, index, frozenset({key}), frozenset({"createdAt"}), frozenset({"status"}))
            for index, key in indexes.items()
        ]

    def test_nothing_is_renamed(self, dev: Environment, queries: list[tables.Query]) -> None:
        assert not [*tables.compare(the_table(dev), queries)]

    def test_in_the_code(self, dev: Environment, queries: list[tables.Query]) -> None:
        queries[1] = replace(queries[1], index="state-index")

        names([*tables.compare(the_table(dev), queries)], f"{self.CODE} queries state-index", f"{self.TABLE} has ")

    @pytest.mark.parametrize(
        ("attribute", "value", "part"),
        [
            ("name", "state-index", "has createdAt-index, customerId-index, state-index"),
            ("hash_key", "state", "status-index has the keys createdAt, state"),
            ("range_key", "updatedAt", "status-index has the keys status, updatedAt"),
            ("projection_type", "KEYS_ONLY", "status-index projects createdAt, invoiceId"),
        ],
    )
    def test_in_terraform(
        self, dev: Environment, queries: list[tables.Query], attribute: str, value: str, part: str
    ) -> None:
        def edit(table: dict[str, Any]) -> None:
            (index,) = [index for index in table["global_secondary_index"] if index["name"] == "status-index"]
            index[attribute] = value

        queries[1] = replace(queries[1], requested=frozenset({"total"}))

        mismatches = [*tables.compare(the_table(edited(dev, self.TABLE, edit)), queries)]

        names(mismatches, self.CODE, self.TABLE, part)


class TestRoutes:
    METHOD = 'module.api.aws_api_gateway_method.this["get-invoice"]'
    CODE = "lambdas/get_invoice/handler.py: get_invoice"

    def compared(self, live: Environment, served: list[Route]) -> list[Mismatch]:
        return [*live.unknown_paths, *routes.compare(live.routes, served, [each.route for each in described()])]

    @pytest.fixture
    def served(self, code: dict[str, LoadedFunction]) -> list[Route]:
        return [route for loaded in code.values() for route in loaded.routes]

    def test_nothing_is_renamed(self, dev: Environment, served: list[Route]) -> None:
        assert not self.compared(dev, served)

    @pytest.mark.parametrize("change", [{"path": "/bills/<invoice_id>"}, {"method": "PUT"}])
    def test_in_the_code(self, dev: Environment, served: list[Route], change: dict[str, Any]) -> None:
        changed = [replace(route, **change) if route.where == self.CODE else route for route in served]

        names(self.compared(dev, changed), f"{self.CODE} has ", f"{self.METHOD} has GET /invoices/{{id}}")

    def test_the_method_in_terraform(self, dev: Environment, served: list[Route]) -> None:
        live = edited(dev, self.METHOD, lambda it: it.update(http_method="PUT"))

        names(self.compared(live, served), f"{self.CODE} has GET", self.METHOD)

    def test_the_path_in_terraform(self, dev: Environment, served: list[Route]) -> None:
        document = copy.deepcopy(dict(dev.plan.document))
        document["output_changes"]["stack"]["after"]["api_routes"]["get-invoice"] = "GET /bills/{id}"
        live = Environment("dev", PlanGraph(document, "dev", "live/dev"))

        names(self.compared(live, served), f"{self.CODE} has GET", self.METHOD)

    def test_the_function_in_terraform(self, dev: Environment, served: list[Route]) -> None:
        integration = 'module.api.aws_api_gateway_integration.this["get-invoice"]'
        for function in ("query-invoices-dev:live", "get-invoice-dev"):
            live = edited(dev, integration, methodcaller("update", uri=f"arn:aws:lambda:r:0:function:{function}"))

            names(self.compared(live, served), f"{self.CODE} of get-invoice serves it", f"{self.METHOD} calls ")

    def test_an_operation_without_aws_reads_the_headers_of_its_own_code(self) -> None:
        module = ModuleType("health.handler")
        app = module.app = resolver.create_app()  # type: ignore[attr-defined] # as handlers name their router

        @app.get("/health")
        def health() -> Response[str]:
            assert app.current_event.headers.get("X-Depth") is None
            return Response(200, "application/json", "{}")

        function = LoadedFunction("health", module, Settings)

        probe = function.probe(function.routes[0], None)

        assert probe == Probe(None, None, frozenset({"X-Depth"}), "")


class TestModels:
    MODEL = 'module.api.aws_api_gateway_model.this["CreateInvoice"]'
    CODE = "lambdas/invoicing/domain/models.py: CreateInvoice"

    def compared(self, live: Environment, schema: dict[str, Any]) -> list[Mismatch]:
        model = BodyModel("POST /invoices", "CreateInvoice", schema, symbol(CreateInvoice))
        planned = [route for route in live.routes if route.key == model.operation]
        schemas = {str(each.get("name")): parsed(each.get("schema")) for each in live.plan.of("aws_api_gateway_model")}
        mismatches = routes.compare_bodies(live.plan, planned, [model], schemas)
        return [mismatch for mismatch in mismatches if "Update" not in mismatch.about]

    def test_nothing_is_renamed(self, dev: Environment) -> None:
        assert not self.compared(dev, draft_04(CreateInvoice))

    def test_in_the_code(self, dev: Environment) -> None:
        schema = draft_04(CreateInvoice)
        renamed(schema["properties"], "currency", "money")

        names(self.compared(dev, schema), f"{self.CODE} generates it", f"{self.MODEL} has the other", "currency")

    def test_in_terraform(self, dev: Environment) -> None:
        def edit(model: dict[str, Any]) -> None:
            model["schema"] = model["schema"].replace('"currency":{', '"money":{')

        live = edited(dev, self.MODEL, edit)

        mismatches = self.compared(live, draft_04(CreateInvoice))

        names(mismatches, f"{self.CODE} generates it", f"{self.MODEL} has the other", "currency")


class TestDetailTypes:
    RULE = 'module.event_bus.aws_cloudwatch_event_rule.this["invoice-created-dev"]'
    CODE = "lambdas/invoicing/events/bus.py: derive"

    def compared(self, live: Environment, sent: list[events.EmittedEvent]) -> list[Mismatch]:
        return [*events.compare(events.rules_of(live.plan, live.functions, PLATFORM), sent)]

    def test_nothing_is_renamed(self, dev: Environment) -> None:
        assert not self.compared(dev, emitted(dev))

    def test_in_the_code(self, dev: Environment) -> None:
        sent = [
            replace(event, body={**event.body, "detail-type": "invoice-issued"})
            if event.body["detail-type"] == "invoice-created"
            else event
            for event in emitted(dev)
        ]

        names(self.compared(dev, sent), f"{self.CODE} emits it", self.RULE, "invoice-issued", "invoice-created")

    def test_in_terraform(self, dev: Environment) -> None:
        pattern = '{"detail-type":["invoice-issued"],"source":["invoice.platform"]}'
        live = edited(dev, self.RULE, lambda it: it.update(event_pattern=pattern))

        names(self.compared(live, emitted(dev)), f"{self.CODE} emits it", self.RULE, "invoice-issued")

    def test_the_providers_event_in_terraform(self, dev: Environment) -> None:
        """Without the exception, our own invoice-paid would be recorded as a payment, again and again."""
        rule = 'aws_cloudwatch_event_rule.this["invoice-paid-dev"]'
        live = edited(dev, rule, lambda it: it.update(event_pattern='{"detail-type":["invoice-paid"]}'))

        names(self.compared(live, emitted(dev)), self.CODE, rule, "update-invoice-status")


class TestEventFields:
    def test_a_renamed_field_cannot_be_read(self, dev: Environment, code: dict[str, LoadedFunction]) -> None:
        fields = {"generate-pdf": "invoiceId", "create-invoice": "checkpoint", "update-invoice-status": "paymentId"}

        for event in emitted(dev):
            for receiver in event.receivers & fields.keys():
                assert not code[receiver].error_on(event.body)
                detail = {**event.body["detail"]}
                renamed(detail, fields[receiver], "renamed")
                assert fields[receiver] in code[receiver].error_on({**event.body, "detail": detail})


class TestHandlers:
    ADDRESS = 'module.function["query-invoices"].aws_lambda_function.this'

    @pytest.fixture
    def zipped(self, tmp_path: Path) -> Callable[..., Artifact]:
        def write(**files: str) -> Artifact:
            path = tmp_path / "query-invoices.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for name, text in files.items():
                    archive.writestr(f"{name}/handler.py", text)
            return Artifact("query-invoices", path, "", 0, 0)

        return write

    def test_nothing_is_renamed(self, dev: Environment, zipped: Callable[..., Artifact]) -> None:
        assert not handler_mismatches(
            dev.functions["query-invoices"], zipped(query_invoices="def lambda_handler(): ...")
        )

    def test_in_the_code(self, dev: Environment, zipped: Callable[..., Artifact]) -> None:
        function = dev.functions["query-invoices"]

        mismatches = handler_mismatches(function, zipped(query_invoices="def handle(): ..."))
        moved = handler_mismatches(function, zipped(list_invoices="def lambda_handler(): ..."))

        names(
            mismatches, "lambdas/query_invoices/handler.py has handle", f"{self.ADDRESS} calls query_invoices.handler."
        )
        names(moved, "query-invoices.zip has list_invoices/handler.py", f"{self.ADDRESS} calls query_invoices.handler.")

    def test_in_terraform(self, dev: Environment, zipped: Callable[..., Artifact]) -> None:
        live = edited(dev, self.ADDRESS, lambda it: it.update(handler="query_invoices.handler.handle"))

        mismatches = handler_mismatches(
            live.functions["query-invoices"], zipped(query_invoices="def lambda_handler(): ...")
        )

        names(mismatches, "handler.py has lambda_handler", f"{self.ADDRESS} calls query_invoices.handler.handle")

    def test_the_zip_in_terraform(self, dev: Environment, code: dict[str, LoadedFunction]) -> None:
        live = edited(dev, self.ADDRESS, lambda it: it.update(s3_key="functions/list-invoices.zip"))

        assert functions_of(live.plan).keys() - code.keys() == {"? (functions/list-invoices.zip)"}


class TestSecret:
    def test_a_renamed_field(self) -> None:
        written = [Item("modules/invoice-platform/secrets.tf:36", key, "x") for key in ("key", "apiKeyId")]

        mismatches = misread(written)

        names(
            mismatches,
            "lambdas/invoicing/api_keys/rotation.py: KeySecret lacks apiKey",
            "key in modules/invoice-platform/secrets",
        )
