"""Saved sources, live at once: the functions that a save changes are built and published, without Terraform.

Every function is called through an alias. For each function whose zip has changed, the new code is published as a
version, and the alias moves to it. So no call is lost: those that run end on the version that they began with.
Terraform does not know of these versions, and takes them over at the end.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
"""

import base64
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import watchfiles
from rich.markup import escape

from harness import package
from harness.console import out
from harness.deploy.release import ALIAS, LiveAlias, live_aliases
from harness.engine import Engine, engine_for, engine_name
from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.stack import lifecycle
from harness.stack.deployment import Stack
from harness.stack.ownership import orderly_end, sole_owner

SOURCES = ROOT / "lambdas"

DEBOUNCE_MS = 100
"""Milliseconds for which saves are collected: an editor that saves all files begins one build."""


@dataclass(frozen=True)
class Published:
    """A function whose callers have new code.

    Attributes:
        name: Its short name.
        version: The version that its alias leads to now.
    """

    name: str
    version: str


@dataclass
class Publisher:
    """Publishes the functions of a running stack whose zips differ from what their callers get.

    Attributes:
        functions: A client of Lambda.
        names: The functions' full names, by their short names.
        build: Builds all zips; those whose content has not changed are reused.
    """

    functions: Any
    names: dict[str, str]
    build: Callable[[], Iterable[package.Artifact]]
    _live: dict[str, str] = field(default_factory=dict)

    def aliases(self) -> dict[str, LiveAlias]:
        """The aliases as they are.

        Raises:
            HarnessError: A release in stages is under way: its versions must not be mixed with edits.
        """
        aliases = live_aliases(self.functions, self.names)
        staged = sorted(name for name, alias in aliases.items() if alias.weights)
        if staged:
            raise HarnessError(
                f"A release in stages of {', '.join(staged)} is under way.",
                remedy="End it first: ./noxw -s deploy or ./noxw -s rollback",
            )
        return aliases

    def remember(self) -> None:
        """Read what callers get now.

        Raises:
            HarnessError: See `aliases`.
        """
        for name, alias in self.aliases().items():
            configuration = self.functions.get_function_configuration(
                FunctionName=alias.function, Qualifier=alias.version
            )
            self._live[name] = base64.b64decode(configuration["CodeSha256"]).hex()

    def publish(self) -> list[Published]:
        """Publish what has changed, each function when its zip is there.

        A function that the stack does not have yet is left out: Terraform creates it.

        Raises:
            HarnessError: The sources cannot be built; nothing was published.
        """
        artifacts = [artifact for artifact in self.build() if artifact.function in self._live]
        changed = [artifact for artifact in artifacts if self._live[artifact.function] != artifact.sha256]
        with ThreadPoolExecutor() as pool:
            return list(pool.map(self._publish, changed))

    def _publish(self, artifact: package.Artifact) -> Published:
        function = self.names[artifact.function]
        code = artifact.path.read_bytes()
        version = self.functions.update_function_code(FunctionName=function, ZipFile=code, Publish=True)["Version"]
        waiter = self.functions.get_waiter("function_updated_v2")
        waiter.wait(FunctionName=function, Qualifier=version, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600})
        self.functions.update_alias(FunctionName=function, Name=ALIAS, FunctionVersion=version, RoutingConfig={})
        self._live[artifact.function] = artifact.sha256
        return Published(artifact.function, version)


def watch(environment: str, *, apply: bool = True, stopped: threading.Event | None = None) -> None:
    """Publish what is saved in ``lambdas/`` until Ctrl-C, and then let Terraform take it over.

    Args:
        environment: A live folder whose stack was left running on a local engine.
        apply: Whether Terraform applies the live folder at the end, so that its next plan is empty.
        stopped: Ends it, too.

    Raises:
        HarnessError: No such stack runs, a release in stages is under way, or Terraform fails.
    """
    if engine_name() == "aws":
        raise HarnessError(
            "Saved sources are published on a local engine only.", remedy=f"Deploy: ./noxw -s deploy -- {environment}"
        )
    stack, engine = Stack.load(environment), engine_for(instance=environment)
    with orderly_end(), sole_owner():
        publisher = publisher_of(stack, engine)
        publisher.remember()
        show(publisher.publish)  # what was saved since the last apply
        out.print(f"Watching {SOURCES.name}/: what is saved there is live at once. To stop: Ctrl-C")
        try:
            for _ in saves(SOURCES, stopped):
                show(publisher.publish)
        except KeyboardInterrupt:
            out.print()
        if apply and engine.is_running:
            lifecycle.apply(environment, engine)


def publisher_of(stack: Stack, engine: Engine, sources: Path = SOURCES) -> Publisher:
    """The publisher for a running stack.

    Args:
        stack: The stack.
        engine: The engine that it runs on, which names the interpreter of its functions.
        sources: The folder of the functions.
    """
    session: Any = stack.session  # the stubs know one overload for each service
    zips = BUILD / "artifacts" / f"{engine.instance}-watched"

    def build() -> list[package.Artifact]:
        return package.build(package.Target.HOST, zips, python=engine.lambda_python, sources=sources)

    return Publisher(session.client("lambda", endpoint_url=stack.endpoint_url), stack.functions, build)


def saves(sources: Path, stopped: threading.Event | None = None) -> Iterator[set[str]]:
    """The files that were saved, created or deleted below a folder, whenever some were; caches do not count."""
    changes = watchfiles.watch(
        sources, debounce=DEBOUNCE_MS, step=20, stop_event=stopped, rust_timeout=500, raise_interrupt=True
    )
    return ({path for _, path in each} for each in changes)


def show(publish: Callable[[], list[Published]]) -> None:
    """Publish, and print what is live or why nothing is."""
    started = time.monotonic()
    try:
        published = publish()
    except HarnessError as error:
        out.print(f"[red]Not live:[/] {escape(str(error))}")
        return
    if published:
        names = ", ".join(f"{each.name} {each.version}" for each in published)
        out.print(f"[green]Live[/] after {time.monotonic() - started:.1f} s: {names}")
