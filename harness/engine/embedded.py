"""The embedded engine: MiniStack, started by ``localstack/embedded``, one process on one loopback port."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.engine import environments, local_server
from harness.engine.base import ACCOUNT_ID, REGION, RootKeys
from harness.engine.local_server import LocalServer
from harness.errors import HarnessError
from harness.paths import ROOT

_PACKAGES = tuple(ROOT / "localstack" / package for package in ("embedded", "emulation"))
_SNAPSHOT_MANIFEST = "snapshot.json"


class EmbeddedEngine(LocalServer):
    """One instance of the embedded engine."""

    name = "embedded"
    package = "embedded"
    health_path = "/_embedded/health"
    tunable = frozenset(
        {
            "EMBEDDED_ACCOUNT_CONCURRENCY",
            "EMBEDDED_ALARM_PERIOD",
            "EMBEDDED_RESTORE_LAG",
            "EMBEDDED_CAPACITY_SPEED",
            "EMBEDDED_REQUESTS",
            "HARNESS_STRICT",
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS",
            "LAMBDA_WARM_TTL_SECONDS",
            "LOG_LEVEL",
        }
    )

    @property
    def snapshots(self) -> "EmbeddedSnapshots":
        """Its state, to be taken and started from."""
        return EmbeddedSnapshots(self)

    @property
    def server_python(self) -> Path:
        """The interpreter that the server runs on: it has MiniStack. Created on first use."""
        return environments.ensure("venv")

    @property
    def lambda_python(self) -> Path:
        """The interpreter that handlers run on: it has what the Lambda runtime brings. Created on first use."""
        return environments.ensure("lambda-runtime")

    @property
    def version(self) -> str:
        """A digest of the server's code and its locked dependencies, which a snapshot's format may depend on."""
        digest = hashlib.sha256((ROOT / "requirements" / "engine.txt").read_bytes())
        for module in (module for package in _PACKAGES for module in sorted(package.glob("*.py"))):
            digest.update(module.name.encode() + module.read_bytes())
        return digest.hexdigest()[:16]

    def reset(self) -> None:
        """Forget every resource and stop warm Lambda workers; the port stays."""
        status, body = self.endpoint.request("POST", "/_ministack/reset")
        if status != 200:
            raise HarnessError(f"The engine could not be reset: {body[:300]!r}", remedy=f"See {self.log}.")

    def _root_keys(self) -> RootKeys:
        return RootKeys.random()

    def _settings(self) -> dict[str, str]:
        return {
            "STATE_DIR": str(self.folder / "state"),
            "S3_DATA_DIR": str(self.folder / "state" / "s3"),
            "EMBEDDED_CODE_DIR": str(local_server.FOLDER / "code"),
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        }


@dataclass(frozen=True)
class EmbeddedSnapshots:
    """The state of an embedded engine, which any instance of the same version can start from."""

    engine: EmbeddedEngine

    def take(self, to: Path) -> None:
        """Write the state to a new folder.

        The engine keeps running. Do this while nothing is written: a change during the copy may or may not be in it.

        Raises:
            HarnessError: The folder exists, or the engine could not save every service.
        """
        if to.exists():
            raise HarnessError(f"The snapshot folder {to} exists already.", remedy="Delete it, or use another folder.")
        status, body = self.engine.endpoint.request("POST", "/_embedded/save")
        if status != 200:
            raise HarnessError(f"The engine could not save its state: {body[:300]!r}", remedy=f"See {self.engine.log}.")
        to.parent.mkdir(parents=True, exist_ok=True)
        draft = to.with_name(f"{to.name}.draft-{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(self.engine.folder / "state", draft)
        manifest = {"engine": self.engine.name, "front": self.engine.version, "instance": self.engine.instance}
        (draft / _SNAPSHOT_MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        draft.rename(to)

    def start(self, folder: Path, *, tied: bool = False) -> None:
        """Start the engine with the state in a folder that :meth:`take` wrote.

        Raises:
            HarnessError: It is not a snapshot of this version, or the engine does not start.
        """
        try:
            manifest = json.loads((folder / _SNAPSHOT_MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise HarnessError(f"{folder} is not a snapshot of an engine.", remedy="Take one first.") from None
        if manifest["front"] != self.engine.version:
            raise HarnessError(
                f"The snapshot {folder} was taken with another version of the engine.",
                remedy="Delete it and take it again.",
            )
        without_manifest = shutil.ignore_patterns(_SNAPSHOT_MANIFEST)
        self.engine.start_with(lambda state: shutil.copytree(folder, state, ignore=without_manifest), tied=tied)
