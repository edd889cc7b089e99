"""The provider: from a mirror on this computer when one holds the locked version, else from the registry.

What was decided is written into a Terraform CLI configuration of our own, so that nobody's ``~/.terraformrc`` and no
inherited ``TF_CLI_CONFIG_FILE`` changes what a run does. ``HARNESS_TF_CLI_CONFIG`` hands in one on purpose.
"""

import glob
import json
import os
import platform
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.paths import BUILD
from harness.terraform.binary import platform_name

_LOCKED = re.compile(r'^provider\s+"(?P<source>[^"]+)"\s*\{(?P<body>.*?)^\}', re.MULTILINE | re.DOTALL)
_VERSION = re.compile(r'^\s*version\s*=\s*"(?P<version>[^"]+)"', re.MULTILINE)
_UNREACHABLE = re.compile(
    r"could not connect to|failed to request discovery document|error (?:while )?(?:down)?loading|"
    r"no such host|i/o timeout|connection refused|network is unreachable|Client\.Timeout|"
    r"proxyconnect|tls: |x509: |does not have a provider named|no available releases match|"
    r"provider .* was not found in any of the search locations|Failed to install provider",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Locked:
    """A provider as a lock file selects it: its full source address and its version."""

    source: str
    version: str


@dataclass(frozen=True)
class CliConfig:
    """Where Terraform gets providers from.

    Attributes:
        path: The CLI configuration file to run Terraform with.
        mirror: The mirror folder that it names; None when it goes to the registry, or is the caller's own.
        searched: The folders that were looked into, in order.
        providers: What was looked for.
        own: Whether it is the file that ``HARNESS_TF_CLI_CONFIG`` names.
    """

    path: Path
    mirror: Path | None
    searched: tuple[Path, ...]
    providers: tuple[Locked, ...]
    own: bool = False

    @property
    def direct(self) -> bool:
        """Whether `init` will go to the registry (and through the plugin cache, which is not safe for two at once)."""
        return self.mirror is None and not self.own


def locked(lock_file: Path) -> tuple[Locked, ...]:
    """The providers that a ``.terraform.lock.hcl`` selects.

    Raises:
        HarnessError: The file does not exist or selects nothing.
    """
    try:
        text = lock_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    found = []
    for block in _LOCKED.finditer(text):
        version = _VERSION.search(block["body"])
        if version:
            found.append(Locked(block["source"], version["version"]))
    if not found:
        raise HarnessError(
            f"{lock_file} is missing or selects no provider.",
            remedy="It belongs in the repository: restore it with `git checkout`, or make it with `terraform init`.",
        )
    return tuple(found)


def places() -> tuple[Path, ...]:
    """The folders where a mirror may be, in order: Terraform's implied local mirrors, then those under ``/opt``.

    See https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories.
    """
    home = Path.home()
    found = [home / ".terraform.d" / "plugins"]
    if platform.system() == "Darwin":
        found += [
            home / "Library/Application Support/io.terraform/plugins",
            Path("/Library/Application Support/io.terraform/plugins"),
        ]
    data_home = os.environ.get("XDG_DATA_HOME")
    if data_home:
        found.append(Path(data_home) / "terraform" / "plugins")
    found += [
        home / ".local/share/terraform/plugins",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
    ]
    found += sorted(folder.parent for folder in Path("/opt").glob("*/registry.terraform.io"))
    return tuple(dict.fromkeys(found))


def holds(folder: Path, provider: Locked, target: str) -> bool:
    """Whether a mirror has a provider's version for a platform, packed (an archive) or unpacked (a folder)."""
    of_source = folder / provider.source
    kind = provider.source.rpartition("/")[2]
    if (of_source / f"terraform-provider-{kind}_{provider.version}_{target}.zip").is_file():
        return True
    unpacked = of_source / provider.version / target
    return any(unpacked.glob(f"terraform-provider-{glob.escape(kind)}*"))


def find(providers: Sequence[Locked], *, among: Sequence[Path] | None = None, target: str | None = None) -> Path | None:
    """The first mirror that holds all the providers for this platform.

    ``HARNESS_TF_MIRROR``, when set, is the only place that counts.

    Raises:
        HarnessError: ``HARNESS_TF_MIRROR`` names a folder that does not hold them.
    """
    target = target or platform_name()
    named = os.environ.get("HARNESS_TF_MIRROR")
    if named:
        chosen = Path(named).expanduser().absolute()
        lacking = [one for one in providers if not holds(chosen, one, target)]
        if lacking:
            raise HarnessError(
                f"HARNESS_TF_MIRROR={named} does not hold {_names(lacking)} for {target}.",
                remedy=f"Fill it with `terraform providers mirror -platform={target} {named}`, or unset the variable.",
            )
        return chosen
    for folder in among if among is not None else places():
        if all(holds(folder, one, target) for one in providers):
            return folder
    return None


def write_cli_config(lock_file: Path, *, folder: Path | None = None, among: Sequence[Path] | None = None) -> CliConfig:
    """Decide where the locked providers come from and write it down for Terraform.

    Args:
        lock_file: The ``.terraform.lock.hcl`` of a live folder.
        folder: Where to write; ``build/terraform`` unless told otherwise.
        among: Where to look for a mirror; `places` unless told otherwise.

    Raises:
        HarnessError: A variable names something that is not there, or the lock file is unusable.
    """
    wanted = locked(lock_file)
    searched = tuple(among) if among is not None else places()
    own = os.environ.get("HARNESS_TF_CLI_CONFIG")
    if own:
        path = Path(own).expanduser().absolute()
        if not path.is_file():
            raise HarnessError(f"HARNESS_TF_CLI_CONFIG={own} is not a file.", remedy="Correct the path, or unset it.")
        return CliConfig(path, None, (), wanted, own=True)
    folder = (folder or BUILD / "terraform").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    mirror = find(wanted, among=searched)
    text = "\n".join(_lines(mirror, folder / "plugin-cache", wanted)) + "\n"
    if mirror is None:
        (folder / "plugin-cache").mkdir(exist_ok=True)  # Terraform refuses a cache folder that does not exist
    path = folder / "terraform.rc"
    draft = folder / f".terraform.rc.{os.getpid()}.{threading.get_ident()}"  # plans are made side by side
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return CliConfig(path, mirror, searched, wanted)


def _lines(mirror: Path | None, cache: Path, wanted: Sequence[Locked]) -> Iterator[str]:
    """The configuration's text (https://developer.hashicorp.com/terraform/cli/config/config-file)."""
    yield "# Written by the harness for each run; changes are lost."
    yield "disable_checkpoint = true"
    if mirror is None:
        yield f"plugin_cache_dir = {_quoted(cache)}"
        yield "provider_installation {"
        yield "  direct {}"
        yield "}"
        return
    sources = ", ".join(json.dumps(one.source) for one in wanted)
    yield "provider_installation {"
    yield "  filesystem_mirror {"
    yield f"    path    = {_quoted(mirror)}"
    yield f"    include = [{sources}]"
    yield "  }"
    yield "  direct {"
    yield f"    exclude = [{sources}]"
    yield "  }"
    yield "}"


def init_failure(said: str, config: CliConfig) -> HarnessError | None:
    """Turn what a failed ``terraform init`` said into the error a person can act on, if it is about getting a provider.

    Args:
        said: The diagnostics' text.
        config: What `init` ran with.

    Returns:
        The error to raise; None if the failure is about something else.
    """
    about_provider = any(one.source.rpartition("/")[2] in said or one.source in said for one in config.providers)
    if not (about_provider and _UNREACHABLE.search(said)):
        return None
    wanted = _names(config.providers)
    if config.own:
        return HarnessError(
            f"Terraform could not get {wanted} with HARNESS_TF_CLI_CONFIG={config.path}:\n{said.strip()}",
            remedy="Fix that file, or unset the variable.",
        )
    if config.mirror is not None:
        return HarnessError(
            f"Terraform could not use {wanted} from the mirror {config.mirror}:\n{said.strip()}",
            remedy="Its files may be damaged: fill it anew with `terraform providers mirror`, or set HARNESS_TF_MIRROR "
            "to another one.",
        )
    looked = ", ".join(str(folder) for folder in config.searched) or "nowhere"
    return HarnessError(
        f"The Terraform provider {wanted} for {platform_name()} could not be had: no mirror holds it (looked in "
        f"{looked}), and the registry did not answer: {_last_line(said)}",
        remedy="Connect to the network (behind a proxy, set HTTPS_PROXY), or set HARNESS_TF_MIRROR to a folder made by "
        f"`terraform providers mirror -platform={platform_name()} <folder>` on a computer that is connected.",
    )


def _names(providers: Sequence[Locked]) -> str:
    return ", ".join(f"{one.source.removeprefix('registry.terraform.io/')} {one.version}" for one in providers)


def _quoted(path: Path) -> str:
    """A path as an HCL string: ``${`` and ``%{`` would be templates."""
    return json.dumps(str(path), ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _last_line(said: str) -> str:
    """The part of a diagnostic that names the cause: Go wraps errors from the outside in."""
    lines = [line.strip() for line in said.splitlines() if _UNREACHABLE.search(line)]
    return lines[-1] if lines else said.strip()
