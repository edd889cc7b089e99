"""Environment markers of dependencies (PEP 508), evaluated for a target and not for this computer."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from packaging import requirements
from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import canonicalize_name

from harness.errors import HarnessError


@dataclass(frozen=True)
class Requirement:
    """A dependency from ``Requires-Dist`` or a dependency group, without its version: the lock decides that."""

    name: str
    extras: frozenset[str]
    marker: Marker | None

    def applies(self, environment: Mapping[str, str], extras: Set[str]) -> bool:
        """Whether it applies in an environment, to a distribution that is requested with some extras."""
        if self.marker is None:
            return True
        try:
            return any(self.marker.evaluate({**environment, "extra": extra}) for extra in (extras or {""}))
        except (UndefinedComparison, UndefinedEnvironmentName):
            raise _marker_error(str(self.marker)) from None


def parse(text: str) -> Requirement:
    """Read a requirement such as ``aws-lambda-powertools[tracer]~=3.37; python_version < '4'``.

    Raises:
        HarnessError: The text is not a requirement, or its marker is not one.
    """
    head, _, marker = text.partition(";")
    try:
        requirement = requirements.Requirement(head)
    except requirements.InvalidRequirement:
        raise HarnessError(f"{text!r} is not a requirement.", remedy="Correct it; PEP 508 defines the form.") from None
    try:
        parsed = Marker(marker.strip()) if marker.strip() else None
    except InvalidMarker:
        raise _marker_error(marker.strip()) from None
    return Requirement(canonical(requirement.name), frozenset(map(canonical, requirement.extras)), parsed)


def canonical(name: str) -> str:
    """A distribution's name in its canonical form, for comparing (PEP 503)."""
    return canonicalize_name(name)


def _marker_error(marker: str) -> HarnessError:
    return HarnessError(
        f"The dependency marker {marker!r} has a form that is not supported.",
        remedy="Correct it; PEP 508 defines the form.",
    )
