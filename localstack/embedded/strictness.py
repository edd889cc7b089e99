"""The switches that make the engine as strict as AWS where that would slow every other test down.

The environment variable `HARNESS_STRICT` names them in a comma-separated list; `all` turns every switch on. A patch
asks `strict` when it is applied and returns the original function if its switch is off.
"""

import os

SWITCHES = {
    "capacity": "DynamoDB throttles what exceeds the provisioned capacity of a table or an index.",
    "consistency": "New roles and a bucket's versioning hold only after some requests, and uploads are found late.",
}
"""Each switch with what AWS does when it is on. localstack/README.md lists the same names."""

LATE_UPLOADS = 4
"""`consistency`: uploads to a bucket, after its versioning is first enabled, that have the version null."""

MISSED_READS = 1
"""`consistency`: reads of each of these objects that do not find it."""

LATE_CALLS = 2
"""`consistency`: calls to a service that do not know a new role yet."""


class UnknownSwitchError(ValueError):
    """`HARNESS_STRICT` names a switch that does not exist."""


def switches_on(value: str) -> frozenset[str]:
    """The switches that a value of `HARNESS_STRICT` turns on.

    Raises:
        UnknownSwitchError: It names one that does not exist.
    """
    names = {name.strip() for name in value.split(",")} - {""}
    if unknown := sorted(names - SWITCHES.keys() - {"all"}):
        raise UnknownSwitchError(
            f"HARNESS_STRICT names {', '.join(unknown)}: use a comma-separated list of {', '.join(SWITCHES)}, or all"
        )
    return frozenset(SWITCHES) if "all" in names else frozenset(names)


def strict(switch: str) -> bool:
    """Whether a switch is on for this engine.

    Raises:
        KeyError: There is no such switch.
        UnknownSwitchError: `HARNESS_STRICT` names one that does not exist.
    """
    _ = SWITCHES[switch]
    return switch in switches_on(os.environ.get("HARNESS_STRICT", ""))
