"""The services that MiniStack lacks, added to its registry.

MiniStack gives them what its own services have: routing, request signatures, IAM checks, the scope of account and
region, persistence and reset.
"""

import sys
from types import ModuleType

import ministack.app as ministack
from ministack.core import iam_actions, router

from embedded import autoscaling
from emulation.patch import PatchError


def add_services() -> None:
    """Add every service of this package to MiniStack.

    Raises:
        PatchError: This version of MiniStack has a service of that name.
    """
    _add("application-autoscaling", autoscaling, target_prefix="AnyScaleFrontendService")


def _add(name: str, module: ModuleType, *, target_prefix: str) -> None:
    if name in ministack.SERVICE_REGISTRY:
        raise PatchError(f"MiniStack now has {name} itself: compare, then delete embedded/{module.__name__}.py.")
    key = name.replace("-", "_")
    sys.modules[f"ministack.services.{key}"] = module
    ministack.SERVICE_REGISTRY[name] = {"module": key}
    ministack.SERVICE_HANDLERS[name] = module.handle_request
    ministack._state_map[key] = key
    router.SERVICE_PATTERNS[name] = {"target_prefixes": [target_prefix]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name
