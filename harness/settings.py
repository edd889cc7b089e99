"""What the harness knows of the platform that it tests: ``[tool.harness]`` of pyproject.toml.

Another platform uses the harness with other values there. checkov's environment loads this module, so it imports the
standard library only.
"""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from harness.errors import HarnessError
from harness.paths import ROOT

FILE = ROOT / "pyproject.toml"


@dataclass(frozen=True)
class PlatformSettings:
    """The names of a platform.

    Attributes:
        state_bucket_prefix: The beginning of the state bucket's name; the account's id follows.
        compose_project_prefix: The beginning of the Compose projects' names; the engine's instance follows.
        pipeline_prefix: The beginning of the names of the pipeline's roles, and of the policy that limits other roles.
        platform_module: The module in ``modules/`` that composes all others, and that live folders call.
        platform_call: The name of that call in the live folders.
        tags: Tags with one value on every resource.
        replicated_buckets: Parts of the names of buckets that production keeps in a second region too.
        subscriber_domains: The domains of the mail addresses that topics and budgets may notify, in lower case.
        made_while_it_runs: The beginnings of what the platform itself creates in an account, such as rotated keys, as
            `harness.stack.inventory` names it.
        environment_names: The environment variables that functions may have.
        table_prefix: The beginning of the tables' names; the environment follows, or a word and the environment.
        event_source: The source of the platform's own events.
        event_types: The types of these events.
        received_event_types: The types of events that come from outside.
        sweeping_function: The function that finds and heals what waits because something was lost.
        watched_counts: The metrics of the code that somebody has to act on: each has an alarm.
        uploads: Keys of files that must start a function when they are uploaded.
        traced: What is followed through the functions: log lines name it in ``<traced>_id``, and ``logs`` takes it as
            ``--<traced>``.
        sample: The file that `up` uploads by default, relative to the repository.
        package: The functions' shared package, a folder of ``lambdas/``.
        mutated_modules: The modules of that package that `mutate` mutates by default.
        mutants_killers: The patterns of the test files that must notice these mutants.
        mutants_builders: The files with which these tests build their data, relative to the repository.
    """

    state_bucket_prefix: str
    compose_project_prefix: str
    pipeline_prefix: str
    platform_module: str
    platform_call: str
    tags: dict[str, str]
    replicated_buckets: tuple[str, ...]
    subscriber_domains: tuple[str, ...]
    made_while_it_runs: tuple[str, ...]
    environment_names: tuple[str, ...]
    table_prefix: str
    event_source: str
    event_types: tuple[str, ...]
    received_event_types: tuple[str, ...]
    sweeping_function: str
    watched_counts: tuple[str, ...]
    uploads: tuple[str, ...]
    traced: str
    sample: str
    package: str
    mutated_modules: tuple[str, ...]
    mutants_killers: tuple[str, ...]
    mutants_builders: tuple[str, ...]

    @classmethod
    def read(cls, file: Path = FILE) -> Self:
        """Read the table ``[tool.harness]``.

        Args:
            file: A pyproject.toml.

        Raises:
            HarnessError: The table lacks a setting, or has one that the harness does not know.
        """
        with file.open("rb") as stream:
            table: dict[str, Any] = tomllib.load(stream).get("tool", {}).get("harness", {})
        written: dict[str, Any] = {
            name.replace("-", "_"): tuple(value) if isinstance(value, list) else value for name, value in table.items()
        }
        names = {field.name for field in fields(cls)}
        if differing := sorted(names ^ written.keys()):
            name = differing[0].replace("_", "-")
            raise HarnessError(
                f"[tool.harness] in {file.name} " + (f"lacks {name}." if differing[0] in names else f"has {name}."),
                remedy="harness/settings.py: PlatformSettings lists the settings and what they mean.",
            )
        return cls(**written)

    def state_bucket(self, account_id: str) -> str:
        """The bucket with the state of every environment of an account; ``live/bootstrap`` sets it up."""
        return f"{self.state_bucket_prefix}{account_id}"

    @property
    def boundary_policy(self) -> str:
        """The policy that limits every role of an environment, if ``live/bootstrap`` has created it."""
        return f"{self.pipeline_prefix}boundary"


PLATFORM = PlatformSettings.read()
"""This repository's platform."""
