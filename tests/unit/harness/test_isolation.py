"""The caller's AWS identity, settings, endpoints and proxies reach neither the harness nor a stack's shell."""

import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from harness.isolation import NO_PROFILES, isolate, shell_lines

LOOPBACK = "127.0.0.1,localhost"

FOREIGN = {
    "AWS_ACCESS_KEY_ID": "the-callers",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_ENDPOINT_URL": "http://elsewhere.example",
    "AWS_ENDPOINT_URL_S3": "http://elsewhere.example",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_PROFILE": "mine",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
}
"""Variables that change to whom requests are sent, or in whose name."""

PROFILES = {
    "FIPS": "use_fips_endpoint = true",
    "dual-stack": "use_dualstack_endpoint = true",
    "the account's endpoint": "account_id_endpoint_mode = required",
    "an endpoint": "endpoint_url = http://elsewhere.example",
    "a service's endpoint": "services = mine\n\n[services mine]\nsqs =\n  endpoint_url = http://elsewhere.example",
    "endpoints ignored": "ignore_configured_endpoint_urls = true",
}
"""The same in ``~/.aws/config``."""

PRINT_ENDPOINT = "import boto3; print(boto3.client('sqs', region_name='us-east-1').meta.endpoint_url)"


@pytest.fixture(params=list(PROFILES), ids=list(PROFILES))
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(f"[default]\n{PROFILES[request.param]}\n", encoding="utf-8")
    return tmp_path


def test_aws_settings_are_removed_and_the_rest_stays() -> None:
    environment = {**FOREIGN, "AWS_MAX_ATTEMPTS": "7", "HOME": "/home/me"}

    isolate(environment)

    assert environment == {**NO_PROFILES, "HOME": "/home/me", "NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK}


def test_loopback_is_added_once_to_the_hosts_without_proxy() -> None:
    environment = {"NO_PROXY": "intern.example,localhost"}

    isolate(environment)
    isolate(environment)

    assert environment["NO_PROXY"] == "127.0.0.1,localhost,intern.example"


def test_boto3_works_beside_a_profile_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    isolate(os.environ)

    boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1").client("sqs")


def test_no_setting_of_a_profile_moves_the_engines_endpoint(home: Path) -> None:
    environment = {"HOME": str(home), **FOREIGN}

    isolate(environment)

    environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:4566"
    assert printed([sys.executable, "-c", PRINT_ENDPOINT], environment) == "http://127.0.0.1:4566"


def test_no_setting_of_a_profile_moves_the_endpoint_of_a_shell(home: Path) -> None:
    exported = {**NO_PROFILES, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
    lines = [*shell_lines(), *(f"export {name}={value}" for name, value in exported.items())]
    script = "\n".join(
        [*lines, "export AWS_ENDPOINT_URL=http://127.0.0.1:4566", f'{sys.executable} -c "{PRINT_ENDPOINT}"']
    )
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], **FOREIGN}

    assert printed(["/bin/sh", "-eu", "-c", script], environment) == "http://127.0.0.1:4566"


def test_a_shell_keeps_how_its_aws_cli_prints() -> None:
    script = "\n".join([*shell_lines(), 'echo "$AWS_PAGER ${AWS_PROFILE:-none}"'])

    environment = {"PATH": os.environ["PATH"], "AWS_PAGER": "less", **FOREIGN}

    assert printed(["/bin/sh", "-eu", "-c", script], environment) == "less none"


def printed(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
