"""API Gateway: the modules of the chain of handlers that answers a request."""

import importlib
from types import ModuleType


def handlers(name: str) -> ModuleType:
    """A module of LocalStack's chain; the package gives the chain's objects the modules' own names."""
    return importlib.import_module(f"localstack.services.apigateway.next_gen.execute_api.handlers.{name}")
