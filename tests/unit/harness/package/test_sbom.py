"""The bill of materials of a zip: valid CycloneDX, complete, and the same for the same zip."""

import json
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from harness.package import sbom

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def installed(folder: Path, name: str, version: str, *metadata: str) -> Distribution:
    """An unpacked distribution with that metadata."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    lines = ("Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *metadata)
    (info / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return PathDistribution(info)


def bill_of(folder: Path, *distributions: Distribution) -> dict[str, Any]:
    """The bill of materials of a zip with these distributions."""
    sbom.write("get-invoice", SHA256, distributions, folder / "get-invoice.cdx.json")
    document: dict[str, Any] = json.loads((folder / "get-invoice.cdx.json").read_text(encoding="utf-8"))
    return document


def test_it_is_valid(tmp_path: Path) -> None:
    bill_of(tmp_path, installed(tmp_path, "pydantic", "2.14.3", "License-Expression: MIT"))

    text = (tmp_path / "get-invoice.cdx.json").read_text(encoding="utf-8")

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_names_each_distribution_and_its_version(tmp_path: Path) -> None:
    bill = bill_of(tmp_path, installed(tmp_path, "Typing_Extensions", "4.16"), installed(tmp_path, "wrapt", "2.1"))

    assert [component["purl"] for component in bill["components"]] == [
        "pkg:pypi/typing-extensions@4.16",
        "pkg:pypi/wrapt@2.1",
    ]


def test_it_names_the_zip_by_its_digest(tmp_path: Path) -> None:
    bill = bill_of(tmp_path)

    assert bill["metadata"]["component"]["name"] == "get-invoice"
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": SHA256}]


@pytest.mark.parametrize(
    ("metadata", "licences"),
    [
        pytest.param(["License-Expression: MIT OR Apache-2.0"], [{"expression": "MIT OR Apache-2.0"}], id="expression"),
        pytest.param(["License: BSD-3-Clause"], [{"license": {"id": "BSD-3-Clause"}}], id="text"),
        pytest.param(
            ["License: UNKNOWN", "Classifier: License :: OSI Approved :: MIT License"],
            [{"license": {"name": "MIT License"}}],
            id="classifier",
        ),
        pytest.param([], None, id="none"),
    ],
)
def test_it_has_the_licence_that_the_metadata_has(
    metadata: list[str], licences: list[Any] | None, tmp_path: Path
) -> None:
    bill = bill_of(tmp_path, installed(tmp_path, "wrapt", "2.1", *metadata))

    found = bill["components"][0].get("licenses")

    assert _without_acknowledgement(found) == licences


def _without_acknowledgement(licences: Any) -> Any:
    for licence in licences or ():
        licence.pop("acknowledgement", None)
        licence.get("license", {}).pop("acknowledgement", None)
    return licences


def test_the_same_zip_has_the_same_bill(tmp_path: Path) -> None:
    wrapt = installed(tmp_path, "wrapt", "2.1")
    bill_of(tmp_path, wrapt)
    first = (tmp_path / "get-invoice.cdx.json").read_bytes()

    bill_of(tmp_path, wrapt)

    assert (tmp_path / "get-invoice.cdx.json").read_bytes() == first
