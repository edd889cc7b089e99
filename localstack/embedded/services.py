"""Services of our own, plugged into MiniStack's registry.

Registered like its own, they get its routing, request signatures, IAM checks, account and region scope, persistence
and reset.
"""

import sys
from types import ModuleType

import ministack.app as ministack
from ministack.core import iam_actions, router

from embedded import autoscaling
from emulation.patch import PatchError


def add_all() -> None:
    """Add every service of our own.

    Raises:
        PatchError: MiniStack has a service of that name by now.
    """
    _add("application-autoscaling", autoscaling, target_prefix="AnyScaleFrontendService")


def _add(name: str, module: ModuleType, *, target_prefix: str) -> None:
    if name in ministack.SERVICE_REGISTRY:
        raise PatchError(f"MiniStack serves {name} itself now: compare, then delete embedded/{module.__name__}.py.")
    key = name.replace("-", "_")
    sys.modules[f"ministack.services.{key}"] = module
    ministack.SERVICE_REGISTRY[name] = {"module": key}
    ministack.SERVICE_HANDLERS[name] = module.handle_request
    ministack._state_map[key] = key
    router.SERVICE_PATTERNS[name] = {"target_prefixes": [target_prefix]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name
