"""What the first call of a function waits for: its imports and clients, beside the libraries that it is built on."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench.measure import Figure, Share, child_cpu_ms, in_turns
from tests.environments import function_environment

LAMBDAS = Path(__file__).resolve().parents[2] / "lambdas"

FLOOR = """
import boto3, pydantic
from aws_lambda_powertools import Logger, Metrics, Tracer
boto3.client("dynamodb")
"""
"""What every function needs: the SDK with one client, Powertools and pydantic."""

GOAL = 1.15

_LINE = re.compile(r"import time:\s+(?P<own>\d+) \|\s+\d+ \|\s+(?P<module>\S+)")

ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    "LAMBDA_TASK_ROOT": str(LAMBDAS),
    "PYTHONPATH": str(LAMBDAS),
}
"""As in Lambda, which names a daemon (without one nothing is traced) and a task root (without one the X-Ray SDK makes
clients to ask for sampling rules)."""


def figures() -> Iterator[Figure]:
    """One figure for each function."""
    for function in sorted(handler.parent.name for handler in LAMBDAS.glob("*/handler.py")):
        environment = {**ACCOUNT, **function_environment(function), "POWERTOOLS_SERVICE_NAME": function}
        code = f"import {function}.handler"
        value, floor = in_turns(child_cpu_ms(code, environment), child_cpu_ms(FLOOR, environment))
        yield Figure(f"cold start of {function}", value, "ms CPU", GOAL, floor, shares=_shares(code, environment))


def _shares(code: str, environment: Mapping[str, str]) -> list[Share]:
    """The packages that take most of the time of the imports that the floor does not make."""
    own, floor = _imports(code, environment), _imports(FLOOR, environment)
    total = sum(own.values())
    packages: Counter[str] = Counter()
    for module, spent in own.items():
        if module not in floor:
            packages[".".join(module.split(".")[:2])] += spent
    return [(package, spent / total) for package, spent in packages.most_common(5)]


def _imports(code: str, environment: Mapping[str, str]) -> dict[str, int]:
    """The microseconds of each imported module, without what it imports itself."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return {found["module"]: int(found["own"]) for line in run.stderr.splitlines() if (found := _LINE.match(line))}
