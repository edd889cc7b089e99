"""Inputs for Terraform in the caller's environment that have no effect here.

What is deployed is what the live folder says: its inputs come from its ``terraform.tfvars``, and the harness sets the
rest. A variable such as ``TF_VAR_deletion_protection`` would be missing wherever somebody else deploys.
"""

import os
from collections.abc import Mapping

from rich.markup import escape

from harness.console import out

OURS = ("TF_VAR_account_id", "TF_VAR_artifacts_dir")
"""The inputs from outside: `harness.deploy.account` reads the first, and both are set for Terraform."""


def ignored(variables: Mapping[str, str] = os.environ) -> list[str]:
    """The names of the inputs that have no effect, sorted."""
    return sorted(name for name in variables if name.startswith("TF_VAR_") and name not in OURS)


def report_ignored() -> None:
    """Print them, if there are any."""
    names = ignored()
    if names:
        out.print(
            f"[yellow]Note:[/] {escape(', '.join(names))} {'has' if len(names) == 1 else 'have'} no effect here: "
            "inputs come from terraform.tfvars of the live folder."
        )
