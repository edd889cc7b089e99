"""The provider: from a mirror on this computer that has the locked version, otherwise from the registry.

The decision is written into a separate Terraform CLI configuration. So neither ``~/.terraformrc`` nor an inherited
``TF_CLI_CONFIG_FILE`` changes a run; ``HARNESS_TF_CLI_CONFIG`` names a configuration to use instead.
"""

import glob
import json
import os
import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.files import write_whole
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
class LockedProvider:
    """A provider in a lock file: its full source address and its version."""

    source: str
    version: str


@dataclass(frozen=True)
class CliConfig:
    """Where Terraform gets providers from.

    Attributes:
        path: The CLI configuration file for Terraform.
        mirror: The mirror folder in it; None if it uses the registry, or is the caller's own file.
        searched: The folders that were searched, in order.
        providers: The providers that were searched for.
        is_custom: Whether it is the file that ``HARNESS_TF_CLI_CONFIG`` names.
    """

    path: Path
    mirror: Path | None
    searched: tuple[Path, ...]
    providers: tuple[LockedProvider, ...]
    is_custom: bool = False

    @property
    def direct(self) -> bool:
        """Whether `init` uses the registry, and the plugin cache, which two runs must not use at the same time."""
        return self.mirror is None and not self.is_custom


def locked_providers(lock_file: Path) -> tuple[LockedProvider, ...]:
    """The providers that a ``.terraform.lock.hcl`` selects.

    Raises:
        HarnessError: The file does not exist or selects nothing.
    """
    try:
        text = lock_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    providers = []
    for block in _LOCKED.finditer(text):
        version = _VERSION.search(block["body"])
        if version:
            providers.append(LockedProvider(block["source"], version["version"]))
    if not providers:
        raise HarnessError(
            f"{lock_file} is missing or selects no provider.",
            remedy="It belongs in the repository: restore it with `git checkout`, or make it with `terraform init`.",
        )
    return tuple(providers)


def mirror_folders() -> tuple[Path, ...]:
    """The folders that may be a mirror, in order: Terraform's implied local mirrors, then those under ``/opt``.

    See https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories.
    """
    home = Path.home()
    folders = [home / ".terraform.d" / "plugins"]
    if platform.system() == "Darwin":
        folders += [
            home / "Library/Application Support/io.terraform/plugins",
            Path("/Library/Application Support/io.terraform/plugins"),
        ]
    data_home = os.environ.get("XDG_DATA_HOME")
    if data_home:
        folders.append(Path(data_home) / "terraform" / "plugins")
    folders += [
        home / ".local/share/terraform/plugins",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
    ]
    folders += sorted(namespace.parent for namespace in Path("/opt").glob("*/registry.terraform.io"))
    return tuple(dict.fromkeys(folders))


def holds(folder: Path, provider: LockedProvider, target: str) -> bool:
    """Whether a mirror has a provider's version for a platform, packed (an archive) or unpacked (a folder)."""
    source_folder = folder / provider.source
    kind = provider.source.rpartition("/")[2]
    if (source_folder / f"terraform-provider-{kind}_{provider.version}_{target}.zip").is_file():
        return True
    unpacked = source_folder / provider.version / target
    return any(unpacked.glob(f"terraform-provider-{glob.escape(kind)}*"))


def find(
    providers: Sequence[LockedProvider], *, among: Sequence[Path] | None = None, target: str | None = None
) -> Path | None:
    """The first mirror that has all the providers for this platform.

    ``HARNESS_TF_MIRROR``, if set, is the only folder that is searched.

    Raises:
        HarnessError: ``HARNESS_TF_MIRROR`` names a folder that does not have them.
    """
    target = target or platform_name()
    setting = os.environ.get("HARNESS_TF_MIRROR")
    if setting:
        chosen = Path(setting).expanduser().absolute()
        missing = [provider for provider in providers if not holds(chosen, provider, target)]
        if missing:
            raise HarnessError(
                f"HARNESS_TF_MIRROR={setting} does not have {_names(missing)} for {target}.",
                remedy=f"Fill it: `terraform providers mirror -platform={target} {setting}`, or unset the variable.",
            )
        return chosen
    for folder in among if among is not None else mirror_folders():
        if all(holds(folder, provider, target) for provider in providers):
            return folder
    return None


