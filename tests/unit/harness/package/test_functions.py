"""The zips of our own functions: arm64 for AWS, and none with packages that it does not need.

tests/contract imports the handlers from their zips.
"""

import sys
import zipfile
from pathlib import Path

import pytest

from harness import package
from harness.package import Artifact, Target
from harness.paths import BUILD

PYTHON = Path(sys.executable)

FUNCTIONS = [function.name for function in package.functions()]
TARGETS = [Target.HOST, Target.AWS]


@pytest.fixture(scope="module")
def built() -> dict[Target, dict[str, Artifact]]:
    """Every function's zip for both targets, kept so that parallel workers and later runs reuse it."""
    out = BUILD / "artifacts"
    return {
        target: {
            artifact.function: artifact
            for artifact in package.build(target, out / f"test-{target.value}", python=PYTHON)
        }
        for target in TARGETS
    }


def entries(artifact: Artifact) -> list[str]:
    with zipfile.ZipFile(artifact.path) as opened:
        return opened.namelist()


def test_the_functions_are_found() -> None:
    assert {"create-invoice", "process-invoice", "generate-pdf"} < set(FUNCTIONS)
    assert {"query-invoices", "get-invoice", "update-invoice-status", "rotate-api-key"} < set(FUNCTIONS)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_the_pdf_function_ships_the_packages_for_pdfs(
    built: dict[Target, dict[str, Artifact]], target: Target, function: str
) -> None:
    pdf_packages = {"reportlab", "pillow", "python-bidi", "arabic-reshaper"}
    shipped = pdf_packages & set(built[target][function].distributions)

    assert shipped == (pdf_packages if function == "generate-pdf" else set())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_runtimes_own_packages_are_not_shipped(
    built: dict[Target, dict[str, Artifact]], target: Target, function: str
) -> None:
    tops = {name.partition("/")[0] for name in entries(built[target][function])}

    assert not {"boto3", "botocore", "jmespath", "s3transfer", "urllib3", "six.py", "dateutil"} & tops


@pytest.mark.parametrize("function", FUNCTIONS)
def test_shared_objects_for_aws_are_arm64(built: dict[Target, dict[str, Artifact]], function: str) -> None:
    with zipfile.ZipFile(built[Target.AWS][function].path) as opened:
        machines = {
            name: int.from_bytes(opened.read(name)[18:20], "little") for name in opened.namelist() if ".so" in name
        }

    assert machines, "pydantic has a compiled core, and none ships"
    assert set(machines.values()) == {183}, machines  # EM_AARCH64


def test_the_pdf_functions_fonts_ship(built: dict[Target, dict[str, Artifact]]) -> None:
    assert [name for name in entries(built[Target.AWS]["generate-pdf"]) if name.endswith(".ttf")]
