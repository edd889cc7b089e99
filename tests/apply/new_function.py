"""A new function, ``GET /health``, as the steps of lambdas/README.md ("Adding a function") make it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """One change of one file.

    Attributes:
        file: Relative to the checkout.
        text: What is added.
        after: The text behind which it is added, at its first place; empty for the end of the file, or for a new file.
        everywhere: Whether it is added at each place.
    """

    file: str
    text: str
    after: str = ""
    everywhere: bool = False

    def make(self, checkout: Path) -> None:
        """Change the file."""
        path = checkout / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if not self.after:
            after = before + self.text
        else:
            assert self.after in before, f"{self.file}: {self.after!r} is not there any more"
            after = before.replace(self.after, self.after + self.text, -1 if self.everywhere else 1)
        path.write_text(after, encoding="utf-8")


HANDLER = '''"""health: ``GET /health``, whether the API serves requests."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.api import resolver
from invoicing.api.response_models import Health
from invoicing.runtime import settings
from invoicing.runtime.observability import count, logger, metrics, tracer

config = settings.HealthSettings.load()
app = resolver.create_app()


@app.get("/health")
def read_health() -> Response[str]:
    """The function runs, so its configuration is complete."""
    logger.info("Health read")
    return resolver.response(Health(status="ok"))


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point."""
    count("EventsReceived")
    return resolver.serve(app, event, context, config.allowed_origins)
'''

FUNCTION = """
    health = {
      description = "Serves GET /health."
      environment = { ALLOWED_ORIGINS = join(",", var.allowed_origins) }
      statements  = {}
    }
"""

PERMISSION = """
    health = {
      GetHealth = { principal = "apigateway.amazonaws.com", source_arn = "${module.api.execution_arn}/*/GET/health" }
    }"""

ROUTE = """
    health = {
      alias_arn = local._alias_arns["health"]
      method    = "GET"
      path      = "/health"
    }"""

MODEL = '''

class Health(ResponseModel):
    """Whether the API serves requests."""

    status: Literal["ok"]
'''

OPERATION = """
    health = {
        "get": _operation(
            "readHealth", "Whether the API serves requests", "Needs a key, as every request does.", (),
            {200: _success("It does.", Health, {}, example={"status": "ok"})},
        ),
    }  # fmt: skip"""

TEST = '''"""health: it answers without any call of AWS."""

from collections.abc import Callable
from types import ModuleType
from typing import Any


def test_it_answers(load: Callable[..., ModuleType], call: Any) -> None:
    response = call(load("health"), "GET", "/health")

    assert (response.status, response.body) == (200, {"status": "ok"})
'''

STEPS: dict[int, Sequence[Edit]] = {
    1: (Edit("lambdas/health/__init__.py", '"""health."""\n'), Edit("lambdas/health/handler.py", HANDLER)),
    2: (Edit("lambdas/invoicing/runtime/settings.py", '\n\nclass HealthSettings(ApiSettings):\n    """health."""\n'),),
    3: (
        Edit("modules/invoice-platform/functions.tf", FUNCTION, after="  _functions = {"),
        Edit("modules/invoice-platform/functions.tf", PERMISSION, after="  _permissions = {"),
    ),
    4: (
        Edit("modules/invoice-platform/api.tf", ROUTE, after="  routes = {"),
        Edit("policy/platform.toml", '\nhealth = "health"', after="[calls.aws_api_gateway_integration]"),
    ),
    5: (
        Edit("lambdas/invoicing/api/response_models.py", MODEL),
        Edit("lambdas/invoicing/api/openapi.py", "\n    Health,", after="from invoicing.api.response_models import ("),
        Edit("lambdas/invoicing/api/openapi.py", OPERATION, after="    }  # fmt: skip"),
        Edit(
            "lambdas/invoicing/api/openapi.py",
            '\n        "/health": ("Health", health),',
            after="paths: dict[str, tuple[str, dict[str, Any]]] = {",
        ),
        Edit("lambdas/invoicing/api/openapi.py", "Health, ", after="UpdateInvoice],\n                ["),
    ),
    6: (
        Edit("pyproject.toml", ' "health",', after='"get_invoice",', everywhere=True),
        Edit("pyproject.toml", ' "health.handler",', after='"get_invoice.handler",', everywhere=True),
    ),
    7: (
        Edit("lambdas/README.md", "\n| `health` | `GET /health` | whether it serves requests |", after="|---|---|---|"),
        Edit("docs/architecture.md", "\nGET /health ──> health", after="retires the one before the last)\n"),
    ),
    8: (Edit("tests/unit/handlers/test_health.py", TEST),),
    9: (
        Edit(
            "tests/e2e/test_iam.py",
            '    def health(self) -> str:\n        return self._request("GET", "/health")\n\n',
            after="        return str(getattr(self, name)())\n\n",
        ),
    ),
}  # fmt: skip
"""The edits of each step, by its number in the README."""
