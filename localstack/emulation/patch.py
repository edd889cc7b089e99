"""The registry of patches: where an emulator differs from AWS, one attribute of one module is replaced.

The engine `embedded` patches MiniStack with it, and `host` patches LocalStack.

A patch is a function that takes the original and returns its replacement. The first line of its docstring names what
the patch brings; the rest describes what AWS does, with the document, and what the emulator does. The self-check of a
patch looks at the original and decides whether the patch is still needed. A patch that is no longer needed is not
applied, and the log names it.
"""

import importlib
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Any

_log = logging.getLogger("emulation.patch")


class PatchError(Exception):
    """The installed emulator is not the one that the patches were written for: the server must not start."""


@dataclass(frozen=True, slots=True)
class Product:
    """The emulator that is patched.

    Attributes:
        name: Its name in messages.
        distribution: Its name in the package index.
        version: The only version that the patches are written for.
        lock: The lock file that installs that version, below ``requirements/``.
    """

    name: str
    distribution: str
    version: str
    lock: str


@dataclass(frozen=True, slots=True)
class Patch:
    """One registered patch.

    Attributes:
        name: Its name in the log, the health document and the README.
        module: The module whose attribute is replaced.
        attribute: The name of that attribute; ``Class.method`` for a method of a class.
        replace: Takes the original and returns its replacement.
        needed: The self-check, which takes the original; None for a patch that is always applied.
    """

    name: str
    module: str
    attribute: str
    replace: Callable[[Any], Any]
    needed: Callable[[Any], bool] | None

    @property
    def summary(self) -> str:
        """What the patch brings: the first line of its docstring."""
        return (self.replace.__doc__ or "").strip().splitlines()[0]


_registry: list[Patch] = []


def patches(
    module: ModuleType, attribute: str, *, needed: Callable[[Any], bool] | None
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Register the decorated function as a patch of ``module.attribute``.

    Several patches may wrap the same attribute; they are applied in the order of registration.
    """

    def register(replace: Callable[[Any], Any]) -> Callable[[Any], Any]:
        _registry.append(Patch(replace.__name__, module.__name__, attribute, replace, needed))
        return replace

    return register


def source_lacks(*fragments: str) -> Callable[[Any], bool]:
    """A self-check: the patch is needed while the original's source has none of the fragments."""
    return lambda original: not any(fragment in inspect.getsource(original) for fragment in fragments)


def source_has(fragment: str) -> Callable[[Any], bool]:
    """A self-check: the patch is needed while the original's source has the fragment that is wrong."""
    return lambda original: fragment in (original if isinstance(original, str) else inspect.getsource(original))


def apply_patches(product: Product) -> list[tuple[Patch, bool]]:
    """Check the version, then apply every registered patch that is still needed.

    Args:
        product: The emulator that the registered patches are written for.

    Returns:
        Each patch with whether it was needed, in the order of application.

    Raises:
        PatchError: Another version is installed, or it lacks an attribute that a patch replaces.
    """
    installed = metadata.version(product.distribution)
    if installed != product.version:
        raise PatchError(
            f"{product.name} {installed} is installed, but the patches are written for {product.version}. "
            f"Install requirements/{product.lock}, or follow 'Upgrading {product.name}' in its README."
        )
    originals = [(patch, *_locate(patch, product)) for patch in _registry]
    # All self-checks look at the unpatched product, so they run before the first replacement.
    verdicts = [patch.needed is None or patch.needed(getattr(owner, leaf)) for patch, owner, leaf in originals]
    for (patch, owner, leaf), needed in zip(originals, verdicts, strict=True):
        if needed:
            setattr(owner, leaf, patch.replace(getattr(owner, leaf)))
            _log.info("needed: %s (%s)", patch.name, patch.summary)
        else:
            _log.warning("no longer needed: %s (%s.%s); delete it", patch.name, patch.module, patch.attribute)
    return [(patch, needed) for (patch, _, _), needed in zip(originals, verdicts, strict=True)]


def _locate(patch: Patch, product: Product) -> tuple[Any, str]:
    owner: Any = importlib.import_module(patch.module)
    *path, leaf = patch.attribute.split(".")
    for step in path:
        owner = getattr(owner, step, None)
    if not hasattr(owner, leaf):
        raise PatchError(
            f"{product.name} {product.version} has no {patch.module}.{patch.attribute}, which the patch {patch.name!r} "
            "replaces. Is the installed package intact?"
        )
    return owner, leaf
