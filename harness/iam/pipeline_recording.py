"""What Terraform and its backend do to an account, recorded on an engine through the life of each environment.

Every environment lives once: plan, apply, a second plan, an update of code and settings, a release in stages and its
rollback, destroy. The embedded engine writes down each request that IAM would authorize
(``localstack/embedded/recorded_requests.py``).
"""

import functools
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from harness.access.pipeline_calls import PipelineCall, merged, names_of, rows_of
from harness.deploy import canary, rollback, smoke, unmanaged
from harness.deploy.release import ReleaseRecord, ReleaseStore
from harness.deploy.request import DeployReport, DeployRequest
from harness.deploy.smoke_access import PlatformAccess
from harness.deploy.stages import Stages
from harness.deploy.steps import Steps
from harness.engine import Engine, engine_for
from harness.engine.base import ACCOUNT_ID
from harness.errors import HarnessError
from harness.paths import BUILD, ROOT
from harness.policy import plans
from harness.policy.finding import Finding
from harness.settings import PLATFORM
from harness.stack import code_history
from harness.stack.deployment import APPLY_DEADLINE_S, PARALLELISM, REGION, Deployment, artifacts_of, build_for
from harness.stack.inventory import inventory
from harness.terraform.plan import TerraformPlan
from harness.terraform.run import Terraform

FOLDER = BUILD / "iam" / "pipeline"
"""The recorded requests, one file for each environment."""

PREVIEW = "pr-00001"
"""The workspace of the preview that is recorded, named as the workflow of previews names them."""

COMPLETE = "complete"
"""The mark at the end of a complete recording."""

PREPARATION = "preparation"
"""The step of what the recording itself does: no role needs it."""

AGAIN = "plan again"
"""The step that plans what was just applied."""

CANARY = 50
"""The percentage of the calls that new versions get in the release that is recorded."""

_PARALLEL = f"-parallelism={PARALLELISM}"
_LIFTED = ("-var=deletion_protection=false", "-var=force_destroy=true")


@dataclass(frozen=True)
class Life:
    """One environment from its first plan to its end.

    Attributes:
        name: The environment's name in the list of calls.
        folder: The live folder's name.
        workspace: Terraform's workspace.
        update: Options of the plan that changes it.
        end: Options of what precedes its destruction; none if it can be destroyed as it is.
        options: Options of every plan.
        inputs: Terraform's inputs besides those of every environment.
        destroyed: Whether it ends; the state bucket cannot be destroyed while it holds a state.
    """

    name: str
    folder: str
    workspace: str = "default"
    update: tuple[str, ...] = ()
    end: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict, hash=False)
    destroyed: bool = True

    @property
    def is_platform(self) -> bool:
        """Whether it is an environment with functions, and not the account's own folder."""
        return self.folder != "bootstrap"

    @property
    def is_released_in_stages(self) -> bool:
        """Whether its new code gets some of the calls first; previews get theirs all at once."""
        return self.is_platform and self.workspace == "default"

    def names(self) -> dict[str, str]:
        """The names of the environment, as it is on the engine."""
        environment = self.folder if self.workspace == "default" else f"{self.folder}-{self.workspace}"
        return names_of(environment, self.folder, ACCOUNT_ID, self.workspace)


_CHANGED = (
    '-var=logging={"level":"DEBUG","retention_days":30}',
    '-var=lambda_settings={"memory_size":768,"reserved_concurrency":4,"timeout":29}',
    '-var=allowed_origins=["https://www.example.com"]',
    '-var=payment_sources=["payments.example","bank.example"]',
    "-var=monthly_budget_usd=60",
    "-var=stream_record_age_hours=5",
)
"""Settings that an update changes: of functions, logs, API, bus, budget, alarms."""

_BOUNDARY = f"arn:aws:iam::{ACCOUNT_ID}:policy/{PLATFORM.boundary_policy}"
_BOUNDED = {"TF_VAR_permissions_boundary": _BOUNDARY}

LIVES = (
    Life(
        "bootstrap",
        "bootstrap",
        update=("-var=repository=",),  # takes the roles away
        inputs={"TF_VAR_repository": "example/platform"},
        destroyed=False,
    ),
    Life("dev", "dev", update=_CHANGED, inputs=_BOUNDED),
    Life("prod", "prod", update=_CHANGED, end=_LIFTED, inputs=_BOUNDED),
    Life("preview", "dev", PREVIEW, update=_CHANGED, options=("-var-file=preview.tfvars",), inputs=_BOUNDED),
)


