"""Settings of this shell that change where requests go: proxies, FIPS and dual-stack endpoints, the harness's own."""

import os
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, Error
from pathlib import Path

from harness.doctor.findings import Finding, Grade, good

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
ENDPOINTS = ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")
"""https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html"""


def proxies(environment: Mapping[str, str] | None = None) -> Finding:
    """Proxies, and whether requests to this computer avoid them.

    Args:
        environment: The shell's variables; this process's by default.
    """
    environment = os.environ if environment is None else environment
    names = [name for upper in PROXIES for name in (upper, upper.lower()) if environment.get(name)]
    if not names:
        return good("proxies", "none")
    excluded = {host.strip() for name in ("NO_PROXY", "no_proxy") for host in environment.get(name, "").split(",")}
    text = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} set"
    if {"*", "127.0.0.1"} & excluded:
        return good("proxies", f"{text}; 127.0.0.1 is excluded")
    return Finding(
        "proxies",
        Grade.NOTE,
        f"{text}, and 127.0.0.1 is not excluded. The harness's own commands exclude it.",
        'Programs of yours that talk to an engine need: export NO_PROXY="127.0.0.1,localhost"',
    )


def endpoints(environment: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """FIPS and dual-stack endpoints, in variables or profiles: they reject an engine's address.

    Args:
        environment: The shell's variables; this process's by default.
    """
    environment = os.environ if environment is None else environment
    places = [name for name in ENDPOINTS if environment.get(name, "").lower() == "true"]
    config = Path(environment.get("AWS_CONFIG_FILE") or Path.home() / ".aws" / "config").expanduser()
    settings = tuple(name.removeprefix("AWS_").lower() for name in ENDPOINTS)
    profiles = ConfigParser(interpolation=None, strict=False)
    try:
        profiles.read(config, encoding="utf-8")
    except (Error, UnicodeDecodeError):
        yield Finding("FIPS endpoints", Grade.WARNING, f"{config} cannot be read.", "Correct the file.")
        return
    places += [
        f"{setting} of [{section}] in {config}"
        for section in profiles.sections()
        for setting in settings
        if profiles[section].get(setting, "").strip().lower() == "true"
    ]
    if not places:
        yield good("FIPS endpoints", "not chosen")
        return
    yield Finding(
        "FIPS endpoints",
        Grade.NOTE,
        f"Chosen by {'; '.join(places)}. The harness's own commands ignore that on an engine.",
        "Programs of yours reject an engine's address with it: source build/stack-dev.env first.",
    )


def variables(environment: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """The harness's own variables; one that names a missing file is an error.

    Args:
        environment: The shell's variables; this process's by default.
    """
    environment = os.environ if environment is None else environment
    files = ("HARNESS_PYTHON", "HARNESS_TERRAFORM", "HARNESS_TF_MIRROR", "HARNESS_TF_CLI_CONFIG")
    for name in files:
        value = environment.get(name)
        if value and "/" in value and not Path(value).expanduser().exists():
            yield Finding("settings", Grade.ERROR, f"{name}={value} does not exist.", f"Correct it, or unset {name}.")
    engine = environment.get("HARNESS_ENGINE", "embedded")
    if engine not in {"embedded", "localstack", "aws"}:
        text = f"HARNESS_ENGINE={engine} is no engine."
        yield Finding("settings", Grade.ERROR, text, "Use embedded, localstack or aws, or unset it.")
