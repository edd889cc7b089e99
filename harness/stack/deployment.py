"""One environment, deployed on one engine: here engine, packaging and Terraform are joined.

A running stack is described by ``build/stack-<environment>.json``; tests and users read only that file. Beside it is
``build/stack-<environment>.env``, the same for a shell: after ``source``, plain ``terraform -chdir=live/<environment>
plan``, ``aws`` and boto3 work.
"""

import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from harness import package
from harness.engine import Engine
from harness.errors import HarnessError
from harness.files import write_whole
from harness.isolation import NO_PROFILES, shell_lines
from harness.paths import BUILD, ROOT
from harness.settings import PLATFORM
from harness.stack import code_history, killed_terraform
from harness.terraform.events import TerraformEvent
from harness.terraform.run import Terraform

REGION = "us-east-1"
"""The region of every environment."""

APPLY_DEADLINE_S = 15 * 60
"""Seconds for an apply. It takes about one minute, mostly a fixed wait inside the provider; after fifteen it hangs."""

PARALLELISM = 30
"""Resources that Terraform works on at once.

The provider has fixed waits (a bucket's lifecycle: 55 s), which overlap only if they all begin.
"""

_INITIALISED: set[tuple[Path, Path, str, str]] = set()
"""Roots that this process has initialised, with their data folder, state bucket and engine: one deploy after the other
need not do it again."""


class Stack(BaseModel):
    """The description of a running stack, for users and tests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    environment: str
    region: str
    account_id: str
    endpoint_url: str
    api_url: str
    api_key: str
    uploads_bucket: str
    documents_bucket: str
    archives_bucket: str
    artifacts_bucket: str
    table_name: str
    event_bus: str
    functions: dict[str, str]
    dead_letter_queues: dict[str, str]
    event_dead_letter_queues: dict[str, str]
    downstream_queue_url: str
    downstream_topic_arn: str
    replica_buckets: dict[str, str]
    api_key_secret_arn: str
    dashboard_name: str
    alarm_topic_arn: str
    alarms: dict[str, str]
    credentials: dict[str, str]

    @classmethod
    def path(cls, environment: str) -> Path:
        """The file with the description of an environment's running stack."""
        return BUILD / f"stack-{environment}.json"

    @classmethod
    def load(cls, environment: str) -> Self:
        """Read the description of a running stack.

        Raises:
            HarnessError: There is none, or it was written by another version.
        """
        path = cls.path(environment)
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise HarnessError(
                f"No stack of {environment!r} is running: there is no {path.parent.name}/{path.name}.",
                remedy=f"Start one first: ./noxw -s up -- --env {environment}",
            ) from None
        except ValidationError as error:
            raise HarnessError(
                f"{path.parent.name}/{path.name} does not describe a stack ({error.error_count()} errors).",
                remedy="Stop everything, then start again: ./noxw -s down",
            ) from None

    def save(self, shell: Mapping[str, str], *, terraform: Path | None = None) -> None:
        """Write the description and the shell file, readable by the owner only (they hold an API key).

        Args:
            shell: Further variables for the shell: Terraform's inputs and settings.
            terraform: The Terraform to put first on the shell's PATH; None if the shell finds the same one by itself.
        """
        write_whole(self.path(self.environment), json.dumps(self.model_dump(), indent=2) + "\n", mode=0o600)
        variables = {
            **self.credentials,
            **shell,
            "API_URL": self.api_url,
            "API_KEY": self.api_key,
            "UPLOADS_BUCKET": self.uploads_bucket,
            "DOCUMENTS_BUCKET": self.documents_bucket,
            "ARCHIVES_BUCKET": self.archives_bucket,
            "ARTIFACTS_BUCKET": self.artifacts_bucket,
            "TABLE_NAME": self.table_name,
            "EVENT_BUS": self.event_bus,
        }
        write_shell(self.path(self.environment).with_suffix(".env"), variables, terraform=terraform)

    def forget(self) -> None:
        """Remove the description and the shell file: the stack no longer runs."""
        forget(self.environment)

    def on(self, engine: Engine) -> Self:
        """Describe the same stack on another engine that holds a clone of it."""
        return self.model_copy(
            update={
                "endpoint_url": engine.endpoint.url,
                "api_url": self.api_url.replace(self.endpoint_url, engine.endpoint.url),
                "credentials": engine.endpoint.environment(),
            }
        )

    @cached_property
    def session(self) -> boto3.Session:
        """A boto3 session with the stack's keys and region; pass ``endpoint_url=stack.endpoint_url`` to its clients."""
        return boto3.Session(
            aws_access_key_id=self.credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
        )


