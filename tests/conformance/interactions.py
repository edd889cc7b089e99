"""The behaviour of AWS that this platform relies on, as questions with the answers that AWS's documents promise.

Each service has one module; importing it registers its questions. They run, and `docs/engines.md` lists them, in the
order of the services.
"""

from tests.conformance import (  # noqa: F401 -- importing a module registers its questions
    ask_apigateway,
    ask_cloudwatch,
    ask_dynamodb,
    ask_events,
    ask_lambda,
    ask_s3,
    ask_secretsmanager,
)
from tests.conformance.interaction import REGISTRY, Interaction

__all__ = ["INTERACTIONS", "Interaction"]

INTERACTIONS = sorted(REGISTRY, key=lambda interaction: interaction.service)
