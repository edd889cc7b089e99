"""The register of patches: where an emulator differs from AWS, one attribute of one module is replaced.

The embedded engine patches MiniStack with it, and `host` LocalStack.

A patch is a function that takes the original and returns what replaces it. Its docstring says what AWS does, with the
document, and what MiniStack does. Its self-check looks at the original and tells whether the patch is still needed;
one that is not needed any more is left out, and said so in the log.
"""

import importlib
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Any

_log = logging.getLogger("embedded.patch")


class PatchError(Exception):
    """The server must not start: what it would patch is not what the patches were written for."""


@dataclass(frozen=True, slots=True)
class Product:
    """What is patched.

    Attributes:
        name: As people call it.
        distribution: As the package index calls it.
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
        name: As the log and the README call it.
        module: The module whose attribute is replaced.
        attribute: Its name; ``Class.method`` reaches into a class.
        replace: From the original to its replacement.
        needed: The self-check; None for a patch that is a matter of choice and never becomes superfluous.
    """

    name: str
    module: str
    attribute: str
    replace: Callable[[Any], Any]
    needed: Callable[[Any], bool] | None

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (self.replace.__doc__ or "").strip().splitlines()[0]


_register: list[Patch] = []


def patches(
    module: ModuleType, attribute: str, *, needed: Callable[[Any], bool] | None
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Register the decorated function as a patch of ``module.attribute``.

    Several patches may wrap the same attribute; they do so in the order of registration.
    """

    def register(replace: Callable[[Any], Any]) -> Callable[[Any], Any]:
        _register.append(Patch(replace.__name__, module.__name__, attribute, replace, needed))
        return replace

    return register


def source_lacks(*fragments: str) -> Callable[[Any], bool]:
    """A self-check: needed while the original's source holds none of the fragments."""
    return lambda original: not any(fragment in inspect.getsource(original) for fragment in fragments)


def source_has(fragment: str) -> Callable[[Any], bool]:
    """A self-check: needed while the original's source still holds the fragment that is wrong."""
    return lambda original: fragment in (original if isinstance(original, str) else inspect.getsource(original))


def apply_all(product: Product) -> list[tuple[Patch, bool]]:
    """Check the version, then apply every registered patch that is still needed.

    Args:
        product: What the registered patches are for.

    Returns:
        Each patch with whether it was needed, in the order of application.

    Raises:
        PatchError: Another version is installed, or an attribute to be replaced is gone.
    """
    installed = metadata.version(product.distribution)
    if installed != product.version:
        raise PatchError(
            f"{product.name} {installed} is installed, but the patches are written for {product.version}. "
            f"Install requirements/{product.lock}, or follow 'Upgrading {product.name}' in its README."
        )
    originals = [(patch, *_locate(patch, product)) for patch in _register]
    # All self-checks look at the product as it is; only then is anything replaced.
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
