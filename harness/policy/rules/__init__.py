"""Every rule, one module per subject; importing this package registers them all."""

from harness.policy.rules import (
    alarms,
    api,
    events,
    functions,
    iam,
    leaks,
    outside,
    replication,
    retention,
    secrets,
    snapshots,
    stateful,
    storage,
    switches,
    tags,
    thresholds,
)

__all__ = [
    "alarms",
    "api",
    "events",
    "functions",
    "iam",
    "leaks",
    "outside",
    "replication",
    "retention",
    "secrets",
    "snapshots",
    "stateful",
    "storage",
    "switches",
    "tags",
    "thresholds",
]
