"""The zips of earlier deployments, which Terraform must not delete: a rollback takes code from them.

A zip is stored under the digest of its content (``functions/<name>/<sha256>.zip``), so a changed zip is a new object,
and Terraform would delete the old one. ``kept.json`` in the artifact folder has the keys that stay, by bucket;
``modules/invoice-platform/code.tf`` reads it. docs/decisions/0014-code-by-content.md has the reasons.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from harness.files import write_whole
from harness.package import archive
from harness.terraform.run import Terraform

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FILE = "kept.json"
"""Its name in the artifact folder."""

KEPT = 11
"""The zips of each function that stay: the one in use and the ten before it."""

_BY_CONTENT = re.compile(r"(?P<function>.+)/[0-9a-f]{64}\.zip")


def keep(terraform: Terraform, s3: "S3Client", artifacts: Path) -> None:
    """Write the keys of the zips that the next apply leaves alone.

    Only what Terraform's state has is kept. For anything else it would upload a file that does not exist here.

    Args:
        terraform: On an initialised root.
        s3: A client for the account of that root.
        artifacts: The folder of the zips that will be applied.

    Raises:
        HarnessError: The state cannot be read.
    """
    local = {f"functions/{file.stem}/{archive.digest(file)}.zip" for file in artifacts.glob("*.zip")}
    kept = {
        bucket: newest(uploaded(s3, bucket), keys, arriving=local - keys)
        for bucket, keys in in_state(terraform.state()).items()
    }
    write_whole(artifacts / FILE, json.dumps(kept, indent=2, sort_keys=True) + "\n")


def in_state(state: Mapping[str, Any]) -> dict[str, set[str]]:
    """The keys of the zips that Terraform's state has, by bucket.

    Args:
        state: The state in Terraform's own format; empty if there is none yet.
    """
    keys = defaultdict(set)
    for resource in state.get("resources", ()):
        if (resource["mode"], resource["type"]) == ("managed", "aws_s3_object"):
            for instance in resource["instances"]:
                attributes = instance["attributes"]
                if _BY_CONTENT.fullmatch(attributes["key"]):
                    keys[attributes["bucket"]].add(attributes["key"])
    return dict(keys)


def newest(uploads: Iterable[tuple[str, datetime]], candidates: set[str], *, arriving: Iterable[str] = ()) -> list[str]:
    """The last uploads of each function, sorted by key: `KEPT`, with those that the next apply adds.

    Args:
        uploads: Keys, each with the time of its upload.
        candidates: The keys that count.
        arriving: The keys that the next apply adds.
    """
    added = Counter(match["function"] for key in arriving if (match := _BY_CONTENT.fullmatch(key)))
    by_function = defaultdict(list)
    for key, time in uploads:
        match = _BY_CONTENT.fullmatch(key)
        if match and key in candidates:
            by_function[match["function"]].append((time, key))
    return sorted(
        key
        for function, keys in by_function.items()
        for _, key in sorted(keys, reverse=True)[: max(0, KEPT - added[function])]
    )


def uploaded(s3: "S3Client", bucket: str) -> Iterator[tuple[str, datetime]]:
    """The objects of a bucket, each with the time of its upload; none if the bucket is gone."""
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            yield from ((found["Key"], found["LastModified"]) for found in page.get("Contents", ()))
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
