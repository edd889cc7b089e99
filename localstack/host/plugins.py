"""The plug-ins of this package, which LocalStack does not find by entry points because they are not installed."""

from typing import Any

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from plux import PluginSpec
from plux.runtime import resolve

from emulation.patch import patches
from host import services


class LocalRuntimeExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc] # LocalStack has no types here
    """``LAMBDA_RUNTIME_EXECUTOR=local``: see :mod:`host.executor`."""

    name = "local"

    def load(self, *_arguments: Any, **_options: Any) -> Any:
        """Import the executor when the first function is created, not before."""
        from host.executor import LocalRuntimeExecutor

        return LocalRuntimeExecutor


def _plugins() -> list[PluginSpec]:
    executor = PluginSpec(RuntimeExecutorPlugin.namespace, LocalRuntimeExecutorPlugin.name, LocalRuntimeExecutorPlugin)
    return [executor, *services.PROVIDERS]


@patches(resolve, "MetadataPluginFinder.find_plugins", needed=None)
def own_plugins(original: Any) -> Any:
    """LocalStack finds the executor and the services of this package in addition to its own plug-ins."""

    def find_plugins(self: Any) -> list[PluginSpec]:
        return [*original(self), *(spec for spec in _plugins() if spec.namespace == self.namespace)]

    return find_plugins
