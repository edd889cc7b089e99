"""What the harness asks: ``/_localstack/health`` tells which patches are at work."""

from typing import Any

from localstack.services import internal

from emulation.patch import Patch, patches

verdicts: list[tuple[Patch, bool]] = []
"""Every patch with whether it was needed; set by :func:`host.patching.patch_localstack`."""


@patches(internal, "merge_recursive", needed=None)
def told_patches(original: Any) -> Any:
    """The health answer lists the patches that were applied, as ``patches``.

    This function puts it together. (The resource itself may be bound to its route before anything is patched: whatever
    imports LocalStack's handlers does that.)
    """

    def merge_recursive(source: Any, destination: Any, *more: Any, **options: Any) -> Any:
        merged = original(source, destination, *more, **options)
        return {**merged, "patches": [one.name for one, needed in verdicts if needed]}

    return merge_recursive
