"""Every rule, one module per subject; importing this package registers them all."""

from harness.policy.rules import alarms, api, events, functions, iam, replication, secrets, stateful, storage, tags

__all__ = ["alarms", "api", "events", "functions", "iam", "replication", "secrets", "stateful", "storage", "tags"]
