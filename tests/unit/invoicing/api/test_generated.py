"""Generated files are up to date; fonts and imports are as documented."""

import importlib
import json
import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel, ValidationError

from invoicing.api import request_schemas
from invoicing.runtime import settings
from invoicing.uploads.csv_invoices import Candidate, RejectedInvoice
from tests.data.csv_reading import read

ROOT = Path(__file__).resolve().parents[4]
FUNCTIONS = sorted(handler.parent.name for handler in (ROOT / "lambdas").glob("*/handler.py"))


@pytest.fixture(scope="module")
def sample() -> ModuleType:
    spec = spec_from_file_location("sample_invoices", ROOT / "tests" / "data" / "sample_invoices.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_committed_sample_is_up_to_date(sample: ModuleType) -> None:
    committed = (ROOT / "docs" / "sample" / "invoices.csv").read_bytes().decode()
    assert committed == sample.content(), "run: python tests/data/sample_invoices.py --out docs/sample/invoices.csv"


def test_the_sample_has_what_it_should_show() -> None:
    results = read((ROOT / "docs" / "sample" / "invoices.csv").read_bytes())
    sound = [result for result in results if isinstance(result, Candidate)]
    bad = [result for result in results if isinstance(result, RejectedInvoice)]
    assert (len(sound), len(bad)) == (221, 9)
    assert (
        len({problem.reason.partition(" ")[0] + problem.column for rejected in bad for problem in rejected.problems})
        >= 8
    )
    assert {"EUR", "USD", "GBP", "JPY", "KWD", "PLN"} <= {candidate.request.currency for candidate in sound}
    assert max(len(candidate.request.lines) for candidate in sound) == 300
    emails = [candidate.request.customer.email or "" for candidate in sound]
    assert all(email.endswith(".example") for email in emails)


@pytest.mark.parametrize("name", request_schemas.MODELS)
def test_gateway_models_are_up_to_date(name: str) -> None:
    committed = json.loads((request_schemas.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert committed == request_schemas.draft_04(request_schemas.MODELS[name]), (
        f"./noxw -s docs writes {request_schemas.FOLDER.name}/{name}.json again"
    )


def test_draft_04_has_no_newer_keywords() -> None:
    text = json.dumps([request_schemas.draft_04(model) for model in request_schemas.MODELS.values()])
    for word in ("$defs", "$ref", "anyOf", "const", "prefixItems", '"exclusiveMinimum": 0'):
        assert word not in text


def test_formats_and_values_are_left_to_the_function() -> None:
    class Model(BaseModel):
        model_config = {
            "json_schema_extra": {
                "properties": {
                    "a": {"type": "number", "exclusiveMinimum": 0},
                    "b": {"type": "string", "const": "x", "pattern": "^x$", "maxLength": 3},
                    "c": {"anyOf": [{"type": "string", "enum": ["y"]}, {"type": "null"}]},
                }
            }
        }

    assert request_schemas.draft_04(Model)["properties"] == {
        "a": {"type": "number"},
        "b": {"type": "string", "maxLength": 3},
        "c": {"type": ["string", "null"]},
    }


def test_unconvertible_models_are_rejected() -> None:
    class Union(BaseModel):
        field: int | str

    class Choice(BaseModel):
        model_config = {"json_schema_extra": {"properties": {"a": {"oneOf": []}}}}

    for model in (Union, Choice):
        with pytest.raises(ValueError, match="no conversion to draft-04"):
            request_schemas.draft_04(model)


@pytest.mark.parametrize("face", ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"])
def test_fonts_are_small_and_come_with_their_licence(face: str) -> None:
    fonts = ROOT / "lambdas" / "generate_pdf" / "fonts"
    assert 20_000 < (fonts / face).stat().st_size < 340_000
    assert "Bitstream" in (fonts / "LICENSE-DejaVu.txt").read_text()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_generate_pdf_reaches_reportlab(function: str, settings_values: dict[str, str]) -> None:
    code = f"import sys, {function}.handler; print('reportlab' in sys.modules, 'PIL' in sys.modules)"
    names = {
        **settings_values, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "PYTHONPATH": str(ROOT / "lambdas"), "PATH": os.environ["PATH"],
    }  # fmt: skip
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], env=names, capture_output=True, text=True)  # noqa: PLW1510
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["True" if function == "generate_pdf" else "False"] * 2


def test_settings_name_missing_variables_and_ignore_others() -> None:
    with pytest.raises(ValidationError) as error:
        settings.CreateInvoiceSettings.load({"TABLE_NAME": "invoices-dev", "ARCHIVES_BUCKET": "", "BRAND_NAME": "x"})
    assert sorted(str(entry["loc"][0]) for entry in error.value.errors()) == [
        "allowed_origins",
        "archives_bucket",
        "event_bus_name",
    ]
    origins = settings.QueryInvoicesSettings.load(
        {"TABLE_NAME": "abc", "ALLOWED_ORIGINS": "https://a.example, https://b.example"}
    )
    assert origins.allowed_origins == ("https://a.example", "https://b.example")


def test_every_function_declares_its_settings() -> None:
    for function in FUNCTIONS:
        name = "".join(part.capitalize() for part in function.split("_")) + "Settings"
        assert issubclass(getattr(importlib.import_module("invoicing.runtime.settings"), name), settings.Settings)
