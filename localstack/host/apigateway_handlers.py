"""API Gateway: access to the modules of LocalStack's handler chain."""

import importlib
from types import ModuleType


def handlers(name: str) -> ModuleType:
    """Import a module of the chain by its path: in the package, its name is that of a handler object."""
    return importlib.import_module(f"localstack.services.apigateway.next_gen.execute_api.handlers.{name}")