_NOBODY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*"}]}'


def requests_file(name: str) -> Path:
    """The file of an environment's recorded requests."""
    return FOLDER / f"{name}.jsonl"


@contextmanager
def recording_engine(name: str) -> Iterator[Engine]:
    """An empty engine that records requests, stopped at the end of the block."""
    file = requests_file(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    os.environ["EMBEDDED_REQUESTS"] = str(file.absolute())
    try:
        engine = engine_for(instance=f"pipeline-{name}", port="auto")
        engine.start(tied=True)
        try:
            engine.wait_healthy(timeout_s=60)
            yield engine
        finally:
            engine.stop()
    finally:
        del os.environ["EMBEDDED_REQUESTS"]


def begin(name: str, step: str) -> None:
    """Mark the begin of a step in the file of the requests."""
    with requests_file(name).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step}) + "\n")


def changed_sources(folder: Path, times: int = 1) -> Path:
    """The functions with some comments more in each handler, so that the code of every one is new."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "lambdas", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for handler in folder.glob("*/handler.py"):
        handler.write_text(handler.read_text(encoding="utf-8") + "\n# released again" * times + "\n", encoding="utf-8")
    return folder


def terraform_for(life: Life, engine: Engine, credentials: Mapping[str, str] | None = None) -> Terraform:
    """Terraform on the folder of an environment, initialised, with an engine's root keys or with others.

    Args:
        life: The environment.
        engine: A started engine.
        credentials: The keys to use instead of the root user's.
    """
    work = BUILD / "terraform" / engine.instance / life.name
    deployment = Deployment(life.folder, engine, artifacts_of(engine), work)
    deployment.prepare()
    variables = {**deployment.variables(), **life.inputs, **(credentials or {})}
    del variables["TF_WORKSPACE"]
    folder = ROOT / "live" / life.folder
    terraform = Terraform(folder, env=variables, data_dir=work / "data", log_dir=work / "logs")
    terraform.select_workspace(life.workspace)
    return terraform


def live(life: Life, engine: Engine, terraform: Terraform) -> None:
    """Let an environment live once.

    Args:
        life: The environment.
        engine: The engine that records.
        terraform: See `terraform_for`.

    Raises:
        HarnessError: A step failed, or the second plan is not empty.
    """
    file = terraform.log_dir / "pipeline.tfplan"
    for step, options in _steps(life):
        if step == "update" and life.is_platform:
            use(life, engine, terraform)
            build_for(engine, changed_sources(FOLDER / f"lambdas-{life.name}"))
        begin(life.name, step if step == AGAIN else f"{step}: plan")
        planned = terraform.plan((*life.options, *options), out=file)
        if step != AGAIN:
            begin(life.name, step)
            terraform.apply(file, (_PARALLEL,), deadline_s=APPLY_DEADLINE_S)
            if step == "update" and life.is_released_in_stages:
                release_in_stages(life, engine, terraform)
        elif not planned.is_empty:
            raise HarnessError(
                f"The second plan of {life.name} is not empty:\n{planned}", remedy="Make it empty first."
            )
    if life.workspace != "default":
        begin(life.name, "end of the workspace")
        terraform.delete_workspace(life.workspace)


def _session(engine: Engine) -> boto3.Session:
    """A session with the engine's root keys."""
    keys = engine.endpoint.environment()
    return boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)


def _client(engine: Engine) -> Any:
    """A function that returns the client of a service."""
    return functools.partial(_session(engine).client, endpoint_url=engine.endpoint.url)


def _create_boundary(engine: Engine) -> None:
    """Create the policy that limits every role, as bootstrap plans it."""
    plan = plans.stored_plan(ROOT / "live" / "bootstrap").planned
    text = str(plan["aws_iam_policy.boundary[0]"].get("policy"))
    _client(engine)("iam").create_policy(PolicyName=PLATFORM.boundary_policy, PolicyDocument=text)


