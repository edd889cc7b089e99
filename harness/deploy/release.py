"""What a release in stages is made of: the inputs that Terraform gets, the aliases as they are, and the record of both.

Terraform owns the versions and the aliases. A stage is a plan of the same code with other inputs (``release`` of the
live folder). They are written to a file that only the deploys read, so that plain ``terraform apply`` is all at once.

The record is an object beside the state, because the machine of the next deploy may be another one. The aliases decide
where both differ: a record that they contradict is out of date.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import HarnessError
from harness.files import write_whole

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

ALIAS = "live"
"""The alias through which every function is called."""

KEPT_RELEASES = 11
"""The releases that the record names: the one in use, and the ten before it."""


@dataclass(frozen=True)
class ReleaseInputs:
    """The live folder's input ``release``.

    Attributes:
        stable: The version that callers keep, by the function's short name. Other functions get their newest version.
        weight: The share of the calls that the newest versions of those functions get, 0 to less than 1.
    """

    stable: Mapping[str, str] = field(default_factory=dict)
    weight: float = 0.0

    def options(self, file: Path) -> tuple[str, ...]:
        """The options of ``terraform plan`` for this stage; none if every function gets its newest version.

        Args:
            file: Where to write the inputs.
        """
        if not self.stable:
            return ()
        release = {"stable": dict(sorted(self.stable.items())), "weight": self.weight}
        write_whole(file, json.dumps({"release": release}, indent=2) + "\n")
        return (f"-var-file={file.absolute()}",)


@dataclass(frozen=True)
class LiveAlias:
    """An alias as it is.

    Attributes:
        function: The function's full name.
        version: The version that gets the calls that no weight gives away.
        weights: The shares of other versions.
    """

    function: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def newest(self) -> str:
        """The version that is being released, or else the one that callers get."""
        return next(iter(self.weights), self.version)


def live_aliases(functions: Any, names: Mapping[str, str]) -> dict[str, LiveAlias]:
    """The aliases of functions, by short name; those that do not exist are left out.

    Args:
        functions: A client of Lambda.
        names: The functions' full names, by short name.
    """
    aliases = {}
    for short, name in names.items():
        try:
            alias = functions.get_alias(FunctionName=name, Name=ALIAS)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            continue
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        aliases[short] = LiveAlias(name, alias["FunctionVersion"], dict(weights))
    return aliases


def published_versions(functions: Any, alias: LiveAlias) -> list[str]:
    """The versions of an alias's function, ``$LATEST`` among them."""
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=alias.function)
    return [version["Version"] for page in pages for version in page["Versions"]]


class Release(BaseModel):
    """One release that got all calls.

    Attributes:
        at: When, in ISO 8601.
        versions: The version of each function, by short name.
    """

    model_config = ConfigDict(frozen=True)

    at: str
    versions: dict[str, str]


class ReleaseRecord(BaseModel):
    """What is known of an environment's releases.

    Attributes:
        stable: The versions that callers keep while a release is in progress, or after one was taken back.
        weight: The share of the newest versions; 0 if nothing is in progress.
        reason: Why callers keep the stable versions.
        history: The releases that got all calls, the last one at the end.
        unfinished: The versions that callers had when a deploy began to apply that has not ended; empty if each has.
    """

    model_config = ConfigDict(frozen=True)

    unfinished: dict[str, str] = {}
    stable: dict[str, str] = {}
    weight: float = 0.0
    reason: str = ""
    history: tuple[Release, ...] = ()

    @property
    def inputs(self) -> ReleaseInputs:
        """The inputs with which a plan has nothing to change."""
        return ReleaseInputs(self.stable, self.weight)

    def agreeing_with(self, aliases: Mapping[str, LiveAlias]) -> Self:
        """The record without what the aliases contradict, because somebody has moved them since."""
        stable = {name: version for name, version in self.stable.items() if _keeps(aliases.get(name), version)}
        if not any(alias.weights for alias in aliases.values()):
            return self.model_copy(update={"stable": stable, "weight": 0.0})
        weighted = {name: alias.version for name, alias in aliases.items() if alias.weights}
        weight = max(share for alias in aliases.values() for share in alias.weights.values())
        return self.model_copy(update={"stable": {**stable, **weighted}, "weight": weight})

    def begun(self, versions: Mapping[str, str]) -> Self:
        """The record of a deploy that applies now; one that did not end before it counts as part of it."""
        return self.model_copy(update={"unfinished": self.unfinished or dict(versions)})

    def in_stages(self, stable: Mapping[str, str], weight: float, reason: str) -> Self:
        """The record of a release that is in progress, or was taken back."""
        return self.model_copy(update={"stable": dict(stable), "weight": weight, "reason": reason, "unfinished": {}})

    def all_at_once(self, versions: Mapping[str, str]) -> Self:
        """The record after a release that got all calls."""
        return self.released(versions).in_stages({}, 0, "")

    def released(self, versions: Mapping[str, str]) -> Self:
        """The record with these versions as the last release; nothing is added if it has them already."""
        if self.history and self.history[-1].versions == versions:
            return self
        at = datetime.now(UTC).isoformat(timespec="seconds")
        history = (*self.history, Release(at=at, versions=dict(versions)))[-KEPT_RELEASES:]
        return self.model_copy(update={"history": history})

    def without(self, later_than: Mapping[str, str]) -> Self:
        """The record without the releases in which one of these functions had a later version."""
        history = tuple(
            release
            for release in self.history
            if all(int(release.versions.get(name, 0)) <= int(version) for name, version in later_than.items())
        )
        return self.model_copy(update={"history": history})

    def before(self, current: Mapping[str, str]) -> dict[str, str]:
        """What differs in the last release that had earlier versions than the current ones, and no later ones.

        Args:
            current: The versions that callers get, by the functions' short names.

        Returns:
            The functions that had another version, with that version; empty if no such release is known.
        """
        for release in reversed(self.history):
            differing = {
                name: version
                for name, version in release.versions.items()
                if name in current and version != current[name]
            }
            if differing and all(int(version) < int(current[name]) for name, version in differing.items()):
                return differing
        return {}


def last_below(current: str, versions: Iterable[str]) -> str | None:
    """The highest version below the current one; None if there is none."""
    lower = [int(version) for version in versions if version.isdigit() and int(version) < int(current)]
    return str(max(lower)) if lower else None


def _keeps(alias: LiveAlias | None, version: str) -> bool:
    return alias is not None and alias.version == version


@dataclass(frozen=True)
class ReleaseStore:
    """Where an environment's record is kept: beside its state.

    Attributes:
        s3: A client for the account.
        bucket: The state bucket.
        environment: The live folder's name.
    """

    s3: "S3Client"
    bucket: str
    environment: str

    @property
    def key(self) -> str:
        """The record's key."""
        return f"{self.environment}/release.json"

    def load(self) -> ReleaseRecord:
        """Read the record; an empty one if there is none.

        Raises:
            HarnessError: It cannot be read.
        """
        try:
            body = self.s3.get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
            return ReleaseRecord.model_validate_json(body)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return ReleaseRecord()
            raise
        except ValidationError as error:
            raise HarnessError(
                f"s3://{self.bucket}/{self.key} is not a record of releases ({error.error_count()} errors).",
                remedy="Restore an earlier version of this object, or delete it: then no earlier release is known.",
            ) from None

    def save(self, record: ReleaseRecord) -> None:
        """Write the record."""
        body = record.model_dump_json(indent=2).encode()
        self.s3.put_object(Bucket=self.bucket, Key=self.key, Body=body, ContentType="application/json")
