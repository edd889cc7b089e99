"""A plan as ``terraform show -json`` prints it, read into types.

The format is HashiCorp's "JSON Output Format" (https://developer.hashicorp.com/terraform/internals/json-format),
``format_version`` 1.x. This is the only reader of a plan's changes. What checkov loads needs it too, so it imports
nothing but the standard library.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from harness.errors import HarnessError
from harness.terraform.unknown import known


@dataclass(frozen=True)
class ResourceChange:
    """A plan's change of one resource or output.

    Attributes:
        address: Such as ``module.table.aws_dynamodb_table.this``.
        type: The resource type; empty for an output.
        actions: ``no-op``, ``create``, ``read``, ``update``, ``delete``, ``forget``; a replacement has two, in the
            order in which they happen.
        before: The attributes before; None if it does not exist yet.
        after: The attributes after, without those known only after apply; None if it will not exist.
        after_unknown: ``true`` in place of each attribute known only after apply.
        mode: ``managed`` or ``data``; empty for an output.
        reason: Why it is replaced or removed, if Terraform reports it.
        name: The resource's label, or the output's name.
        index: The ``for_each`` key or ``count`` number; None without one.
        module: The address of the module that it is in; empty for the root.
        deposed: The key of an object that an interrupted replacement left; empty for the resource itself.
        before_sensitive: ``true`` in place of each attribute that was marked as sensitive.
        after_sensitive: ``true`` in place of each attribute that will be marked as sensitive.
    """

    address: str
    type: str
    actions: tuple[str, ...]
    before: Any
    after: Any
    after_unknown: Any
    mode: str = ""
    reason: str = ""
    name: str = ""
    index: str | int | None = None
    module: str = ""
    deposed: str = ""
    before_sensitive: Any = field(default=False, repr=False)
    after_sensitive: Any = field(default=False, repr=False)

    @cached_property
    def planned(self) -> Any:
        """What it will be, with `UNKNOWN` for what is known only after apply; None if it will not exist."""
        return None if self.will_be_gone else known(self.after, self.after_unknown)

    @property
    def values(self) -> Mapping[str, Any]:
        """A resource's attributes as planned; empty if it will not exist."""
        return self.planned if isinstance(self.planned, Mapping) else {}

    @property
    def will_be_gone(self) -> bool:
        """Whether the state will not have it any more."""
        return self.after is None and bool({"delete", "forget"} & set(self.actions))

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the attributes that hold something sensitive, before or after."""
        marks = (mark for mark in (self.before_sensitive, self.after_sensitive) if isinstance(mark, Mapping))
        return frozenset(name for mark in marks for name, value in mark.items() if _holds_a_mark(value))

    @property
    def is_change(self) -> bool:
        """Whether the resource or output changes; reading a data source changes nothing."""
        return bool(set(self.actions) - {"no-op", "read"})

    @property
    def is_replacement(self) -> bool:
        """Whether it is destroyed and created again."""
        return {"create", "delete"} <= set(self.actions)

    @property
    def is_removal(self) -> bool:
        """Whether something that exists is destroyed, permanently or to be replaced."""
        return "delete" in self.actions

    def changed(self) -> list[str]:
        """The names of the top-level attributes that differ, or are known only after apply."""
        before, after = self.before or {}, self.after or {}
        unknown = self.after_unknown or {}
        if not (isinstance(before, Mapping) and isinstance(after, Mapping) and isinstance(unknown, Mapping)):
            return []
        differing = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        return sorted(differing | {name for name, value in unknown.items() if value})

    def __str__(self) -> str:
        names = ", ".join(self.changed()) if self.actions == ("update",) or self.is_replacement else ""
        return f"{self.address}: {'/'.join(self.actions)}" + (f" ({names})" if names else "")


def _holds_a_mark(mark: Any) -> bool:
    """Whether a value, or anything within it, is marked; a list without a marked member is a list of empty marks."""
    if isinstance(mark, Mapping):
        return any(map(_holds_a_mark, mark.values()))
    return any(map(_holds_a_mark, mark)) if isinstance(mark, list) else bool(mark)


@dataclass(frozen=True)
class TerraformPlan:
    """The changes that Terraform has planned.

    Attributes:
        resources: Every resource of the plan, including those that do not change.
        outputs: Every output of the root, with its name as address.
        drift: What changed outside Terraform since the last apply.
        complete: False if something was deferred or the planning stopped with errors.
        raw: The complete document.
    """

    resources: tuple[ResourceChange, ...]
    outputs: tuple[ResourceChange, ...]
    drift: tuple[ResourceChange, ...]
    complete: bool
    raw: Mapping[str, Any]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read the output of ``terraform show -json <plan file>``.

        Raises:
            HarnessError: The document is not a plan, or has a format that this reader does not know.
        """
        if not has_known_format(document) or "planned_values" not in document:
            raise HarnessError(
                f"This is not a plan that can be read (format_version {document.get('format_version')!r}).",
                remedy="Give `terraform show -json` a plan file from `terraform plan -out`.",
            )
        return cls(
            resources=resource_changes(document),
            outputs=output_changes(document),
            drift=tuple(_resources(document.get("resource_drift", ()))),
            complete=is_complete(document),
            raw=document,
        )

    @property
    def changes(self) -> tuple[ResourceChange, ...]:
        """The resources and outputs that change."""
        return tuple(entry for entry in (*self.resources, *self.outputs) if entry.is_change)

    @property
    def is_empty(self) -> bool:
        """Whether an apply would do nothing: no resource and no output changes, and the planning was complete."""
        return self.complete and not self.changes

    def by_type(self, kind: str) -> tuple[ResourceChange, ...]:
        """The managed resources of one type, such as ``aws_lambda_function``."""
        return tuple(entry for entry in self.resources if entry.type == kind and entry.mode == "managed")

    def __getitem__(self, address: str) -> ResourceChange:
        """The resource with an address; KeyError if the plan has none."""
        for entry in self.resources:
            if entry.address == address:
                return entry
        raise KeyError(address)

    def __str__(self) -> str:
        return "\n".join(str(change) for change in self.changes) or "no changes"