def write_shell(path: Path, variables: Mapping[str, str], *, terraform: Path | None = None) -> None:
    """Write the file that points a shell at an engine, and away from anything else that its user may have set up.

    Args:
        path: The file, ``stack-<environment>.env``; readable by its owner only.
        variables: The variables to export.
        terraform: The Terraform to put first on the shell's PATH; None if the shell finds the same one by itself.
    """
    lines = [
        f"# The running stack of {path.stem.removeprefix('stack-')!r}, for a shell: source this file.",
        *shell_lines(),
        *(f"export {name}={shlex.quote(value)}" for name, value in {**NO_PROFILES, **variables}.items()),
        *([f'export PATH={shlex.quote(str(terraform.parent))}:"$PATH"'] if terraform else []),
    ]
    write_whole(path, "\n".join(lines) + "\n", mode=0o600)


def forget(environment: str) -> None:
    """Remove an environment's description and shell file, if there are any."""
    path = Stack.path(environment)
    path.unlink(missing_ok=True)
    path.with_suffix(".env").unlink(missing_ok=True)


def environments() -> list[str]:
    """The names of the live folders that hold an environment: those with a ``terraform.tfvars``."""
    return sorted(folder.parent.name for folder in (ROOT / "live").glob("*/terraform.tfvars"))


