"""The caller's AWS identity and settings, kept away from everything that works on a local engine.

boto3, the AWS CLI and Terraform's provider read more than their arguments: some thirty variables, and the profile files
``~/.aws/config`` and ``~/.aws/credentials``. With FIPS or dual-stack endpoints chosen there they reject an engine's
address or ignore it, a service's own endpoint wins over the one for all services, and a profile that does not exist is
an error even beside explicit keys. So nothing of it is passed on, whatever its name.

https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html lists the variables and the profiles' settings.
"""

import os
from collections.abc import Mapping, MutableMapping

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
"""Hosts that no request may reach through a proxy."""

NO_PROFILES: Mapping[str, str] = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Empty profile files instead of those in the home folder, and no look for the role of an EC2 instance."""

_OF_THE_AWS_CLI = ("AWS_PAGER", "AWS_DEFAULT_OUTPUT", "AWS_CLI_AUTO_PROMPT")
"""How a person's AWS CLI prints and asks; a shell keeps it."""


def isolate(environment: MutableMapping[str, str]) -> None:
    """Remove the caller's AWS identity and settings from an environment, and keep loopback off proxies.

    Args:
        environment: Usually ``os.environ``, which is changed. It is for local engines only.
    """
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment.update(NO_PROFILES)
    for name in ("NO_PROXY", "no_proxy"):
        others = [host for host in environment.get(name, "").split(",") if host and host not in LOOPBACK_NAMES]
        environment[name] = ",".join([*LOOPBACK_NAMES, *others])


def shell_lines() -> list[str]:
    """The same for a POSIX shell that reads these lines; `NO_PROFILES` are to be exported besides."""
    names = r"env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p'"
    return [
        f'for _name in $({names}); do case "$_name" in {"|".join(_OF_THE_AWS_CLI)}) ;; *) unset "$_name" ;; esac; done',
        'export NO_PROXY="127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}"',
        'export no_proxy="127.0.0.1,localhost${no_proxy:+,$no_proxy}"',
    ]
