"""The provider's own schema of the planned resource types: which arguments exist, and which of them are optional."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from harness.files import write_whole
from harness.paths import BUILD, ROOT
from harness.process.locks import locked
from harness.terraform.run import Terraform

FOLDER = BUILD / "provider-schema"
ArgumentPath = tuple[str | int, ...]
"""Where an argument is: names, and the numbers of blocks."""

NEVER = frozenset({"id", "tags_all", "timeouts", "region"})
"""Arguments that the provider computes, or that say how long it waits: no mutant has them."""

BLOCKS = 2
"""Blocks of one kind that are mutated in a resource."""

_SOURCE = ROOT / "live" / "prod"
_PROVIDER = "registry.terraform.io/hashicorp/aws"


@dataclass(frozen=True)
class Argument:
    """An argument of a block that may be written.

    Attributes:
        name: Its name.
        type: Terraform's type: ``bool``, ``number``, ``string``, or a list such as ``["set", "string"]``.
        optional: Whether it may be left out.
        deprecated: Whether the provider advises against it.
    """

    name: str
    type: Any
    optional: bool
    deprecated: bool


@dataclass(frozen=True)
class BlockSchema:
    """A resource type, or a block in it.

    Attributes:
        arguments: What may be written in it; computed attributes are left out.
        blocks: Its blocks by name.
        optional: Whether it may be left out.
    """

    arguments: tuple[Argument, ...]
    blocks: Mapping[str, "BlockSchema"]
    optional: bool

    @classmethod
    def from_json(cls, body: Mapping[str, Any], *, optional: bool = False) -> "BlockSchema":
        """Read a ``block`` of ``terraform providers schema -json``.

        See https://developer.hashicorp.com/terraform/cli/commands/providers/schema.
        """
        return cls(
            tuple(
                Argument(name, entry["type"], not entry.get("required"), bool(entry.get("deprecated")))
                for name, entry in sorted(body.get("attributes", {}).items())
                if "type" in entry and (entry.get("required") or entry.get("optional"))
            ),
            {
                name: cls.from_json(entry["block"], optional=not entry.get("min_items"))
                for name, entry in sorted(body.get("block_types", {}).items())
            },
            optional,
        )


def schemas(types: Iterable[str]) -> dict[str, BlockSchema]:
    """The schemas of some resource types, by type; the provider is asked once for each of its versions.

    Raises:
        TerraformError: Terraform cannot load the provider.
    """
    lock = (_SOURCE / ".terraform.lock.hcl").read_bytes()
    file = FOLDER / f"{sha256(lock).hexdigest()[:16]}.json"
    with locked(FOLDER / ".lock"):
        if not file.is_file():
            write_whole(file, json.dumps(_of_provider()))
    known = json.loads(file.read_text(encoding="utf-8"))
    return {kind: BlockSchema.from_json(known[kind]["block"]) for kind in sorted(set(types)) if kind in known}


def _of_provider() -> Mapping[str, Any]:
    """Every resource type's schema, without descriptions of no use here."""
    root = FOLDER / "root"
    root.mkdir(parents=True, exist_ok=True)
    for name in ("versions.tf", ".terraform.lock.hcl"):
        shutil.copyfile(_SOURCE / name, root / name)
    terraform = Terraform(root, env={}, data_dir=FOLDER / "data", log_dir=FOLDER / "logs")
    terraform.init()
    schema: Mapping[str, Any] = terraform.provider_schemas()[_PROVIDER]["resource_schemas"]
    return schema
