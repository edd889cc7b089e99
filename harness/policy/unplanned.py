"""Checks of what no plan shows: the backend, version constraints, the provider's account, and ``lifecycle`` blocks.

A plan shows what will exist. A state without a lock looks the same in it, and so does an auto-scaled table that every
apply resets. So these are read from the source.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.paths import ROOT
from harness.policy import promises
from harness.terraform.module import Block, Module, read
from harness.terraform.required_providers import required_providers


def problems(root: Path = ROOT) -> list[str]:
    """Everything that is wrong in ``modules/`` and ``live/``, each with its place and the fix."""
    folders = sorted({file.parent for pattern in ("modules/*/*.tf", "live/*/*.tf") for file in root.glob(pattern)})
    return [problem for folder in folders for problem in problems_of(folder)]


def problems_of(folder: Path) -> list[str]:
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
    if not any("required_version" in block.attributes for block in settings):
        yield f"{module.name}: no required_version: name the supported versions of Terraform in versions.tf."
    providers = [provider for provider in required_providers(module) if provider.name == "aws"]
    if not providers:
        yield f"{module.name}: required_providers has no aws: name the supported versions of the provider."
    for provider in providers:
        if not provider.has_upper_bound:
            yield (
                f"{module.name}: the provider's version is {provider.constraint}: "
                "give it an upper bound (such as ~> 5.100)."
            )


def _backend(module: Module) -> Iterator[str]:
    backends = [backend for block in module.of("terraform") for backend in block.every("backend")]
    if [backend.labels for backend in backends] != [("s3",)]:
        yield f"{module.name}: a live folder must keep its state in one S3 backend."
        return
    (backend,) = backends
    for name in ("encrypt", "use_lockfile"):
        if _text(backend, name) != "true":
            yield f"{backend}: {name} is {_text(backend, name) or 'missing'}: set it to true."
    if _text(backend, "key") != f'"{module.name}/terraform.tfstate"':
        key = f"{module.name}/terraform.tfstate"
        yield f"{backend}: the state's key is {_text(backend, 'key')}: it must be {key}, the folder's own."


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
        compared = " ".join(_text(block, "condition") for block in table.every("postcondition"))
        if "global_secondary_index" in ignored and "projection_type" not in compared:
            yield f"{table}: changed indexes are ignored silently: add a postcondition that compares them."
        for name in sorted({"read_capacity", "write_capacity"} & ignored):
            if f"self.{name}" not in compared:
                yield f"{table}: a changed {name} is ignored silently: add a postcondition that compares it."


def _deployments(module: Module) -> Iterator[str]:
    for deployment in _resources(module, "aws_api_gateway_deployment"):
        lifecycles = [*deployment.every("lifecycle")]
        if not any(_text(block, "create_before_destroy") == "true" for block in lifecycles):
            yield f"{deployment}: no create_before_destroy: AWS does not delete the deployment that a stage serves."


def _resources(module: Module, kind: str) -> Iterable[Block]:
    return (block for block in module.of("resource") if block.labels[:1] == (kind,))


def _ignored(block: Block) -> set[str]:
    texts = [
        lifecycle.attributes["ignore_changes"].text
        for lifecycle in block.every("lifecycle")
        if "ignore_changes" in lifecycle.attributes
    ]
    return {name.strip() for text in texts for name in text.strip("[]").split(",")}


def _text(block: Block, name: str) -> str:
    value = block.attributes.get(name)
    return value.text if value else ""
