"""The register of mends: where an emulator differs from AWS, one attribute of one module is replaced.

The embedded engine mends MiniStack with it, and `host` LocalStack.

A mend is a function that takes the original and returns what replaces it. Its docstring says what AWS does, with the
document, and what MiniStack does. Its self-check looks at the original and tells whether the mend is still needed;
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

_log = logging.getLogger("embedded.mend")


class MendError(Exception):
    """The server must not start: what it would mend is not what the mends were written for."""


@dataclass(frozen=True, slots=True)
class Product:
    """What is mended.

    Attributes:
        name: As people call it.
        distribution: As the package index calls it.
        version: The only version that the mends are written for.
        lock: The lock file that installs that version, below ``requirements/``.
    """

    name: str
    distribution: str
    version: str
    lock: str


@dataclass(frozen=True, slots=True)
class Mend:
    """One registered mend.

    Attributes:
        name: As the log and the README call it.
        module: The module whose attribute is replaced.
        attribute: Its name; ``Class.method`` reaches into a class.
        replace: From the original to its replacement.
        needed: The self-check; None for a mend that is a matter of choice and never becomes superfluous.
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


_register: list[Mend] = []


def mends(
    module: ModuleType, attribute: str, *, needed: Callable[[Any], bool] | None
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Register the decorated function as a mend of ``module.attribute``.

    Several mends may wrap the same attribute; they do so in the order of registration.
    """

    def register(replace: Callable[[Any], Any]) -> Callable[[Any], Any]:
        _register.append(Mend(replace.__name__, module.__name__, attribute, replace, needed))
        return replace

    return register


def source_lacks(*fragments: str) -> Callable[[Any], bool]:
    """A self-check: needed while the original's source holds none of the fragments."""
    return lambda original: not any(fragment in inspect.getsource(original) for fragment in fragments)


def source_has(fragment: str) -> Callable[[Any], bool]:
    """A self-check: needed while the original's source still holds the fragment that is wrong."""
    return lambda original: fragment in (original if isinstance(original, str) else inspect.getsource(original))


def apply_all(product: Product) -> list[tuple[Mend, bool]]:
    """Check the version, then apply every registered mend that is still needed.

    Args:
        product: What the registered mends are for.

    Returns:
        Each mend with whether it was needed, in the order of application.

    Raises:
        MendError: Another version is installed, or an attribute to be replaced is gone.
    """
    installed = metadata.version(product.distribution)
    if installed != product.version:
        raise MendError(
            f"{product.name} {installed} is installed, but the mends are written for {product.version}. "
            f"Install requirements/{product.lock}, or follow 'Upgrading {product.name}' in its README."
        )
    originals = [(mend, *_locate(mend, product)) for mend in _register]
    # All self-checks look at the product as it is; only then is anything replaced.
    verdicts = [mend.needed is None or mend.needed(getattr(owner, leaf)) for mend, owner, leaf in originals]
    for (mend, owner, leaf), needed in zip(originals, verdicts, strict=True):
        if needed:
            setattr(owner, leaf, mend.replace(getattr(owner, leaf)))
            _log.info("needed: %s (%s)", mend.name, mend.summary)
        else:
            _log.warning("no longer needed: %s (%s.%s); delete it", mend.name, mend.module, mend.attribute)
    return [(mend, needed) for (mend, _, _), needed in zip(originals, verdicts, strict=True)]


def _locate(mend: Mend, product: Product) -> tuple[Any, str]:
    owner: Any = importlib.import_module(mend.module)
    *path, leaf = mend.attribute.split(".")
    for step in path:
        owner = getattr(owner, step, None)
    if not hasattr(owner, leaf):
        raise MendError(
            f"{product.name} {product.version} has no {mend.module}.{mend.attribute}, which the mend {mend.name!r} "
            "replaces. Is the installed package intact?"
        )
    return owner, leaf
