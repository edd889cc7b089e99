"""Our plug-ins, told to LocalStack without being installed: it finds the rest by entry points."""

from typing import Any

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from plux import PluginSpec
from plux.runtime import resolve

from emulation.patch import patches
from host import services


class LocalRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """``LAMBDA_RUNTIME_EXECUTOR=local``: see :mod:`host.executor`."""

    name = "local"

    def load(self, *_arguments: Any, **_options: Any) -> Any:
        """Import it when the first function is made, not before."""
        from host.executor import LocalRuntimeExecutor

        return LocalRuntimeExecutor


def _own() -> list[PluginSpec]:
    executor = PluginSpec(RuntimeExecutorPlugin.namespace, LocalRuntimeExecutorPlugin.name, LocalRuntimeExecutorPlugin)
    return [executor, *services.PROVIDERS]


@patches(resolve, "MetadataPluginFinder.find_plugins", needed=None)
def own_plugins(original: Any) -> Any:
    """LocalStack sees the executor and the services of this package beside its own plug-ins."""

    def find_plugins(self: Any) -> list[PluginSpec]:
        return [*original(self), *(spec for spec in _own() if spec.namespace == self.namespace)]

    return find_plugins
