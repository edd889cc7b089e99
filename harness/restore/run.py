"""The command ``restore``, where ``HARNESS_ENGINE`` points."""

import time
from collections.abc import Callable
from typing import Any

from rich.markup import escape

from harness.console import out
from harness.deploy.deployed import Deployed
from harness.engine import engine_for, engine_name
from harness.errors import HarnessError
from harness.paths import BUILD
from harness.restore.restoration import Restoration, RestoreRequest, own_name
from harness.results import record
from harness.stack.deployment import Deployment, artifacts_of
from harness.stack.ownership import orderly_end, sole_owner


def restore(request: RestoreRequest) -> None:
    """Restore a table, and let everything use the restored one.

    Raises:
        HarnessError: It cannot be restored, it is not confirmed, or Terraform fails.
    """
    with orderly_end(), sole_owner():
        restoration = Restoration(request, Deployed.opened(request.environment))
        document = carry_out(restoration)
    file = record("restore", {"environment": request.environment, **document})
    out.print(f"[green]{escape(request.name)} is in use[/], and Terraform has nothing to change.")
    if request.name != own_name(request.environment):
        out.print(
            f"{escape(restoration.figures.source)} is as it was, for what somebody still needs of it. Until the table "
            "has its own name again, the gate rejects every deploy. To bring it back:\n"
            f"  ./noxw -s restore -- {request.environment} --back --delete {own_name(request.environment)}"
        )
    out.print(f"[dim]The figures: {file.name}[/]")


def carry_out(
    restoration: Restoration, on_restored: Callable[[], None] = lambda: None, *, settled: bool = False
) -> dict[str, Any]:
    """All steps of a restore, in order; the description of a local stack has the new name then.

    Args:
        restoration: The restore.
        on_restored: Called once the restored table is there and nothing uses it yet.
        settled: Whether it is known that Terraform has nothing to change, as after another restore.

    Returns:
        The figures.

    Raises:
        HarnessError: See `restore`.
    """
    restoration.check(settled=settled)
    if not restoration.request.confirm():
        raise HarnessError("Nothing was changed: it was not confirmed.", remedy="Run it again and type yes.")
    started = time.monotonic()
    restoration.stop()
    restoration.restore()
    on_restored()
    restoration.cut_over()
    restoration.figures.standstill_s = round(time.monotonic() - started, 1)
    if engine_name() != "aws":
        _describe_again(restoration.request.environment)
    return restoration.figures.document()


def _describe_again(environment: str) -> None:
    """Write the description of a local stack, which names the table."""
    engine = engine_for(instance=environment)
    deployment = Deployment(environment, engine, artifacts_of(engine), BUILD / "terraform" / environment)
    deployment.describe().save(deployment.shell(), terraform=deployment.own_terraform)