def use(life: Life, engine: Engine, terraform: Terraform) -> None:
    """Do what the commands of a release do besides Terraform: records and versions, the smoke test, the inventory.

    Args:
        life: The environment.
        engine: The engine that records.
        terraform: See `terraform_for`.
    """
    credentials, session, client = engine.endpoint.environment(), _session(engine), _client(engine)
    bucket = PLATFORM.state_bucket(ACCOUNT_ID)
    begin(life.name, PREPARATION)  # the state of another environment, and a role that is in none
    client("s3").put_object(Bucket=bucket, Key="other/terraform.tfstate", Body=b'{"version": 4, "resources": []}')
    client("iam").create_role(RoleName="other", AssumeRolePolicyDocument=_NOBODY)
    begin(life.name, "release")
    client("s3").head_bucket(Bucket=bucket)
    client("iam").get_policy(PolicyArn=_BOUNDARY)
    client("lambda").get_account_settings()
    client("apigateway").get_account()
    code_history.keep(terraform, client("s3"), artifacts_of(engine))
    store = ReleaseStore(client("s3"), bucket, life.folder)
    store.load()
    store.save(ReleaseRecord())
    begin(life.name, "smoke test")
    smoke.run(_access(life, engine, terraform))
    begin(life.name, "drift")
    list(unmanaged.states(bucket, session, engine.endpoint.url))
    inventory(credentials)
    begin(life.name, PREPARATION)
    client("iam").delete_role(RoleName="other")


class _UnjudgedSteps(Steps):
    """The steps of a deploy without the gate, which makes no request and would reject the settings of the update."""

    def judge(self, _plan: TerraformPlan) -> list[Finding]:
        return []


def release_in_stages(life: Life, engine: Engine, terraform: Terraform) -> None:
    """Release new code of every function in stages, and roll it back, as the workflow `deploy` does.

    Args:
        life: The environment.
        engine: The engine that records.
        terraform: See `terraform_for`.

    Raises:
        HarnessError: The release was taken back.
    """
    build_for(engine, changed_sources(FOLDER / f"lambdas-{life.name}", times=2))
    client = _client(engine)
    request = DeployRequest(
        life.folder, confirm=lambda: True, full_gate=False, options=(*life.options, *life.update), canary=CANARY
    )
    report = DeployReport(life.folder, engine.name)
    steps = _UnjudgedSteps(terraform, request, report, terraform.log_dir / "release.tfplan")
    store = ReleaseStore(client("s3"), PLATFORM.state_bucket(ACCOUNT_ID), life.folder)
    stages = Stages(steps, store, client("lambda"))
    begin(life.name, "release in stages")
    canary.deploy_in_stages(
        stages, request.canary, lambda: _access(life, engine, terraform), artifacts=artifacts_of(engine)
    )
    begin(life.name, "rollback")
    rollback.confirm(stages, rollback.roll_back(stages.functions, store, terraform.output()["stack"], ()))


def _access(life: Life, engine: Engine, terraform: Terraform) -> PlatformAccess:
    """The doors of the deployed platform."""
    outputs = terraform.output()["stack"]
    api_url = engine.endpoint.api_url(outputs["api_id"], outputs["api_stage"])
    return PlatformAccess(life.names()["environment"], api_url, outputs, _client(engine))


def _steps(life: Life) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "apply", ()
    yield AGAIN, ()
    if life.update:
        yield "update", life.update
    if life.end:
        yield "end of protection", (*life.update, *life.end)
    if life.destroyed:
        yield "destroy", ("-destroy", *life.update, *life.end)


def record(life: Life) -> None:
    """Record an environment on an engine of its own."""
    with recording_engine(life.name) as engine:
        begin(life.name, PREPARATION)
        if life.is_platform:
            build_for(engine)
            _create_boundary(engine)
        live(life, engine, terraform_for(life, engine))
        begin(life.name, COMPLETE)


def recorded(life: Life) -> list[PipelineCall]:
    """The rows of the last recording of an environment.

    Raises:
        HarnessError: It is missing or incomplete, or a request is about a resource that the pipeline may not touch.
    """
    try:
        lines = [json.loads(line) for line in requests_file(life.name).read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        lines = []
    if not lines or lines[-1] != {"step": COMPLETE}:
        raise HarnessError(f"There is no complete recording of {life.name}.", remedy="Record it: ./noxw -s roles")
    return merged(rows_of(lines, life.name, life.names()))


def recorded_everywhere() -> list[PipelineCall]:
    """The rows of the last recordings of all environments."""
    return merged(row for life in LIVES for row in recorded(life))