@dataclass(frozen=True)
class Deployment:
    """An environment's live folder, to be applied unmodified on a started engine.

    Attributes:
        environment: The live folder's name, such as ``dev``.
        engine: A started, healthy engine.
        artifacts: The folder that holds one zip per function.
        work: Terraform's own data and logs for this deployment.
    """

    environment: str
    engine: Engine
    artifacts: Path
    work: Path

    @property
    def state_bucket(self) -> str:
        """The bucket that holds the state of every environment of the account."""
        return PLATFORM.state_bucket(self.engine.endpoint.account_id)

    def variables(self) -> dict[str, str]:
        """The live folder's inputs from outside, and the engine's endpoint and keys, as environment variables."""
        endpoint = self.engine.endpoint
        return {
            **endpoint.environment(),
            "TF_VAR_account_id": endpoint.account_id,
            "TF_VAR_artifacts_dir": str(self.artifacts),
            "TF_WORKSPACE": "default",  # whichever workspace a user of the same data folder has selected
        }

    @cached_property
    def terraform(self) -> Terraform:
        """Terraform on the live folder; see `prepare`."""
        return Terraform(
            ROOT / "live" / self.environment,
            env=self.variables(),
            data_dir=self.work / "data",
            log_dir=self.work / "logs",
            engine_error=self._last_engine_error,
            check=self._check_engine,
        )

    def prepare(self) -> None:
        """Create the state bucket and run ``terraform init`` against it, with the committed provider lock.

        Raises:
            HarnessError: The provider cannot be fetched, or the backend does not respond.
        """
        self._ensure_state_bucket()
        killed_terraform.release_lock(self.client("s3"), self.state_bucket, self.terraform.root)
        initialised = (self.terraform.root, self.terraform.data_dir, self.state_bucket, self.engine.endpoint.url)
        if initialised not in _INITIALISED or not (self.terraform.data_dir / "terraform.tfstate").exists():
            self.terraform.init({"bucket": self.state_bucket, "use_path_style": "true"})
            _INITIALISED.add(initialised)
        code_history.keep(self.terraform, self.client("s3"), self.artifacts)

    def apply(self, on_event: Callable[[TerraformEvent], None] | None = None) -> Stack:
        """Apply the live folder and describe the result.

        Args:
            on_event: Called with each of Terraform's machine-readable events, for progress.

        Raises:
            HarnessError: Terraform failed; the message carries its diagnostics.
        """
        parallel = (f"-parallelism={PARALLELISM}",)
        self.terraform.apply(options=parallel, on_event=on_event, deadline_s=APPLY_DEADLINE_S)
        return self.describe()

    def describe(self) -> Stack:
        """Describe the applied stack from the output ``stack``; the API's key is the current one of its secret."""
        outputs = self.terraform.output()["stack"]
        endpoint = self.engine.endpoint
        return Stack(
            engine=self.engine.name,
            environment=self.environment,
            region=REGION,
            account_id=endpoint.account_id,
            endpoint_url=endpoint.url,
            api_url=endpoint.api_url(outputs["api_id"], outputs["api_stage"]),
            credentials=endpoint.environment(),
            api_key=self._current_api_key(outputs["api_key_secret_arn"]),
            **{
                name: outputs[name]
                for name in (
                    "api_key_secret_arn",
                    "dashboard_name",
                    "alarm_topic_arn",
                    "alarms",
                    "uploads_bucket",
                    "documents_bucket",
                    "archives_bucket",
                    "artifacts_bucket",
                    "table_name",
                    "event_bus",
                    "functions",
                    "dead_letter_queues",
                    "event_dead_letter_queues",
                    "downstream_queue_url",
                    "downstream_topic_arn",
                    "replica_buckets",
                )
            },
        )

    def shell(self) -> dict[str, str]:
        """The variables with which a plain ``terraform -chdir=live/<environment>`` acts on this deployment."""
        return {
            "TF_VAR_account_id": self.engine.endpoint.account_id,
            "TF_VAR_artifacts_dir": str(self.artifacts),
            "TF_DATA_DIR": str(self.work / "data"),
            "TF_CLI_CONFIG_FILE": str(self.terraform.config.path),
            # The provider derives path-style addresses from the endpoint's form; the S3 backend needs this option.
            "TF_CLI_ARGS_init": "-backend-config=use_path_style=true",
        }

    @property
    def own_terraform(self) -> Path | None:
        """The Terraform in use; None if a shell finds the same one by itself."""
        program = self.terraform.program
        on_path = shutil.which("terraform")
        return None if on_path and Path(on_path).resolve() == program.resolve() else program

    def _check_engine(self) -> None:
        """Raise HarnessError if the engine has died."""
        if not self.engine.is_running:
            raise HarnessError(
                f"The engine {self.engine.instance!r} stopped while Terraform was running.",
                remedy=f"Look for the cause in {self.engine.log}, then start again: ./noxw -s up",
            )

    def _last_engine_error(self) -> str | None:
        """The engine's last own error, to be shown: the provider retries 5xx responses silently."""
        errors = self.engine.last_errors(1)
        return errors[0] if errors else None

    @property
    def _session(self) -> boto3.Session:
        environment = self.engine.endpoint.environment()
        return boto3.Session(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION)

    def client(self, service: str) -> Any:
        """A client of an AWS service on the engine, with the root user's keys."""
        session: Any = self._session  # the stubs know one overload for each service
        return session.client(service, endpoint_url=self.engine.endpoint.url)

    def _current_api_key(self, secret_arn: str) -> str:
        """The key that clients use now: rotation changes it, and Terraform's outputs have only the first."""
        secrets = self._session.client("secretsmanager", endpoint_url=self.engine.endpoint.url)
        value = json.loads(secrets.get_secret_value(SecretId=secret_arn)["SecretString"])
        return str(value["apiKey"])

    def _ensure_state_bucket(self) -> None:
        """Create the state bucket on the engine, as ``live/bootstrap`` does on AWS."""
        s3 = self.client("s3")
        try:
            s3.head_bucket(Bucket=self.state_bucket)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            s3.create_bucket(Bucket=self.state_bucket)
            s3.put_bucket_versioning(Bucket=self.state_bucket, VersioningConfiguration={"Status": "Enabled"})


def build_for(engine: Engine, sources: Path = ROOT / "lambdas") -> list[package.Artifact]:
    """Build every function's zip for the interpreter on which the engine runs handlers.

    Each engine gets its own copies: another run in this checkout, on edited sources, must not change what this one has
    applied.

    Args:
        engine: The engine.
        sources: The folder of the functions.
    """
    local = BUILD / "artifacts" / "local"
    artifacts = package.build(package.Target.HOST, local, python=engine.lambda_python, sources=sources)
    folder = artifacts_of(engine)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return [replace(artifact, path=Path(shutil.copy(artifact.path, folder))) for artifact in artifacts]


def artifacts_of(engine: Engine) -> Path:
    """The folder of an engine's own zips."""
    return BUILD / "artifacts" / engine.instance
