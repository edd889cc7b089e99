"""One restore, from the question whether it is possible to the empty plan.

Each step may be repeated: what is done already is not done again. So a command that was interrupted is run again.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.markup import escape
from rich.table import Table

from harness.console import ProgressStep, out
from harness.deploy.deployed import Deployed
from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.steps import Steps
from harness.errors import HarnessError
from harness.files import write_whole
from harness.paths import BUILD
from harness.restore.cutover import Cutover
from harness.restore.freeze import Freeze
from harness.restore.recovery import TableRecovery
from harness.restore.table_settings import TableSettings
from harness.settings import PLATFORM


@dataclass(frozen=True)
class RestoreRequest:
    """What is to be restored.

    Attributes:
        environment: The live folder's name.
        moment: The time, in full seconds; None for the state in which the table is now.
        name: The new table's name.
        delete: The table that is deleted because its name is needed; empty for none.
        confirm: Asks before the functions are stopped.
    """

    environment: str
    moment: datetime | None
    name: str
    delete: str
    confirm: Callable[[], bool]


@dataclass
class Figures:
    """What a restore has done.

    Attributes:
        source: The table that was in use.
        target: The one that is now.
        moment: The time of its content.
        lost: The settings that the restored table did not have.
        differing: The settings that differ at the end; none if all is well.
        seconds: What each step took.
        standstill_s: For how long the functions stood still.
        set_up: What Terraform has changed of the table, by action.
        followed: What it has changed after that.
        plan_is_empty: Whether the plan at the end has nothing to change.
    """

    source: str
    target: str
    moment: str = ""
    lost: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    standstill_s: float = 0.0
    set_up: dict[str, int] = field(default_factory=dict)
    followed: dict[str, int] = field(default_factory=dict)
    plan_is_empty: bool = False

    def document(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


class Restoration:
    """A restore.

    Args:
        request: What is to be restored.
        deployed: The environment.
    """

    def __init__(self, request: RestoreRequest, deployed: Deployed) -> None:
        self.request, self.deployed = request, deployed
        outputs = deployed.terraform.output()["stack"]
        self.recovery = TableRecovery(deployed.client("dynamodb"))
        self.freeze = Freeze.of(deployed.client("lambda"), outputs)
        self._stood_still = not self.freeze.is_over()
        self._kept = BUILD / "restore" / f"{request.environment}.json"
        self._before, source = self._contract(outputs["table_name"])
        self.figures = Figures(source, request.name)

    def _contract(self, in_use: str) -> tuple[TableSettings, str]:
        """The settings of the table that was in use before, and its name; as they were if a restore is repeated."""
        origin = self.recovery.origin(in_use)
        if in_use == self.request.name and origin and self._kept.exists() and not self.freeze.is_over():
            document = json.loads(self._kept.read_text(encoding="utf-8"))
            if document["source"] == origin[0]:
                return TableSettings.of(document["settings"]), origin[0]
        return TableSettings.read(self.deployed.client, in_use), in_use

    def check(self, *, settled: bool = False) -> None:
        """Check that the restore can be done, before anything is changed.

        Args:
            settled: Whether it is known that Terraform has nothing to change.

        Raises:
            HarnessError: It cannot.
        """
        request, source = self.request, self.figures.source
        check_name(request.name, request.environment)
        self.recovery.window(source)
        if request.name == source:
            raise HarnessError(
                f"{source} is the table in use: a restore always creates another one.",
                remedy="Give another name (--name), or leave --name out.",
            )
        if self.recovery.describe(request.name) is not None and not self._is_begun and not request.delete:
            raise HarnessError(
                f"There is a table {request.name} already.",
                remedy=f"If nobody needs it, add --delete {request.name}; else choose another name (--name).",
            )
        if request.delete not in {"", request.name}:
            raise HarnessError(
                f"--delete {request.delete} is not the name that is needed, {request.name}.",
                remedy="Leave it out: nothing has to be deleted.",
            )
        if self.deployed.releases.load().stable:
            raise HarnessError(
                "A release is in progress or was taken back, and a restore publishes new versions of all functions.",
                remedy=f"End it first: ./noxw -s deploy -- {request.environment}",
            )
        if not settled and not self._is_begun:
            with ProgressStep(f"Check that live/{request.environment} is as deployed"):
                self._cutover(source).check_settled()

    @property
    def _is_begun(self) -> bool:
        """Whether the new table was restored by an earlier attempt at the same restore.

        A copy of the current state counts only if the functions have stood still since: it lacks what they wrote.
        """
        if self.recovery.describe(self.request.name) is None:
            return False
        origin = self.recovery.origin(self.request.name)
        if origin is None or origin[0] != self.figures.source:
            return False
        return self._stood_still if self.request.moment is None else self.request.moment == origin[1]

    def stop(self) -> None:
        """Stop the functions, and keep what the table in use is like."""
        document = {"source": self.figures.source, "settings": vars(self._before)}
        write_whole(self._kept, json.dumps(document, indent=2) + "\n", mode=0o600)
        with ProgressStep("Stop the functions"):
            self.freeze.begin()

    def restore(self) -> None:
        """Restore the table under the new name.

        Raises:
            HarnessError: It cannot be restored. Then the functions run again.
        """
        request, figures = self.request, self.figures
        try:
            if self._is_begun and (origin := self.recovery.origin(request.name)):
                moment = origin[1]
            else:
                moment = self._moment()
                if request.delete:
                    self._delete(request.delete)
            with ProgressStep(f"Restore {figures.source} as {request.name}") as step:
                started = time.monotonic()
                self.recovery.restore(
                    figures.source, request.name, moment, lambda: step.advance_to(0, note="still being restored")
                )
                figures.seconds["restore"] = round(time.monotonic() - started, 1)
                step.conclude(f"as it was at {moment.isoformat()}")
        except BaseException:
            self.freeze.end()
            raise
        figures.moment = moment.isoformat()
        restored = TableSettings.read(self.deployed.client, request.name)
        figures.lost = self._before.differing(restored)
        show_settings(self._before, restored)

    def cut_over(self) -> None:
        """Let Terraform and everything else take the restored table for the environment's own.

        Raises:
            HarnessError: The gate rejects a plan, Terraform fails, or something differs at the end.
        """
        request, figures = self.request, self.figures
        cutover = self._cutover(request.name)
        with self._timed("import", f"Import {request.name} in place of {figures.source}"):
            if self._before.stream:  # without it, an import ends where the configuration reads the stream's ARN
                self.recovery.enable_stream(request.name, self._before.stream)
            cutover.import_table(request.name)
        cutover.judge()
        started = time.monotonic()
        figures.set_up = cutover.set_up_table(figures.source)
        figures.seconds["set_up"] = round(time.monotonic() - started, 1)
        started = time.monotonic()
        figures.followed = cutover.follow()
        figures.seconds["follow"] = round(time.monotonic() - started, 1)
        if not self.freeze.is_over():
            self.freeze.end()
        self.freeze.before.clear()
        cutover.check_complete()
        figures.plan_is_empty = True
        self._check_settings()

    def _check_settings(self) -> None:
        """Check that the table in use has every setting of the one that was.

        Raises:
            HarnessError: It has not.
        """
        after = TableSettings.read(self.deployed.client, self.request.name)
        self.figures.differing = self._before.differing(after)
        if self.figures.differing:
            show_settings(self._before, after)
            raise HarnessError(
                f"{self.request.name} is in use, but differs in: {', '.join(self.figures.differing)}.",
                remedy=f"See the table above, and what Terraform says: ./noxw -s drift -- {self.request.environment}",
            )

    def _moment(self) -> datetime:
        """The time to restore; without one, the second after the last call that was in progress."""
        moment = self.request.moment
        if moment is None:
            with ProgressStep("Wait for the last calls to end") as step:
                pause = self.freeze.longest_call_s
                step.conclude(f"{pause} s, the longest time-out")
                time.sleep(pause)
            moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
            time.sleep(1)
        with ProgressStep("Wait until that time can be restored") as step:
            self.recovery.await_restorable(
                self.figures.source, moment, lambda latest: step.advance_to(0, note=f"the latest time is {latest}")
            )
        return moment

    def _delete(self, name: str) -> None:
        if self.recovery.describe(name) is None:
            return
        origin = self.recovery.origin(self.figures.source)
        if origin is None or origin[0] != name:
            raise HarnessError(
                f"{name} is not the table that {self.figures.source} was restored from: it is not deleted.",
                remedy="Look at both tables, and delete it by hand if nobody needs it.",
            )
        with ProgressStep(f"Delete {name}"):
            self.recovery.delete(name)

    def _cutover(self, table: str) -> Cutover:
        environment = self.request.environment
        folder = BUILD / "deploy" / environment
        inputs = self.deployed.releases.load().inputs.options(folder / "release.tfvars.json")
        named = () if table == own_name(environment) else (f"-var=table_name={table}",)
        request = DeployRequest(environment, full_gate=False, smoke=False, options=(*inputs, *named))
        report = DeployReport(environment, "restore")
        steps = Steps(self.deployed.terraform, request, report, folder / "plan.tfplan")
        return Cutover(steps, table, own_name(environment))

    def _timed(self, name: str, title: str) -> "_Timed":
        return _Timed(self.figures.seconds, name, title)


class _Timed:
    """A step whose seconds are kept."""

    def __init__(self, seconds: dict[str, float], name: str, title: str) -> None:
        self._seconds, self._name, self._step, self._started = seconds, name, ProgressStep(title), 0.0

    def __enter__(self) -> ProgressStep:
        self._started = time.monotonic()
        return self._step.__enter__()

    def __exit__(self, *failure: Any) -> None:
        self._seconds[self._name] = round(time.monotonic() - self._started, 1)
        self._step.__exit__(*failure)


def own_name(environment: str) -> str:
    """The name of an environment's table while no restored one takes its place."""
    return f"{PLATFORM.table_prefix}{environment}"


def new_name(environment: str, moment: datetime) -> str:
    """The name of a table restored to a moment."""
    return f"{PLATFORM.table_prefix}{moment.astimezone(UTC):%Y%m%dt%H%M%S}-{environment}"


def check_name(name: str, environment: str) -> None:
    """Check a name before a table has it; ``modules/invoice-platform`` takes the same ones.

    Raises:
        HarnessError: It is not one of the environment's.
    """
    if not re.fullmatch(rf"{re.escape(PLATFORM.table_prefix)}([a-z0-9]+-)?{re.escape(environment)}", name):
        raise HarnessError(
            f"{name} is not the name of a table of {environment}.",
            remedy=f"Use {PLATFORM.table_prefix}<lower-case letters and digits>-{environment}.",
        )


def show_settings(contract: TableSettings, restored: TableSettings) -> None:
    """Print the settings of the table in use beside those of the restored one."""
    differing = contract.differing(restored)
    table = Table("Setting", "In use", "Restored", "")
    for setting in vars(contract):
        verdict = "[yellow]differs[/]" if setting in differing else "[green]the same[/]"
        table.add_row(setting, escape(contract.row(setting)), escape(restored.row(setting)), verdict)
    out.print(table)
