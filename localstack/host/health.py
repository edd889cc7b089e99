"""The health document at ``/_localstack/health``, which the harness reads, with the applied patches."""

from typing import Any

from localstack.services import internal

from emulation.patch import Patch, patches

verdicts: list[tuple[Patch, bool]] = []
"""Every patch and whether it was needed; set by :func:`host.patching.patch_localstack`."""


@patches(internal, "merge_recursive", needed=None)
def applied_patches(original: Any) -> Any:
    """The health document lists the applied patches under ``patches``.

    LocalStack: builds the document with the function that is patched here. (The resource itself may be bound to its
    route before anything is patched: any import of LocalStack's handlers does that.)
    """

    def merge_recursive(source: Any, destination: Any, *more: Any, **options: Any) -> Any:
        merged = original(source, destination, *more, **options)
        return {**merged, "patches": [patch.name for patch, needed in verdicts if needed]}

    return merge_recursive