def has_known_format(document: Mapping[str, Any]) -> bool:
    """Whether a document has a format that this reader knows."""
    return str(document.get("format_version", "")).partition(".")[0] == "1"


def is_complete(document: Mapping[str, Any]) -> bool:
    """Whether the planning ended without errors, and Terraform deferred nothing."""
    return bool(document.get("complete", True)) and not document.get("errored", False)


def resource_changes(document: Mapping[str, Any]) -> tuple[ResourceChange, ...]:
    """Every resource of a plan, including data sources, deposed objects, and resources that do not change."""
    return tuple(_resources(document.get("resource_changes", ())))


def output_changes(document: Mapping[str, Any]) -> tuple[ResourceChange, ...]:
    """Every output of the root, sorted by name."""
    return tuple(
        _change(change, address=f"output.{name}", type="", name=name, unknown=False)
        for name, change in sorted(document.get("output_changes", {}).items())
    )


def _resources(entries: Any) -> Iterator[ResourceChange]:
    for entry in entries:
        yield _change(
            entry["change"],
            address=entry["address"],
            type=entry["type"],
            mode=entry.get("mode", "managed"),
            reason=entry.get("action_reason", ""),
            name=entry.get("name", ""),
            index=entry.get("index"),
            module=entry.get("module_address", ""),
            deposed=entry.get("deposed", ""),
            unknown={},
        )


def _change(change: Mapping[str, Any], *, unknown: Any, **place: Any) -> ResourceChange:
    """A change, and where it is; ``unknown`` is what counts if the plan does not say what is unknown."""
    return ResourceChange(
        actions=tuple(change["actions"]),
        before=change.get("before"),
        after=change.get("after"),
        after_unknown=change.get("after_unknown", unknown),
        before_sensitive=change.get("before_sensitive", False),
        after_sensitive=change.get("after_sensitive", False),
        **place,
    )