def write_cli_config(lock_file: Path, *, folder: Path | None = None, among: Sequence[Path] | None = None) -> CliConfig:
    """Decide where the locked providers come from, and write it into a file for Terraform.

    Args:
        lock_file: The ``.terraform.lock.hcl`` of a live folder.
        folder: The folder for the file; ``build/terraform`` by default.
        among: The folders that may be a mirror; `mirror_folders` by default.

    Raises:
        HarnessError: A variable names something that does not exist, or the lock file cannot be used.
    """
    providers = locked_providers(lock_file)
    searched = tuple(among) if among is not None else mirror_folders()
    setting = os.environ.get("HARNESS_TF_CLI_CONFIG")
    if setting:
        path = Path(setting).expanduser().absolute()
        if not path.is_file():
            raise HarnessError(
                f"HARNESS_TF_CLI_CONFIG={setting} is not a file.", remedy="Correct the path, or unset it."
            )
        return CliConfig(path, None, (), providers, is_custom=True)
    folder = (folder or BUILD / "terraform").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    mirror = find(providers, among=searched)
    text = "\n".join(_lines(mirror, folder / "plugin-cache", providers)) + "\n"
    if mirror is None:
        (folder / "plugin-cache").mkdir(exist_ok=True)  # Terraform rejects a cache folder that does not exist
    path = folder / "terraform.rc"
    write_whole(path, text)  # several plans may run at the same time
    return CliConfig(path, mirror, searched, providers)


def _lines(mirror: Path | None, cache: Path, providers: Sequence[LockedProvider]) -> Iterator[str]:
    """The configuration's text (https://developer.hashicorp.com/terraform/cli/config/config-file)."""
    yield "# Written by the harness for each run; changes are lost."
    yield "disable_checkpoint = true"
    if mirror is None:
        yield f"plugin_cache_dir = {_quoted(cache)}"
        yield "provider_installation {"
        yield "  direct {}"
        yield "}"
        return
    sources = ", ".join(json.dumps(provider.source) for provider in providers)
    yield "provider_installation {"
    yield "  filesystem_mirror {"
    yield f"    path    = {_quoted(mirror)}"
    yield f"    include = [{sources}]"
    yield "  }"
    yield "  direct {"
    yield f"    exclude = [{sources}]"
    yield "  }"
    yield "}"


def provider_error(output: str, config: CliConfig) -> HarnessError | None:
    """The error for a failed ``terraform init``, if it failed to get a provider.

    Args:
        output: The diagnostics' text.
        config: The configuration that `init` ran with.

    Returns:
        The error to raise; None if the failure is about something else.
    """
    about_provider = any(
        provider.source.rpartition("/")[2] in output or provider.source in output for provider in config.providers
    )
    if not (about_provider and _UNREACHABLE.search(output)):
        return None
    names = _names(config.providers)
    if config.is_custom:
        return HarnessError(
            f"Terraform could not get {names} with HARNESS_TF_CLI_CONFIG={config.path}:\n{output.strip()}",
            remedy="Fix that file, or unset the variable.",
        )
    if config.mirror is not None:
        return HarnessError(
            f"Terraform could not use {names} from the mirror {config.mirror}:\n{output.strip()}",
            remedy="Its files may be damaged: fill it again with `terraform providers mirror`, or set "
            "HARNESS_TF_MIRROR to another one.",
        )
    searched = ", ".join(str(folder) for folder in config.searched) or "nowhere"
    return HarnessError(
        f"The Terraform provider {names} for {platform_name()} is not available: no mirror has it (searched "
        f"{searched}), and the registry did not respond: {_last_line(output)}",
        remedy="Connect to the network (behind a proxy, set HTTPS_PROXY), or set HARNESS_TF_MIRROR to a folder filled "
        f"by `terraform providers mirror -platform={platform_name()} <folder>` on a computer that is connected.",
    )


def _names(providers: Sequence[LockedProvider]) -> str:
    return ", ".join(
        f"{provider.source.removeprefix('registry.terraform.io/')} {provider.version}" for provider in providers
    )


def _quoted(path: Path) -> str:
    """A path as an HCL string; ``${`` and ``%{`` are escaped, because they would be templates."""
    return json.dumps(str(path), ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _last_line(output: str) -> str:
    """The part of a diagnostic that names the cause: Go wraps errors from the outside in."""
    lines = [line.strip() for line in output.splitlines() if _UNREACHABLE.search(line)]
    return lines[-1] if lines else output.strip()
