"""Every rule, one module per subject; importing this package registers them all."""

from harness.policy.rules import stateful

__all__ = ["stateful"]
