"""Plans to judge: every live folder, unmodified, and every module's example, without an engine or an account."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import HarnessError
from harness.package import placeholders
from harness.paths import BUILD, ROOT
from harness.plan import store
from harness.plan.graph import PlanGraph
from harness.plan_tests import examples
from harness.plan_tests.root import ModuleCall, write
from harness.plan_tests.tftest_root import TftestRoot
from harness.policy.offline_aws import ACCOUNT_ID, offline_aws
from harness.process.locks import locked
from harness.settings import PLATFORM
from harness.terraform.run import Terraform, TerraformError

FOLDER = BUILD / "policy"
"""The folder of plans and of what they need."""

REPOSITORY = "example/platform"
"""The repository whose pipeline ``live/bootstrap`` is planned for."""

_ATTEMPTS = 3  # to plan sources that somebody edits meanwhile

EXAMPLES = "modules (examples)"
"""The root that holds the modules' examples."""


@dataclass(frozen=True)
class PlannedRoot:
    """A plan to judge.

    Attributes:
        name: Such as ``live/dev``.
        environment: The live folder's name; empty for module examples.
        source: The folder of the plan's root module, relative to the repository.
        document: What ``terraform show -json`` printed.
    """

    name: str
    environment: str
    source: str
    document: Mapping[str, Any]

    @property
    def planned(self) -> PlanGraph:
        """The plan, read."""
        return PlanGraph(self.document, self.environment, self.source)


@dataclass(frozen=True)
class RejectedRoot:
    """A root that Terraform does not plan.

    Attributes:
        name: Such as ``live/dev``.
        folder: Where Terraform planned it; diagnostics name files relative to it.
        error: Why; a `TerraformError` has diagnostics.
    """

    name: str
    folder: Path
    error: HarnessError


def live_folders(root: Path = ROOT) -> list[Path]:
    """Every folder under ``live/`` that holds Terraform, as HCL or as JSON.

    Args:
        root: The checkout.
    """
    return sorted({file.parent for file in (*root.glob("live/*/*.tf"), *root.glob("live/*/*.tf.json"))})


def plan_live_folder(
    folder: Path,
    endpoint: str,
    *,
    work: Path | None = None,
    inputs: Mapping[str, str] = MappingProxyType({}),
    preview: str = "",
) -> PlannedRoot:
    """Plan a live folder, unmodified.

    Args:
        folder: Such as ``live/dev``.
        endpoint: The URL of `offline_aws`.
        work: For Terraform's own data; by default one folder for each live folder.
        inputs: What a deploy sets, by variable, where it is another value than the gate's own.
        preview: The workspace of the preview to plan; the environment itself without one.

    Raises:
        HarnessError: Terraform cannot plan it; the message has its diagnostics.
    """
    work = work or FOLDER / "live" / folder.name
    terraform = Terraform(
        folder,
        env={
            "AWS_ACCESS_KEY_ID": "offline",
            "AWS_SECRET_ACCESS_KEY": "offline",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            **{f"TF_VAR_{name}": value for name, value in (_gate_inputs() | dict(inputs)).items()},
            "TF_WORKSPACE": preview or "default",
        },
        data_dir=work / "data",
        log_dir=work / "logs",
    )
    with locked(work / ".lock"):
        terraform.init({"bucket": PLATFORM.state_bucket(ACCOUNT_ID), "use_path_style": "true"})
        options = ["-var-file=preview.tfvars"] if preview else []
        plan = terraform.plan(["-lock=false", *options])
    return PlannedRoot(relative(folder), folder.name, relative(folder), plan.raw)


def _gate_inputs() -> dict[str, str]:
    return {"account_id": ACCOUNT_ID, "artifacts_dir": str(_artifacts()), "repository": REPOSITORY}


