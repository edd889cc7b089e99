"""What no plan shows: where the state is kept, which versions are taken, whose account is meant, how resources live.

A plan tells what will exist. It leaves out the backend, version constraints and ``lifecycle``: a state without a lock
looks the same there, and so does an auto-scaled table that every apply sets back. These are read from the source.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.paths import ROOT
from harness.policy import promises
from harness.terraform.module import Block, Module, read

_PINNED = re.compile(r"(^|,)\s*(<|~>)\s*\d")


def faults(root: Path = ROOT) -> list[str]:
    """Everything that is wrong in ``modules/`` and ``live/``, each with its place and its fix."""
    folders = sorted({file.parent for pattern in ("modules/*/*.tf", "live/*/*.tf") for file in root.glob(pattern)})
    return [fault for folder in folders for fault in faults_of(folder)]


def faults_of(folder: Path) -> list[str]:
    """The same for one module or live folder."""
    return [*_of(read(folder), is_root=folder.parent.name == "live"), *promises.broken(folder)]


def _of(module: Module, *, is_root: bool) -> Iterator[str]:
    yield from _versions(module)
    yield from _tables(module)
    yield from _deployments(module)
    if is_root:
        yield from _backend(module)
        yield from _account(module)


def _versions(module: Module) -> Iterator[str]:
    settings = module.of("terraform")
    if not any("required_version" in one.attributes for one in settings):
        yield f"{module.name}: no required_version: say which Terraform it was written for, in versions.tf."
    required = [one.attributes.get("aws") for block in settings for one in block.every("required_providers")]
    texts = [one.text for one in required if one]
    if not texts:
        yield f"{module.name}: required_providers has no aws: say which versions of the provider it takes."
    for text in texts:
        version = re.search(r'version\s*=\s*"([^"]*)"', text)
        if not version or not _PINNED.search(version[1]):
            found = version[1] if version else "missing"
            yield f"{module.name}: the provider's version is {found}: give it an upper bound (< 7, or ~> 5.100)."


def _backend(module: Module) -> Iterator[str]:
    backends = [one for block in module.of("terraform") for one in block.every("backend")]
    if [one.labels for one in backends] != [("s3",)]:
        yield f"{module.name}: a live folder keeps its state in one S3 backend."
        return
    (backend,) = backends
    for name in ("encrypt", "use_lockfile"):
        if _text(backend, name) != "true":
            yield f"{backend}: {name} is {_text(backend, name) or 'missing'}: set it to true."
    if _text(backend, "key") != f'"{module.name}/terraform.tfstate"':
        own = f"{module.name}/terraform.tfstate"
        yield f"{backend}: the state's key is {_text(backend, 'key')}: each folder has its own, {own}."


def _account(module: Module) -> Iterator[str]:
    for provider in module.of("provider"):
        if _text(provider, "allowed_account_ids") != "[var.account_id]":
            yield (
                f"{provider}: allowed_account_ids is not [var.account_id]: "
                "nothing would stop an apply in another account."
            )


def _tables(module: Module) -> Iterator[str]:
    scaled = any(block.labels[:1] == ("aws_appautoscaling_target",) for block in module.of("resource"))
    for table in _resources(module, "aws_dynamodb_table"):
        ignored = _ignored(table)
        if scaled and not {"read_capacity", "write_capacity"} <= ignored:
            yield (
                f"{table}: ignore_changes leaves out read_capacity or write_capacity: "
                "each apply would undo auto-scaling."
            )
        compared = " ".join(_text(one, "condition") for one in table.every("postcondition"))
        if "global_secondary_index" in ignored and "projection_type" not in compared:
            yield f"{table}: changed indexes are ignored without a word: a postcondition has to compare them."
        for name in sorted({"read_capacity", "write_capacity"} & ignored):
            if f"self.{name}" not in compared:
                yield f"{table}: a changed {name} is ignored without a word: a postcondition has to compare it."


def _deployments(module: Module) -> Iterator[str]:
    for deployment in _resources(module, "aws_api_gateway_deployment"):
        lifecycles = [*deployment.every("lifecycle")]
        if not any(_text(one, "create_before_destroy") == "true" for one in lifecycles):
            yield f"{deployment}: no create_before_destroy: a stage cannot lose the deployment that it serves."


def _resources(module: Module, kind: str) -> Iterable[Block]:
    return (block for block in module.of("resource") if block.labels[:1] == (kind,))


def _ignored(block: Block) -> set[str]:
    texts = [
        one.attributes["ignore_changes"].text for one in block.every("lifecycle") if "ignore_changes" in one.attributes
    ]
    return {name.strip() for text in texts for name in text.strip("[]").split(",")}


def _text(block: Block, name: str) -> str:
    value = block.attributes.get(name)
    return value.text if value else ""
