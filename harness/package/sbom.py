"""The bill of materials of a zip, as CycloneDX: which distributions it holds, in which versions, under which licences.

It is written beside the zip, not into it: the zip must not change with a description of it. Without a time and with a
serial number from the zip's digest, the same zip has the same bill. https://cyclonedx.org/docs/1.6/json/
"""

import uuid
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from harness.files import write_whole
from harness.package.markers import canonical

SUFFIX = ".cdx.json"
"""What the CycloneDX guide recommends: https://cyclonedx.org/specification/overview/#recognized-file-patterns"""

_UNNAMED = "UNKNOWN"  # what old builders wrote in place of a licence


def write(function: str, sha256: str, distributions: Sequence[Distribution], to: Path) -> None:
    """Write a zip's bill of materials.

    Args:
        function: The function's name.
        sha256: The zip's SHA-256.
        distributions: The distributions in the zip.
        to: The file.
    """
    zipped = Component(
        name=function,
        type=ComponentType.APPLICATION,
        bom_ref=function,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
    )
    components = [_component(distribution) for distribution in distributions]
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, sha256),
        metadata=BomMetaData(component=zipped),
        components=components,
        dependencies=[
            Dependency(zipped.bom_ref, [Dependency(component.bom_ref) for component in components]),
            *(Dependency(component.bom_ref) for component in components),
        ],
    )
    bom.metadata.timestamp = None  # type: ignore[assignment]
    write_whole(to, JsonV1Dot6(bom).output_as_string(indent=2) + "\n")


def _component(distribution: Distribution) -> Component:
    name, version = canonical(distribution.metadata["Name"]), distribution.version
    purl = PackageURL("pypi", name=name, version=version)
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=list(_licenses(distribution)),
    )


def _licenses(distribution: Distribution) -> Iterator[License]:
    """The licence: an SPDX expression if the metadata has one (PEP 639), else the text or the classifiers."""
    metadata = distribution.metadata
    factory = LicenseFactory()
    texts = [text for field in ("License-Expression", "License") for text in metadata.get_all(field) or ()]
    named = [text for text in texts if text != _UNNAMED and "\n" not in text]
    if named:
        yield factory.make_from_string(named[0])
        return
    for classifier in metadata.get_all("Classifier") or ():
        if classifier.startswith("License :: "):
            yield factory.make_with_name(classifier.rpartition(" :: ")[2])
