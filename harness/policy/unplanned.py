"""Checks of what no plan shows: the backend, versions, the account, ``lifecycle`` blocks, and code that Terraform runs.

A plan shows what will exist. A state without a lock looks the same in it, and so does an auto-scaled table that every
apply resets. So these are read from the source.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.paths import ROOT
from harness.policy import promises, source_code, source_values
from harness.policy.decisions import Decisions
from harness.policy.deploy_decisions import DeployDecisions
from harness.policy.finding import Finding, Severity, sentence
from harness.policy.rule import HCL
from harness.policy.secret_literals import SecretLiterals
from harness.terraform.module import Block, Module, read
from harness.terraform.required_providers import required_providers

RULE_ID = "CKV_INV_009"
"""What no plan shows is right."""

PLATFORM_REGION = "us-east-1"
"""Where providers of a live folder without the variable ``region`` work: live/bootstrap."""

TERRAFORM_VERSION, PROVIDER_VERSION = '">= 1.11"', "~> 5.100"
"""The versions that the plans and the rules were proven with; wider bounds let in a version that nobody has tried."""

_PLACE = re.compile(r"(?P<file>[^/:]+/[^/:]+\.\w[\w.]*):(?P<line>\d+)")


def problems(root: Path = ROOT) -> list[str]:
    """Everything that is wrong in ``modules/`` and ``live/``, each with its place and the fix."""
    folders = sorted({file.parent for pattern in ("modules/*/*.tf", "live/*/*.tf") for file in root.glob(pattern)})
    return [
        *_json(root),
        *(problem for folder in folders for problem in problems_of(folder, root)),
        *SecretLiterals(root).problems(),
        *Decisions(root).problems(),
        *DeployDecisions(root).problems(),
    ]


def problems_of(folder: Path, root: Path | None = None) -> list[str]:
    """The same for one module or live folder.

    Args:
        folder: The folder.
        root: The checkout that it is in; by default its grandparent.
    """
    module = read(folder)
    overrides = [*_overrides(module)]
    others = [
        *_of(module, is_root=folder.parent.name == "live"),
        *source_code.problems_of(module, root or folder.parent.parent),
        *source_values.problems_of(module, root or folder.parent.parent),
        *promises.broken(folder),
    ]
    return [*overrides, *(problem for problem in others if not is_override(problem.partition(":")[0]))]


def is_override(file: str) -> bool:
    """Whether Terraform merges a file into the blocks of others: nothing else that is in it counts until it is gone."""
    name = file.rpartition("/")[2]
    return name == "override.tf" or name.endswith("_override.tf")


def findings(root: Path = ROOT) -> list[Finding]:
    """The same as findings, for the gate and for a deploy."""
    return [_finding(problem) for problem in problems(root)]


def _finding(problem: str) -> Finding:
    """A problem as a finding, with its file and line if it begins with them."""
    place, _, words = problem.partition(": ")
    message, _, remedy = words.rpartition(": ")
    match = _PLACE.fullmatch(place)
    folder = next((room for room in ("live", "modules") if (ROOT / room / place.split("/")[0]).is_dir()), "")
    path = f"{folder}/{match['file'] if match else place}".lstrip("/")
    return Finding(
        RULE_ID,
        Severity.CRITICAL,
        path,
        path if match else None,
        int(match["line"]) if match else None,
        sentence(message or words),
        sentence(remedy) if message else "Change the line that is named.",
        "https://docs.aws.amazon.com/wellarchitected/latest/devops-guidance/dl.iac.html",
        root="/".join(path.split("/")[:2]),
        mode=HCL,
    )


def _json(root: Path) -> Iterator[str]:
    """Terraform written as JSON, which nothing here reads."""
    for pattern in ("modules/*/*.tf.json", "live/*/*.tf.json"):
        for file in sorted(root.glob(pattern)):
            yield f"{file.parent.name}/{file.name}:1: it is Terraform as JSON, which is not judged: write it as .tf."


def _of(module: Module, *, is_root: bool) -> Iterator[str]:
    yield from _versions(module)
    yield from _tables(module)
    yield from _deployments(module)
    if is_root:
        yield from _backend(module)
        yield from _account(module)
        yield from _defaults(module)
        yield from _previews(module)
    else:
        for provider in module.of("provider"):
            yield f"{provider}: a module has a provider of its own, and works where no live folder says: remove it."


def _versions(module: Module) -> Iterator[str]:
    settings = module.of("terraform")
    if not any("required_version" in block.attributes for block in settings):
        yield f"{module.name}: no required_version: name the supported versions of Terraform in versions.tf."
    for block in settings:
        version = _text(block, "required_version")
        if version not in {"", TERRAFORM_VERSION}:
            yield (
                f"{block}: required_version is {version}, which was never proven: write {TERRAFORM_VERSION}, or change "
                "TERRAFORM_VERSION in harness/policy/unplanned.py in a review."
            )
    providers = [provider for provider in required_providers(module) if provider.name == "aws"]
    if not providers:
        yield f"{module.name}: required_providers has no aws: name the supported versions of the provider."
    for provider in providers:
        if not provider.has_upper_bound:
            yield (
                f"{module.name}: the provider's version is {provider.constraint}: "
                "give it an upper bound (such as ~> 5.100)."
            )
        elif provider.constraint != PROVIDER_VERSION:
            yield (
                f"{provider.block}: the provider's version is {provider.constraint}, which was never proven: write "
                f"{PROVIDER_VERSION}, or change PROVIDER_VERSION in harness/policy/unplanned.py in a review."
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
        yield from _region(module, provider)
        if _text(provider, "allowed_account_ids") != "[var.account_id]":
            yield (
                f"{provider}: allowed_account_ids is not [var.account_id]: "
                "nothing would stop an apply in another account: set it so."
            )


def _region(module: Module, provider: Block) -> Iterator[str]:
    """A provider works in the region of the values, which `harness.policy.promises` judges."""
    alias = provider.attributes.get("alias")
    name = f"{alias.string}_region" if alias else "region"
    declared = any(variable.name == name for variable in module.of("variable"))
    expected = f"var.{name}" if declared else f'"{PLATFORM_REGION}"'
    if _text(provider, "region") != expected:
        yield (
            f"{provider}: its region is {_text(provider, 'region') or 'missing'}, and everything would be created anew "
            f"there: write {expected}."
        )


_PREVIEWS = {
    "_environment": 'local._preview ? "${var.environment}-${terraform.workspace}" : var.environment',
    "_preview": 'terraform.workspace != "default"',
}
"""How a live folder gives previews names of their own; the gate plans none."""


def _previews(module: Module) -> Iterator[str]:
    """A preview with the names of its environment would take over what that has."""
    if not any(variable.name == "previews" for variable in module.of("variable")):
        return
    for name, expected in _PREVIEWS.items():
        written = [(str(each), _text(each, name)) for each in module.of("locals") if name in each.attributes]
        for place, text in written or [(f"{module.name}/main.tf:1", "missing")]:
            if text != expected:
                yield f"{place}: {name} is {text}, and previews get names of others: write {expected}."
    for call in module.of("module"):
        if _text(call, "environment") != "local._environment":
            found = _text(call, "environment") or "missing"
            yield f"{call}: environment is {found}, and previews get names of others: write local._environment."


def _defaults(module: Module) -> Iterator[str]:
    """What each deploy sets has no other default."""
    for variable in module.of("variable"):
        default, expected = variable.attributes.get("default"), promises.BY_DEPLOY.get(variable.name)
        if variable.name in promises.BY_DEPLOY and default and default.text != expected:
            yield (
                f"{variable}: the default of {variable.name} is {default.text}, and it would hold for every deploy: "
                f"{f'make it {expected}' if expected else 'remove it'}."
            )


def _overrides(module: Module) -> Iterator[str]:
    """Terraform merges these into blocks of other files, where whoever reads those sees nothing of it."""
    for file in sorted(each for each in module.folder.glob("*.tf") if is_override(each.name)):
        yield (
            f"{module.name}/{file.name}:1: it overrides blocks of other files, where nobody sees it: write the change "
            "into the block itself."
        )


def _tables(module: Module) -> Iterator[str]:
    scaled = any(block.labels[:1] == ("aws_appautoscaling_target",) for block in module.of("resource"))
    for table in _resources(module, "aws_dynamodb_table"):
        ignored = _ignored(table)
        if scaled and not {"read_capacity", "write_capacity"} <= ignored:
            yield (
                f"{table}: ignore_changes leaves out read_capacity or write_capacity: "
                "each apply would undo auto-scaling: add both."
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
            yield (
                f"{deployment}: no create_before_destroy, and AWS does not delete the deployment that a stage serves: "
                "add it."
            )


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