def stored_plan(folder: Path) -> PlannedRoot:
    """The plan of a live folder, stored until its sources change.

    Safe to call from several processes at once: one plans, the others wait for it.

    Args:
        folder: Such as ``live/dev``.

    Raises:
        HarnessError: Terraform cannot plan it, or the sources were edited during each attempt.
    """
    for _ in range(_ATTEMPTS):
        with locked(store.FOLDER / f".{folder.name}.lock"):
            key = store.key_of(folder)
            document = store.load(folder.name, key)
            if document is None:
                with offline_aws() as endpoint:
                    document = plan_live_folder(folder, endpoint).document
                if store.key_of(folder) != key:  # it may be a plan of either
                    continue
                store.save(folder.name, key, document)
        return PlannedRoot(relative(folder), folder.name, relative(folder), document)
    raise HarnessError(
        f"The sources of {relative(folder)} were edited each time while they were planned.",
        remedy="Run it again once nobody edits them.",
    )


def relative(folder: Path) -> str:
    """A folder relative to the repository; its name alone if it is elsewhere."""
    return folder.relative_to(ROOT).as_posix() if folder.is_relative_to(ROOT) else folder.name


def example_sources() -> Path:
    """A folder with one root per example, for the scan of source; each calls the modules of the repository."""
    folder = FOLDER / "example-sources"
    shutil.rmtree(folder, ignore_errors=True)
    for readme in sorted((ROOT / "modules").glob("*/README.md")):
        for line, code in examples.examples(readme):
            target = folder / f"{readme.parent.name}-example-{line}"
            target.mkdir(parents=True)
            modules = os.path.relpath(ROOT / "modules", target)
            (target / "main.tf").write_text(code.replace('"./modules/', f'"{modules}/'), encoding="utf-8")
    return folder


def _artifacts() -> Path:
    return placeholders(FOLDER / "artifacts")


_ARTIFACTS = re.compile(r'(\bartifacts_dir\s*=\s*")[^"]*(")')


def example_calls(folder: Path) -> Iterator[ModuleCall]:
    """The examples in the modules' READMEs, as calls."""
    shutil.rmtree(folder, ignore_errors=True)
    for readme in sorted((ROOT / "modules").glob("*/README.md")):
        for line, code in examples.examples(readme):
            yield examples.call_of(readme, line, _ARTIFACTS.sub(rf"\g<1>{_artifacts()}\g<2>", code), folder)


def plan_examples() -> PlannedRoot:
    """Plan the examples of all modules, in one root.

    Raises:
        HarnessError: Terraform cannot plan an example.
    """
    folder = FOLDER / "examples"
    with locked(FOLDER / ".examples.lock"):
        calls = [*example_calls(FOLDER / "example-modules")]
        document = plan_calls(calls, folder)
    return PlannedRoot(EXAMPLES, "", "examples", document)


def plan_calls(calls: list[ModuleCall], folder: Path) -> Mapping[str, Any]:
    """Plan calls together.

    Raises:
        HarnessError: Terraform cannot plan one.
    """
    root = write(calls, folder)
    result = TftestRoot(folder).planned()
    if result.errors:
        errors = "\n".join(f"{root.about(error) or 'root'}: {error}" for error in result.errors)
        raise TerraformError(
            f"Terraform cannot plan {folder.name}:\n{errors}",
            remedy="Fix what it names, then scan again.",
            diagnostics=result.errors,
        )
    return result.document


def plan_all() -> list[PlannedRoot | RejectedRoot]:
    """Every plan, created in parallel; for a root that Terraform cannot plan, the error."""

    def attempt(folder: Path | None) -> PlannedRoot | RejectedRoot:
        try:
            return stored_plan(folder) if folder else plan_examples()
        except HarnessError as error:
            return RejectedRoot(relative(folder) if folder else EXAMPLES, folder or FOLDER / "examples", error)

    folders: list[Path | None] = [*live_folders(), None]
    with ThreadPoolExecutor(max_workers=len(folders)) as pool:
        return [*pool.map(attempt, folders)]
