"""What this platform relies on of AWS, as questions with the answers that AWS's documents promise.

One module a service; importing it registers its questions. They are asked, and told in `docs/engines.md`, service by
service.
"""

from tests.conformance import (  # noqa: F401 -- importing a module of questions registers them
    ask_apigateway,
    ask_cloudwatch,
    ask_dynamodb,
    ask_events,
    ask_lambda,
    ask_s3,
    ask_secretsmanager,
)
from tests.conformance.interaction import REGISTERED, Interaction

__all__ = ["INTERACTIONS", "Interaction"]

INTERACTIONS = sorted(REGISTERED, key=lambda one: one.service)
